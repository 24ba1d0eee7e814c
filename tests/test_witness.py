"""The run as a witness: it sees what was predicted, asks no formula, and catches what is planted."""

from __future__ import annotations

import inspect
import io
import re
from typing import Any

import numpy as np
import pytest

import convcalc
from convcalc import dims, kernels, ops
from convcalc.analysis import Analysis, analyze
from convcalc.checks.capacity import needed, refuse_too_large
from convcalc.checks.verification import compare, compare_fields
from convcalc.graph import Graph
from convcalc.report.run import Report, differences
from convcalc.witness import Run, Step, gradcheck, random_inputs
from convcalc.witness.dependence import Reach, observed_fields
from convcalc.witness.training import descend, loss, terms

NETS = {
    "lenet5": {},
    "alexnet": {"H": 71, "W": 63},
    "alexnet_2012": {"H": 67, "W": 75},
    "vgg16": {"H": 32, "W": 33},
    "googlenet": {"H": 32, "W": 15},
    "googlenet_aux": {},
    "resnet18": {"H": 33, "W": 32},
    "resnet50": {"H": 32, "W": 32},
    "unet": {"H": 16, "W": 32},
    "dcgan_generator": {},
    "mobilenet_v2": {"H": 32, "W": 33},
    "densenet121": {"H": 33, "W": 29},
    "squeezenet1_0": {"H": 22, "W": 21},
    "convnext": {"H": 33, "W": 64, "width": 4, "deep": 2},
}


def small(name: str) -> Graph:
    graph = convcalc.load(name)
    wanted = {key: value for key, value in NETS[name].items() if key in graph.values}
    return graph.bind(wanted)


def disagreements(analysis: Analysis, run: Run) -> list[str]:
    return differences(compare(analysis, run.rows))


@pytest.mark.parametrize("name", [name for name in NETS if name != "googlenet_aux"])
def test_shipped_nets_run_as_predicted(name: str) -> None:
    graph = small(name)
    run = Run(graph, random_inputs(graph), input_gradient=True)
    assert disagreements(graph.analyze(), run) == []
    assert all(row.finite for row in run.rows)
    gradients = run.backward({name: np.ones_like(y) for name, y in run.outputs.items()})
    counted = sum(array.size for entry in gradients.parameters.values() for array in entry.values())
    assert counted == graph.analyze().totals.params
    assert {name: x.shape[1:] for name, x in gradients.inputs.items()} == {
        name: graph.nodes[ref.node].shape for name, ref in graph.inputs.items()
    }


@pytest.mark.parametrize("name", ops.names())
def test_every_op_s_spec_runs_as_predicted_and_its_gradients_are_right(name: str) -> None:
    graph = convcalc.load(f"specs/ops/{name}.yaml")
    rng = np.random.default_rng(0)
    checked: list[gradcheck.Checked] = []
    inputs = random_inputs(graph, batch=2, dtype="float64")
    run = Run(graph, inputs, watch=lambda step: checked.append(gradcheck.check(step, rng)))
    assert disagreements(analyze(graph, batch=2, dtype="float64"), run) == []
    assert [entry for entry in checked if not entry.agrees] == []


def test_the_run_asks_no_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every function of dims and every rule raises, and the run still sees every shape."""
    graph = small("googlenet")
    predicted = [row.shapes for row in graph.analyze().rows]
    kinds = [ops.find(name) for name in ops.names()]  # loaded before what they import is replaced

    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("a formula was asked")

    for name, function in inspect.getmembers(dims, inspect.isfunction):
        assert function
        monkeypatch.setattr(dims, name, forbidden)
    for kind in kinds:
        for method in ("infer", "parameters", "buffers", "cost", "taps", "windows"):
            if hasattr(kind, method):
                monkeypatch.setattr(kind, method, forbidden)
    with pytest.raises(AssertionError, match="a formula was asked"):
        graph.analyze()
    run = Run(graph, random_inputs(graph))
    assert [row.shapes for row in run.rows] == predicted


def test_a_planted_error_in_a_kernel_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = small("lenet5")
    right = kernels.find

    def cut(name: str) -> Any:
        def kernel(*operands: Any, **options: Any) -> Any:
            y, vjp = right(name)(*operands, **options)
            return (y[:, :, 1:] if name == "avg_pool" else y), vjp

        kernel.__signature__ = inspect.signature(right(name))  # type: ignore[attr-defined]
        return kernel

    monkeypatch.setattr(kernels, "find", cut)
    net = Graph()
    net.add("avg_pool", net.input((1, 8, 8)), kernel_size=2)
    told = disagreements(net.analyze(), Run(net, random_inputs(net)))
    assert told[0] == "avg_pool_1 (avg_pool): shape: predicted 1x4x4, observed 1x3x4"
    assert graph


def test_a_planted_wrong_prediction_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = small("lenet5")
    run = Run(graph, random_inputs(graph))
    conv = ops.find("conv")
    cost = conv.cost
    monkeypatch.setattr(conv, "cost", lambda self, x, y: cost(self, x, y)._replace(macs=cost(self, x, y).macs + 1))
    told = disagreements(graph.analyze(), run)
    assert len(told) == 3
    assert told[0] == "C1 (conv): MACs: predicted 117,601, observed 117,600".replace("MACs", "macs")


def test_a_planted_wrong_gradient_is_caught_by_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Graph()
    net.add("conv", net.input((2, 6, 6)), out_channels=3, kernel_size=3)

    def check(step: Step) -> None:
        checked.append(gradcheck.check(step, np.random.default_rng(0)))

    checked: list[gradcheck.Checked] = []
    Run(net, random_inputs(net), watch=check)
    right = kernels.find("conv")

    def flipped(*operands: Any, **options: Any) -> Any:
        y, vjp = right(*operands, **options)
        return y, lambda dy: {key: g[..., ::-1] if key == "weight" else g for key, g in vjp(dy).items()}

    flipped.__signature__ = inspect.signature(right)  # type: ignore[attr-defined]
    monkeypatch.setattr(kernels, "find", lambda name: flipped)
    Run(net, random_inputs(net), watch=check)
    assert [entry.agrees for entry in checked] == [True, False]


def test_many_values_do_not_meet_a_kink(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of so many some lie within a fixed step of 0, whichever are drawn."""
    net = Graph()
    net.add("relu", net.input((4, 1000, 1000)))

    def check(step: Step) -> None:
        checked.append(gradcheck.check(step, np.random.default_rng(0)))

    checked: list[gradcheck.Checked] = []
    Run(net, random_inputs(net), watch=check)
    monkeypatch.setattr(gradcheck, "KINKS", np.inf)
    Run(net, random_inputs(net), watch=check)
    assert [entry.agrees for entry in checked] == [True, False]


