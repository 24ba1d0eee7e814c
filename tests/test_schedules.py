"""What is alive layer by layer: the schedule of a run here beside what Python says that the run allocated."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

import convcalc
from convcalc import ops
from convcalc.analysis import analyze
from convcalc.analysis.memory import STATES, training
from convcalc.analysis.schedules import Schedule, schedule
from convcalc.checks import capacity
from convcalc.graph import Graph, Ref
from convcalc.plan import Plan
from convcalc.witness import Run, random_inputs
from convcalc.witness.training import loss, terms

if TYPE_CHECKING:
    from collections.abc import Callable

NEAR = 0.1
"""How far the peak of a run may be from the predicted one, of which it is a part."""
SMALL = 1 << 16
"""Bytes of Python's own objects, which no schedule counts."""

NETS: dict[str, dict[str, int]] = {
    "lenet5": {"batch": 16},
    "alexnet_2012": {},
    "resnet18": {},
    "resnet50": {},
    "googlenet": {"batch": 2},
    "mobilenet_v2": {},
    "densenet121": {"H": 128, "W": 128},
    "squeezenet1_0": {},
    "unet": {"H": 128, "W": 96},
    "dcgan_generator": {"batch": 4},
    "vgg16": {"H": 160, "W": 160},
}


def net(name: str) -> tuple[Graph, int]:
    values = dict(NETS[name])
    batch = values.pop("batch", 1)
    return convcalc.load(name).bind(values), batch