@pytest.mark.parametrize(
    ("name", "sizes"), [("lenet5", {}), ("resnet18", {"H": 48, "W": 40}), ("unet", {"H": 48, "W": 32})]
)
def test_receptive_fields_are_seen_as_predicted(name: str, sizes: dict[str, int]) -> None:
    graph = convcalc.load(name).bind(sizes)
    seen = observed_fields(graph, random_inputs(graph), {}, "input")
    right, _, wrong = compare_fields(graph.analyze(), "input", seen)
    assert wrong == []
    assert right == 2 * sum(len(row.shape) == 3 for row in graph.analyze().rows)


@pytest.mark.parametrize("name", ops.names())
def test_the_fields_of_an_op_s_spec_are_seen_as_predicted(name: str) -> None:
    graph = convcalc.load(f"specs/ops/{name}.yaml")
    inputs, weights = random_inputs(graph), {}  # type: ignore[var-annotated]
    for source in graph.inputs:
        seen = observed_fields(graph, inputs, weights, source)
        right, _, wrong = compare_fields(graph.analyze(), source, seen)
        assert wrong == []
        assert right >= sum(reach is not None for reaches in seen.values() for reach in reaches)


def test_a_field_is_seen_on_each_axis() -> None:
    """What reads all of one axis sees one position of the other; a value that sees less than predicted is told."""
    net = Graph()
    net.add("linear", net.input((1, 8, 6)), out_features=3)
    seen = observed_fields(net, random_inputs(net), {}, "input")
    assert seen == {"linear_1": [(4, 4, 4), (1, 0, 5)]}
    assert compare_fields(net.analyze(), "input", seen) == (2, 0, [])
    told = compare_fields(net.analyze(), "input", {"linear_1": [Reach(4, 3, 4), None]})[2]
    assert told == [
        "linear_1: field on axis 0: predicted 4 to 4, observed 3 to 4",
        "linear_1: field on axis 1: predicted 0 to 5, observed none",
    ]


def test_a_planted_wrong_field_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Graph()
    net.add("conv", net.input((1, 30)), out_channels=1, kernel_size=3, padding=1)
    seen = observed_fields(net, random_inputs(net), {}, "input")
    conv = ops.find("conv")
    taps = conv.taps
    wider = taps(net.nodes[1].op, (1, 30))[0][0]._replace(windows=((-1, 1, 4),))  # type: ignore[index, arg-type]
    monkeypatch.setattr(conv, "taps", lambda self, *inputs: ((wider,),))
    _, _, wrong = compare_fields(net.analyze(), "input", seen)
    assert wrong == ["conv_1: field on axis 0: predicted 14 to 17, observed 14 to 16"]


def test_layers_of_another_input_have_no_field_there() -> None:
    net = Graph()
    for name in ("left", "right"):
        net.add("conv", net.input((1, 9), name=name), out_channels=1, kernel_size=3, name=f"of_{name}")
    seen = observed_fields(net, random_inputs(net), {}, "left")
    assert compare_fields(net.analyze(), "left", seen) == (1, 0, [])
    leaking = {**seen, "of_right": seen["of_left"]}
    assert compare_fields(net.analyze(), "left", leaking)[2] == [
        "of_right: field on axis 0: predicted none, observed 3 to 5"
    ]