def allocated(work: Callable[[], Any]) -> int:
    """The most bytes that were alive at once, beside what was there before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def assert_as_predicted(graph: Graph, batch: int = 1, dtype: str = "float32") -> None:
    """The peak of a forward run, its inputs included, its weights not."""
    inputs = random_inputs(graph, batch, dtype=dtype)
    weights: dict[str, Any] = {}
    Run(graph, inputs, weights, forward_only=True)
    seen = allocated(lambda: Run(graph, inputs, weights, forward_only=True)) + sum(x.nbytes for x in inputs.values())
    predicted = schedule(analyze(graph, batch=batch, dtype=dtype), "convcalc").peak.bytes
    assert abs(seen - predicted) <= NEAR * predicted + SMALL, (seen, predicted)


@pytest.mark.parametrize("name", NETS)
def test_a_run_holds_what_is_predicted(name: str) -> None:
    assert_as_predicted(*net(name))


def test_a_run_in_double_precision() -> None:
    assert_as_predicted(*net("resnet18"), "float64")


MAP = (16, 48, 40)
ARGUMENTS: dict[str, dict[str, Any]] = {
    "channel_shuffle": {"groups": 4}, "filter": {"kernel": "gaussian"}, "group_norm": {"num_groups": 4},
    "layer_norm": {"normalized_shape": [16, 48, 40]}, "local_conv": {"out_channels": 4, "kernel_size": 3},
    "tiled_conv": {"out_channels": 16, "kernel_size": 3, "tiles": 2}, "pixel_shuffle": {"upscale_factor": 2},
    "pixel_unshuffle": {"downscale_factor": 2}, "unpool": {"kernel_size": 2}, "max_unpool": {"kernel_size": 2},
    "log_sum_exp_pool": {"kernel_size": 3, "stride": 2, "padding": 1},
    "lp_pool": {"kernel_size": 3, "stride": 2, "padding": 1, "norm_type": 2},
    "adaptive_avg_pool": {"output_size": 7}, "adaptive_max_pool": {"output_size": 7},
    "avg_pool": {"kernel_size": 3, "stride": 2, "padding": 1}, "crop": {"size": 32},
    "conv": {"out_channels": 16, "kernel_size": 3, "padding": 1}, "linear": {"out_features": 64},
    "conv_transpose": {"out_channels": 16, "kernel_size": 2, "stride": 2},
    "local_response_norm": {"size": 5}, "log_softmax": {"dim": 1}, "softmax": {"dim": 1},
    "max_pool": {"kernel_size": 3, "stride": 2, "padding": 1}, "mean": {"dim": [2, 3]}, "pad": {"padding": 2},
    "permute": {"dims": [0, 2, 3, 1]}, "reshape": {"shape": [16, 48 * 40]}, "slice": {"dim": 1, "start": 0, "end": 8},
    "split": {"chunks": 2}, "upsample": {"scale_factor": 2},
}  # fmt: skip
OPERANDS = {"matmul": [(16, 48, 40), (16, 40, 48)], "cross_entropy": [MAP, MAP], "mse_loss": [MAP, MAP]}


@pytest.mark.parametrize("name", ops.names())
def test_every_op_states_what_its_kernel_works_in(name: str) -> None:
    graph = Graph()
    shapes = OPERANDS.get(name, [MAP] * ops.find(name).operands[0])
    refs = [graph.input(shape, name=f"operand{place}") for place, shape in enumerate(shapes)]
    if ops.find(name).indices is not None:
        pool = graph.add("max_pool", refs[0], kernel_size=2)
        refs = [pool, Ref(pool.node, 1)]
    graph.output(graph.add(name, *refs, **ARGUMENTS.get(name, {})))
    assert_as_predicted(graph, batch=8)


def test_what_lies_between_positions() -> None:
    graph = Graph()
    graph.output(graph.add("upsample", graph.input(MAP), scale_factor=2, mode="linear"))
    assert_as_predicted(graph, batch=8)


def test_a_workspace_that_is_forgotten_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("max_pool", "gelu", "elu"):
        monkeypatch.setattr(ops.find(name), "workspace", lambda self, inputs, outputs, width: 0)
        with pytest.raises(AssertionError):
            test_every_op_states_what_its_kernel_works_in(name)


@pytest.mark.parametrize("name", ["resnet50", "resnet18", "mobilenet_v2", "vgg16", "unet", "googlenet"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_forward_run_stays_near_the_peak(name: str, threads: int) -> None:
    """Of the schedule and, for a plan, what it states to work in: results within 1.3 times what is predicted."""
    graph, batch = net(name)
    inputs, weights = random_inputs(graph, batch), dict[str, Any]()
    Run(graph, inputs, weights, forward_only=True)
    analysis = analyze(graph, batch=batch)
    held = schedule(analysis, "convcalc")
    alive = max(moment.results for moment in held.moments)
    plain = allocated(lambda: Run(graph, inputs, weights, forward_only=True))
    assert plain <= 1.3 * alive + max(moment.workspace for moment in held.moments)
    fast = allocated(lambda: Plan(graph, weights, threads=threads).run(inputs, forward_only=True))
    assert fast <= 1.3 * alive + capacity.plan_workspace(analysis), (fast, alive)


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "mobilenet_v2", "alexnet_2012", "unet"])
def test_what_a_run_needs_is_asked_for(name: str) -> None:
    """Parameters, drawn on the way, and with a backward pass all that it keeps: no less, and not much more."""
    graph, batch = net(name)
    analysis = analyze(graph, batch=batch)

    def run(*, forward_only: bool) -> None:
        inputs = random_inputs(graph, batch)
        ran = Run(graph, inputs, forward_only=forward_only)
        if not forward_only:
            ran.backward(loss(terms(graph, ran.outputs), ran.outputs).seeds)

    for forward_only in (True, False):
        needed = capacity.needed(analysis, forward_only=forward_only)
        seen = allocated(lambda only=forward_only: run(forward_only=only))
        assert 0.4 * needed <= seen <= needed, (seen, needed, forward_only)


# The schedule of the references.


@pytest.mark.parametrize("name", NETS)
def test_the_peak_is_that_of_the_totals(name: str) -> None:
    graph, batch = net(name)
    analysis = analyze(graph, batch=batch)
    held = schedule(analysis)
    memory = analysis.totals.memory
    assert (held.peak.bytes, held.peak.name, held.made) == (memory.peak, analysis.totals.peak_at, memory.activations)
    assert_consistent(held)
    assert_consistent(schedule(analysis, "convcalc"))


def assert_consistent(held: Schedule) -> None:
    """What is alive sums up to the peak, which nothing exceeds."""
    assert sum(one.bytes for one in held.live) == held.peak.results
    assert held.peak in held.moments
    assert max(moment.bytes for moment in held.moments) == held.peak.bytes


def test_the_live_set_of_a_residual_unit() -> None:
    graph = Graph()
    x = graph.add("conv", graph.input((3, 8)), out_channels=4, kernel_size=1, name="stem")
    y = graph.add("conv", x, out_channels=8, kernel_size=1, name="wide")
    y = graph.add("conv", y, out_channels=4, kernel_size=1, name="narrow")
    graph.output(graph.add("add", x, y, name="sum"))
    held = schedule(graph.analyze())
    assert held.peak.name == "narrow"
    assert [(one.name, one.shape, one.bytes, one.until) for one in held.live] == [
        ("stem", (4, 8), 128, "sum"), ("wide", (8, 8), 256, "narrow"), ("narrow", (4, 8), 128, "sum"),
    ]  # fmt: skip
    ours = schedule(graph.analyze(), "convcalc")
    assert ("input", (3, 8), 96, "") in ours.live


# Training.


def test_what_optimizers_keep() -> None:
    analysis = convcalc.load("lenet5").analyze()
    kept = analysis.totals.parameter_bytes
    states = {name: training(analysis, name).optimizer for name in STATES}
    assert states == {"sgd": 0, "momentum": kept, "adam": 2 * kept + 4 * 10}
    halves = training(analyze(analysis.graph, dtype="float16"), "momentum")
    assert (halves.parameters, halves.gradients, halves.optimizer) == (kept // 2,) * 3