def test_the_loss_falls_with_several_weighted_outputs() -> None:
    graph = convcalc.load(
        """\
input: [3, 8, 8]
outputs: [head, side]
layers:
  - conv: {out_channels: 8, kernel_size: 3, padding: 1}
  - relu:
    name: trunk
  - global_avg_pool
  - flatten
  - linear: {out_features: 5}
    name: head
  - conv: {out_channels: 1, kernel_size: 1}
    from: trunk
    name: side
"""
    )
    inputs, weights = random_inputs(graph, batch=4), {}  # type: ignore[var-annotated]
    run = Run(graph, inputs, weights)
    found = terms(graph, run.outputs, weights={"side": 0.3})
    assert [(term.output, term.kind, term.weight) for term in found] == [
        ("head", "cross_entropy", 1.0),
        ("side", "mse_loss", 0.3),
    ]
    halves = [loss([term], run.outputs).value for term in found]
    assert loss(found, run.outputs).value == pytest.approx(sum(halves))
    losses = list(descend(graph, inputs, weights, found, steps=5, rate=0.05))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.9 * losses[0]


def test_shared_parameters_gather_their_gradients() -> None:
    net = Graph()
    x = net.input((2, 5))
    first = net.add("conv", x, out_channels=2, kernel_size=1, bias=False)
    net.add("conv", first, out_channels=2, kernel_size=1, bias=False, shares=first)
    run = Run(net, random_inputs(net, dtype="float64"))
    w, x0 = run.weights["conv_1"]["weight"][:, :, 0], random_inputs(net, dtype="float64")["input"][0]
    assert list(run.weights) == ["conv_1"]
    gradient = run.backward({"conv_2": np.ones((1, 2, 5))}).parameters["conv_1"]["weight"][:, :, 0]
    ones = np.ones((2, 5))
    np.testing.assert_allclose(gradient, ones @ (w @ x0).T + w.T @ ones @ x0.T)


def test_what_is_not_finite_is_told_with_the_layer_that_made_it() -> None:
    graph = convcalc.load("lenet5")
    inputs = random_inputs(graph)
    weights = Run(graph, inputs).weights
    weights["C3"]["bias"][0] = np.inf
    report = Report(graph.analyze(), io.StringIO())
    with np.errstate(invalid="ignore"):
        report.layers(Run(graph, inputs, weights), depth=0, profile=False)
    assert report.wrong == ["C3 (conv) is the first layer whose result is not finite"]


def test_arrays_are_forgotten_when_nobody_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    graph = Graph()
    x = graph.input((1, 64, 64))
    for _ in range(30):
        x = graph.add("relu", graph.add("conv", x, out_channels=4, kernel_size=1))
    inputs = random_inputs(graph)
    Run(graph, inputs, forward_only=True)
    tracemalloc.start()
    Run(graph, inputs, forward_only=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 4 * 64 * 64 * 4


def test_a_run_that_does_not_fit_is_refused_with_settings_that_do() -> None:
    analysis = convcalc.load("unet").analyze(batch=4)
    room = needed(convcalc.load("unet").analyze(), forward_only=True)
    with pytest.raises(convcalc.Misuse, match=r"the run needs .* are free: --batch 1 fits"):
        refuse_too_large(analysis, forward_only=True, room=room)
    with pytest.raises(convcalc.Misuse, match=r"--set H=256,W=256 fits"):
        refuse_too_large(convcalc.load("unet").analyze(), forward_only=True, room=room - 1)
    refuse_too_large(analysis, forward_only=True, room=4 * room)


def test_batch_norm_in_training_refuses_one_value_a_channel() -> None:
    net = Graph()
    net.add("batch_norm", net.input((4, 1, 1)))
    Run(net, random_inputs(net))
    with pytest.raises(ValueError, match=re.escape("more than 1 value a channel")):
        Run(net, random_inputs(net), training=True)


def test_nothing_goes_back_to_what_no_parameter_lies_behind() -> None:
    """Pooled and normalised without parameters, then a convolution: only its own gradient is worked out."""
    net = Graph()
    x = net.add("max_pool", net.input((2, 8, 8)), kernel_size=2)
    x = net.add("batch_norm", x, affine=False)
    net.add("conv", net.add("conv", x, out_channels=3, kernel_size=1), out_channels=5, kernel_size=1)
    y = np.ones((1, 5, 4, 4), np.float32)
    alone = Run(net, random_inputs(net))
    gradients = alone.backward({"conv_2": y})
    assert gradients.inputs == {}
    assert {name: row.input_macs for name, row in alone.backward_rows.items()} == {"conv_1": 0, "conv_2": 15 * 16}
    asked = Run(net, random_inputs(net), input_gradient=True)
    beyond = asked.backward({"conv_2": y})
    assert beyond.inputs["input"].shape == (1, 2, 8, 8)
    assert asked.backward_rows["conv_1"].input_macs == 6 * 16
    assert all(
        np.array_equal(g, beyond.parameters[a][b]) for a, e in gradients.parameters.items() for b, g in e.items()
    )
