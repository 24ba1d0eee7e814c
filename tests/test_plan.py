"""The plan beside the plain kernels: the same results, forward and backward, by another way."""

from __future__ import annotations

import tracemalloc
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

import convcalc
from convcalc import kernels
from convcalc.graph import Graph, Ref
from convcalc.plan import Plan, choice, convolution, epilogue, layers, pooling
from convcalc.plan import halo as halos
from convcalc.plan.columns import Columns
from convcalc.plan.depthwise import Depthwise
from convcalc.plan.epilogue import Epilogue
from convcalc.plan.fusion import fuse
from convcalc.plan.geometry import Geometry, geometry
from convcalc.plan.halo import blocks, by_sample, halo
from convcalc.plan.minimal import Minimal2, Minimal4
from convcalc.plan.planes import Planes
from convcalc.plan.pointwise import Pointwise
from convcalc.plan.tape import Tape
from convcalc.plan.threads import ALONE, Handed, Later, Team
from convcalc.witness import Run, random_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Array = Any
PAIR = Team(2)

OUTPUTS = {"float64": 1e-12, "float32": 1e-4}
"""How far results may be apart, over the largest of them."""
GRADIENTS = {"float64": 1e-11, "float32": 3e-2}
"""How far gradients may be apart, as vectors: in single precision a relu may pass one value more or less."""


def apart(ours: Array, theirs: Array) -> float:
    """The distance of two arrays over the length of the second."""
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    return float(np.linalg.norm((ours - theirs).ravel()) / max(np.linalg.norm(theirs.ravel()), 1e-30))


class Apart(NamedTuple):
    """The worst of the outputs and of the gradients, and where."""

    outputs: float
    gradients: float
    where: str


def beside(graph: Graph, batch: int = 1, dtype: str = "float64", **options: Any) -> Apart:
    """Both runs on the same weights and inputs, back from random gradients of all outputs."""
    inputs = random_inputs(graph, batch, dtype=dtype)
    weights: dict[str, dict[str, Array]] = {}
    plain = Run(graph, inputs, weights, input_gradient=True)
    fast = Plan(graph, weights, **options).run(inputs, input_gradient=True)
    assert list(fast.outputs) == list(plain.outputs)
    outputs = max(
        float(abs(fast.outputs[name] - y).max() / max(abs(y).max(), 1e-30)) for name, y in plain.outputs.items()
    )
    rng = np.random.default_rng(5)
    seeds = {name: rng.standard_normal(y.shape).astype(dtype) for name, y in plain.outputs.items()}
    theirs, ours = plain.backward(seeds), fast.backward(seeds)
    assert ours.parameters.keys() == theirs.parameters.keys()
    assert ours.inputs.keys() == theirs.inputs.keys()
    found = {name: apart(ours.inputs[name], dx) for name, dx in theirs.inputs.items()}
    for layer, gradients in theirs.parameters.items():
        assert ours.parameters[layer].keys() == gradients.keys()
        found |= {f"{layer}.{name}": apart(ours.parameters[layer][name], g) for name, g in gradients.items()}
    where = max(found, key=lambda name: found[name])
    return Apart(outputs, found[where], where)


def assert_equal(found: Apart, dtype: str = "float64") -> None:
    assert found.outputs < OUTPUTS[dtype], found
    assert found.gradients < GRADIENTS[dtype], found


# Whole nets.

NETS = {
    "lenet5": {},
    "alexnet_2012": {"H": 67, "W": 75},
    "vgg16": {"H": 40, "W": 32, "hidden": 64},
    "googlenet": {"H": 64, "W": 47},
    "resnet18": {"H": 65, "W": 64},
    "resnet50": {"H": 64, "W": 50, "width": 8},
    "resnext50_32x4d": {"H": 32, "W": 40},
    "unet": {"H": 32, "W": 48, "width": 8},
    "dcgan_generator": {},
    "mobilenet_v2": {"H": 48, "W": 33},
    "densenet121": {"H": 33, "W": 29},
    "squeezenet1_0": {"H": 35, "W": 41},
}


def small(name: str) -> Graph:
    graph = convcalc.load(name)
    return graph.bind({key: value for key, value in NETS[name].items() if key in graph.values})


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize(("batch", "threads"), [(1, 1), (2, 2)])
def test_shipped_nets_in_double_precision(name: str, batch: int, threads: int) -> None:
    assert_equal(beside(small(name), batch=batch, threads=threads))


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v2", "unet", "googlenet"])
@pytest.mark.parametrize("threads", [1, 2])
def test_shipped_nets_in_single_precision(name: str, threads: int) -> None:
    assert_equal(beside(small(name), dtype="float32", threads=threads), "float32")


def test_samples_are_parted_between_threads() -> None:
    assert_equal(beside(small("resnet50"), batch=3, threads=2))


def test_weights_that_last_give_the_same() -> None:
    assert_equal(beside(small("resnet50"), threads=2, keep=True))


def chain(*wanted: tuple[str, dict[str, Any]], shape: tuple[int, ...] = (6, 9, 8)) -> Graph:
    graph = Graph()
    ref = graph.input(shape)
    for kind, attributes in wanted:
        ref = graph.add(kind, ref, **attributes)
    return graph


def conv(channels: int = 6, kernel: Any = 3, **attributes: Any) -> tuple[str, dict[str, Any]]:
    return "conv", {"out_channels": channels, "kernel_size": kernel, **attributes}


def random_net(seed: int) -> Graph:
    """A net that forks, joins, shares, pools and ends in several outputs; every map keeps or halves its size."""
    rng = np.random.default_rng(seed)
    graph = Graph()
    channels = int(rng.choice([4, 6, 8]))
    refs = [graph.input((channels, 16, 12))]
    sharing: Ref | None = None
    same = {"padding": 1, "out_channels": channels, "kernel_size": 3}
    for _ in range(12):
        one, two = (refs[place] for place in rng.choice(len(refs), 2))
        move = rng.integers(13)
        if move == 0:
            made = graph.add("conv", one, shares=sharing, **same)
            sharing = sharing or made
        elif move == 1:
            made = graph.add("relu", graph.add("batch_norm", graph.add("conv", one, bias=False, **same)))
        elif move == 2:
            body = graph.add("batch_norm", graph.add("conv", one, **same), affine=bool(rng.integers(2)))
            made = graph.add("relu6", graph.add("add", body, two))
        elif move == 3:
            made = graph.add("add", two, graph.add("conv", one, out_channels=channels, kernel_size=1))
        elif move == 4:
            made = graph.add("conv", one, groups=channels, dilation=2, **{**same, "padding": 2})
        elif move == 5:
            made = graph.add("conv", one, groups=2, **same)
        elif move == 6:
            joined = graph.add("concat", one, two)
            made = graph.add("conv", joined, out_channels=channels, kernel_size=5, padding="same")
        elif move == 7:
            made = graph.add("max_pool", one, kernel_size=3, stride=1, padding=1)
        elif move == 8:
            pooled = graph.add("conv", one, stride=2, **same)
            made = graph.add("upsample", graph.add("tanh", pooled), scale_factor=2)
        elif move == 9:
            split = graph.add("split", one, chunks=2)
            made = graph.add("concat", Ref(split.node, 1), split)
        elif move == 10:
            made = graph.add("mul", one, graph.add("sigmoid", graph.add("global_avg_pool", two)))
        elif move == 11:
            made = graph.add("batch_norm", graph.add("relu", one))
        else:
            made = graph.add("avg_pool", graph.add("silu", one), kernel_size=3, stride=1, padding=1)
        refs.append(made)
    last = graph.add("linear", graph.add("flatten", refs[-1]), out_features=3)
    graph.output(last)
    graph.output(refs[-2], "beside")
    graph.output(refs[int(rng.integers(1, len(refs)))], "somewhere")
    return graph


@pytest.mark.parametrize("seed", range(25))
def test_random_nets(seed: int) -> None:
    assert_equal(beside(random_net(seed), batch=1 + seed % 2, threads=1 + seed // 2 % 2, keep=seed % 3 == 0))


def test_one_axis() -> None:
    net = chain(
        conv(5, padding=1), ("batch_norm", {}), ("relu", {}), ("max_pool", {"kernel_size": 3, "stride": 2}),
        conv(5, 2, groups=5, stride=2), conv(7, 1), shape=(4, 23),
    )  # fmt: skip
    assert_equal(beside(net, batch=2))


def test_ops_without_a_faster_way_and_shared_weights() -> None:
    graph = Graph()
    x = graph.add("conv", graph.input((4, 12, 12)), out_channels=6, kernel_size=3, padding=1)
    gate = graph.add("sigmoid", graph.add("conv", graph.add("global_avg_pool", x), out_channels=6, kernel_size=1))
    y = graph.add("local_response_norm", graph.add("gelu", graph.add("mul", x, gate)), size=3)
    shared = graph.add("conv", y, out_channels=6, kernel_size=3, padding=1)
    y = graph.add("conv", graph.add("relu", shared), out_channels=6, kernel_size=3, padding=1, shares=shared)
    graph.output(graph.add("softmax", graph.add("flatten", y)), "one")
    graph.output(graph.add("upsample", shared, scale_factor=2), "two")
    assert_equal(beside(graph, batch=2))


def test_three_axes_run_through_the_plain_kernels() -> None:
    graph = Graph()
    x = graph.input((2, 6, 7, 8))
    body = graph.add("batch_norm", graph.add("conv", x, out_channels=2, kernel_size=3, padding=1))
    body = graph.add("relu6", graph.add("add", body, x))
    graph.output(graph.add("max_pool", body, kernel_size=2))
    assert_equal(beside(graph, batch=2))


BORDERS = [
    {"padding": 1, "padding_mode": "reflect"},
    {"padding": 2, "padding_mode": "replicate", "stride": 2},
    {"padding": "same", "padding_mode": "circular"},
    {"padding": 1, "flip": True},
    {"padding": 1, "flip": True, "groups": 6},
]


@pytest.mark.parametrize("more", BORDERS, ids=lambda more: "-".join(map(str, more.values())))
@pytest.mark.parametrize("shape", [(6, 9, 8), (6, 11)], ids=str)
def test_copies_in_the_padding_and_flipped_kernels(more: dict[str, Any], shape: tuple[int, ...]) -> None:
    """With what follows a convolution, too: zeros and an unflipped kernel would be another net."""
    net = chain(conv(6, 3, **more), ("batch_norm", {}), ("relu", {}), conv(4, 3), shape=shape)
    assert_equal(beside(net, batch=2))


def test_padding_taken_for_zeros_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "_is_ordinary", lambda node: True)
    for more in BORDERS:
        found = beside(chain(conv(6, 3, **more)))
        assert found.outputs > 0.01
        assert found.gradients > 0.01


def test_ops_without_a_faster_way() -> None:
    graph = Graph()
    x = graph.input((4, 8, 6))
    pool = graph.add("max_pool", x, kernel_size=2)
    parts = [
        graph.add("max_unpool", pool, Ref(pool.node, 1), kernel_size=2),
        graph.add("pad", graph.add("crop", x, margin=1), padding=1, mode="reflect"),
        graph.add("upsample", pool, scale_factor=2, mode="bilinear"),
        graph.add("unpool", graph.add("lp_pool", x, kernel_size=2, norm_type=2), kernel_size=2, mode="bed_of_nails"),
        graph.add("upsample", graph.add("log_sum_exp_pool", x, kernel_size=2), scale_factor=2),
        graph.add("pixel_shuffle", graph.add("pixel_unshuffle", x, downscale_factor=2), upscale_factor=2),
        graph.add("local_conv", x, out_channels=4, kernel_size=3, padding=1),
        graph.add("tiled_conv", x, out_channels=4, kernel_size=3, padding=1, tiles=2),
        graph.add("filter", x, kernel="sobel_x", padding=1),
    ]
    total = graph.add("add", *parts)
    total = graph.add("group_norm", graph.add("instance_norm", total, affine=True), num_groups=2)
    graph.output(graph.add("channel_shuffle", graph.add("layer_norm", total), groups=2))
    assert_equal(beside(graph, batch=3, threads=2))


def test_indices_of_a_pool() -> None:
    graph = Graph()
    pool = graph.add(
        "max_pool", graph.add("conv", graph.input((3, 8, 8)), out_channels=4, kernel_size=3), kernel_size=2
    )
    graph.output(pool, "largest")
    graph.output(Ref(pool.node, 1), "indices")
    inputs = random_inputs(graph, dtype="float64")
    weights: dict[str, dict[str, Array]] = {}
    plain, fast = Run(graph, inputs, weights), Plan(graph, weights).run(inputs)
    assert fast.outputs["indices"].dtype == np.int64
    assert np.array_equal(fast.outputs["indices"], plain.outputs["indices"])


def test_a_value_inside_a_chain_is_seen() -> None:
    graph = Graph()
    made = graph.add("conv", graph.input((3, 8, 8)), out_channels=4, kernel_size=3)
    normal = graph.add("batch_norm", made)
    graph.output(graph.add("relu", normal))
    graph.output(made, "raw")
    graph.output(normal, "normal")
    assert_equal(beside(graph))


def test_an_output_without_a_seed() -> None:
    graph = random_net(3)
    inputs = random_inputs(graph, dtype="float64")
    weights: dict[str, dict[str, Array]] = {}
    plain, fast = Run(graph, inputs, weights), Plan(graph, weights).run(inputs)
    seeds = {"beside": np.ones_like(plain.outputs["beside"])}
    theirs, ours = plain.backward(seeds), fast.backward(seeds)
    assert ours.parameters.keys() == theirs.parameters.keys()
    for layer, gradients in theirs.parameters.items():
        for name, gradient in gradients.items():
            assert apart(ours.parameters[layer][name], gradient) < GRADIENTS["float64"]


def test_weights_that_are_missing_are_drawn_as_a_run_draws_them() -> None:
    graph = small("resnet50")
    inputs = random_inputs(graph)
    theirs: dict[str, dict[str, Array]] = {}
    Run(graph, inputs, theirs, seed=7, forward_only=True)
    ours: dict[str, dict[str, Array]] = {}
    Plan(graph, ours, seed=7).run(inputs, forward_only=True)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[layer][name], array) for layer, own in theirs.items() for name, array in own.items())


def test_weights_may_change_between_runs_that_keep_nothing() -> None:
    graph = chain(conv(), ("batch_norm", {}), ("relu", {}))
    inputs = random_inputs(graph, dtype="float64")
    plan = Plan(graph)
    plan.run(inputs)
    plan.weights["conv_1"]["weight"] *= 3
    plan.weights["batch_norm_1"]["weight"] *= 2
    expected = Run(graph, inputs, plan.weights).outputs["relu_1"]
    assert apart(plan.run(inputs).outputs["relu_1"], expected) < OUTPUTS["float64"]


@pytest.mark.parametrize("keep", [False, True])
def test_a_factor_of_zero_in_a_batch_norm(keep: bool) -> None:
    graph = chain(conv(), ("batch_norm", {}), shape=(6, 4, 4))
    inputs = random_inputs(graph, dtype="float64")
    weights: dict[str, dict[str, Array]] = {}
    plain = Run(graph, inputs, weights)
    weights["batch_norm_1"]["weight"][:3] = 0
    plain, fast = Run(graph, inputs, weights), Plan(graph, weights, keep=keep).run(inputs)
    seeds = {"batch_norm_1": np.random.default_rng(0).standard_normal(plain.outputs["batch_norm_1"].shape)}
    theirs, ours = plain.backward(seeds).parameters, fast.backward(seeds).parameters
    for layer in ("conv_1", "batch_norm_1"):
        assert all(apart(ours[layer][name], gradient) < 1e-12 for name, gradient in theirs[layer].items())


def test_backward_needs_what_forward_kept() -> None:
    graph = chain(conv())
    run = Plan(graph).run(random_inputs(graph), forward_only=True)
    with pytest.raises(ValueError, match="forward only"):
        run.backward({"conv_1": run.outputs["conv_1"]})
    run = Plan(graph).run(random_inputs(graph))
    run.backward({"conv_1": run.outputs["conv_1"]})
    with pytest.raises(ValueError, match="back already"):
        run.backward({"conv_1": run.outputs["conv_1"]})


def test_inputs_and_weights_are_left_alone() -> None:
    graph = small("resnet50")
    inputs = random_inputs(graph)
    plan = Plan(graph, threads=2)
    plan.run(inputs, forward_only=True)
    before = {layer: {name: array.copy() for name, array in own.items()} for layer, own in plan.weights.items()}
    x = inputs["input"].copy()
    run = plan.run(inputs)
    ((name, y),) = run.outputs.items()
    seed = np.ones_like(y)
    run.backward({name: seed})
    assert np.array_equal(inputs["input"], x)
    assert np.array_equal(seed, np.ones_like(y))
    assert all(np.array_equal(plan.weights[a][b], array) for a, own in before.items() for b, array in own.items())


def test_values_are_forgotten() -> None:
    """A long chain takes the memory of a few of its maps."""
    graph = chain(*[conv(16, 1)] * 20, shape=(16, 64, 64))
    inputs = random_inputs(graph)
    plan = Plan(graph, threads=1)
    plan.run(inputs, forward_only=True)
    tracemalloc.start()
    plan.run(inputs, forward_only=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * inputs["input"].nbytes


# Which layers run as one.


def kinds(graph: Graph) -> list[str]:
    return [" ".join(graph.nodes[place].kind for place in group.nodes) for group in fuse(graph)]


def test_a_residual_block_in_two_groups() -> None:
    graph = Graph()
    x = graph.input((4, 8, 8))
    body = graph.add("relu", graph.add("batch_norm", graph.add("conv", x, out_channels=4, kernel_size=1)))
    body = graph.add("batch_norm", graph.add("conv", body, out_channels=4, kernel_size=1))
    graph.add("relu", graph.add("add", body, x))
    assert kinds(graph) == ["conv batch_norm relu", "conv batch_norm add relu"]


def test_the_sum_belongs_to_the_branch_that_ends_last() -> None:
    graph = Graph()
    x = graph.input((4, 8, 8))
    one, two = (graph.add("conv", x, out_channels=4, kernel_size=1) for _ in range(2))
    graph.add("add", one, two)
    assert kinds(graph) == ["conv", "conv add"]


def test_what_others_see_is_not_fused() -> None:
    graph = Graph()
    made = graph.add("conv", graph.input((4, 8, 8)), out_channels=4, kernel_size=1)
    graph.add("concat", graph.add("relu", made), made)
    assert kinds(graph) == ["conv", "relu", "concat"]
    graph = Graph()
    made = graph.add("conv", graph.input((4, 8, 8)), out_channels=4, kernel_size=1)
    graph.output(made)
    graph.output(graph.add("relu", made))
    assert kinds(graph) == ["conv", "relu"]


def test_a_value_added_to_itself_is_not_fused() -> None:
    graph = Graph()
    made = graph.add("conv", graph.input((4, 8, 8)), out_channels=4, kernel_size=1)
    graph.add("add", made, made)
    assert kinds(graph) == ["conv", "add"]
    assert_equal(beside(graph))


# The algorithms one by one.


class Layer(NamedTuple):
    """A convolution: operand, weight, and how it moves."""

    x: Array
    weight: Array
    moved: dict[str, Any]

    @property
    def geometry(self) -> Geometry:
        return geometry(self.moved, self.weight.shape[2:], self.x.shape[2:])


def layer(
    samples: int, channels: int, outputs: int, size: tuple[int, int], kernel: tuple[int, int], **moved: Any
) -> Layer:
    rng = np.random.default_rng(11)
    groups = moved.get("groups", 1)
    weight = rng.standard_normal((outputs, channels // groups, *kernel))
    return Layer(rng.standard_normal((samples, channels, *size)), weight, moved)


def dense_layers() -> Iterator[Layer]:
    for stride, dilation, padding in product((1, 2, 3), (1, 2), (0, 1, ((2, 0), (1, 3)))):
        yield layer(2, 3, 5, (11, 9), (3, 2), stride=stride, dilation=dilation, padding=padding)
    yield layer(1, 4, 3, (7, 8), (5, 5), padding="same")
    yield layer(3, 4, 3, (8, 9), (3, 3), padding="same_upper", stride=2)
    yield layer(2, 4, 3, (8, 9), (1, 1), padding=2)
    yield layer(1, 2, 3, (4, 4), (3, 3), padding=5)
    yield layer(1, 40, 130, (6, 7), (3, 3), padding=1)


def grouped_layers() -> Iterator[Layer]:
    for stride, dilation, padding in product((1, 2), (1, 2), (0, 1, ((2, 0), (1, 3)))):
        yield layer(2, 6, 9, (11, 9), (3, 3), groups=3, stride=stride, dilation=dilation, padding=padding)


def depthwise_layers() -> Iterator[Layer]:
    for stride, dilation, padding in product((1, 2), (1, 2), (0, 1, ((2, 0), (1, 3)))):
        yield layer(2, 6, 6, (11, 9), (3, 3), groups=6, stride=stride, dilation=dilation, padding=padding)
    yield layer(1, 300, 300, (6, 12), (3, 3), groups=300, padding=1)


def point_layers() -> Iterator[Layer]:
    yield layer(2, 5, 7, (6, 5), (1, 1))
    yield layer(2, 5, 7, (7, 6), (1, 1), stride=(2, 3))
    yield layer(1, 5, 90, (6, 5), (1, 1), stride=2)


def small_layers() -> Iterator[Layer]:
    for size, padding in product(((3, 3), (9, 14), (12, 8)), (0, 1, ((2, 0), (1, 3)))):
        yield layer(2, 3, 5, size, (3, 3), padding=padding)
    yield layer(1, 40, 33, (14, 15), (3, 3), padding=1)


CASES = [
    *[(Columns, case) for case in dense_layers()],
    *[(Planes, case) for case in (*dense_layers(), *grouped_layers())],
    *[(Depthwise, case) for case in depthwise_layers()],
    *[(Pointwise, case) for case in point_layers()],
    *[(one, case) for one in (Minimal2, Minimal4) for case in small_layers()],
]


def last(x: Array) -> Array:
    """Channels last, contiguous."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def differences(algorithm: type[choice.Algorithm], case: Layer, team: Team, *, lasting: bool = False) -> list[float]:
    """Forward and the two gradients by an algorithm, beside the plain kernel."""
    y, vjp = kernels.find("conv")(case.x, weight=case.weight, **case.moved)
    rng = np.random.default_rng(12)
    dy, bias, factor = rng.standard_normal(y.shape), rng.standard_normal(y.shape[1]), rng.standard_normal(y.shape[1])
    other = rng.standard_normal(y.shape)
    expected = np.clip(y * factor[:, None, None] + bias[:, None, None] + other, 0, 6)
    gradients = vjp(dy)
    one = algorithm(np.asfortranarray(case.weight) if lasting else case.weight, case.geometry)

    ours = np.full(last(y).shape, np.nan)
    one.forward(last(case.x), ours, Epilogue(factor, bias, last(other), "relu6"), team)
    before = rng.standard_normal(case.x.shape)
    dx = np.full(last(case.x).shape, np.nan)
    one.input_gradient(last(dy), dx, Epilogue(other=last(before)), team)
    dw = one.weight_gradient(last(case.x), last(dy), case.geometry.kernel)
    theirs = (last(expected), last(gradients[0] + before), gradients["weight"])
    return [apart(a, b) for a, b in zip((ours, dx, dw), theirs, strict=True)]


@pytest.mark.parametrize(("algorithm", "case"), CASES)
@pytest.mark.parametrize("team", [ALONE, PAIR], ids=["alone", "pair"])
def test_algorithms_agree_with_the_kernel(algorithm: type[choice.Algorithm], case: Layer, team: Team) -> None:
    assert max(differences(algorithm, case, team)) < 1e-12
    assert max(differences(algorithm, case, team, lasting=True)) < 1e-12


@pytest.mark.parametrize(("algorithm", "tile"), [(Columns, 300), (Minimal2, 3000), (Minimal4, 3000), (Planes, 300)])
def test_small_tiles(algorithm: type[choice.Algorithm], tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("columns", "minimal", "planes"):
        monkeypatch.setattr(f"convcalc.plan.{module}.TILE", tile)
    case = layer(3, 4, 5, (13, 10), (3, 3), padding=1)
    for team in (ALONE, PAIR):
        assert max(differences(algorithm, case, team)) < 1e-12


@pytest.mark.parametrize("module", ["pointwise", "depthwise"])
def test_small_blocks(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"convcalc.plan.{module}.BLOCK", 200)
    for case in (*point_layers(), *depthwise_layers()):
        algorithm = Depthwise if case.moved.get("groups") else Pointwise
        assert max(differences(algorithm, case, PAIR)) < 1e-12


def test_long_rows_of_an_epilogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of constants that do not divide the block, and blocks shorter than a row."""
    case = layer(2, 5, 7, (6, 5), (1, 1))
    for length in (1, 10, 50, 10_000):
        monkeypatch.setattr(epilogue, "LONG", length)
        assert max(differences(Pointwise, case, PAIR)) < 1e-12


def test_errors_in_single_precision() -> None:
    """Of the largest value: what the choice of Winograd costs."""
    rng = np.random.default_rng(3)
    x, weight = rng.standard_normal((1, 64, 40, 40)), rng.standard_normal((64, 64, 3, 3)) / 24
    case = Layer(x, weight, {"padding": 1})
    expected = last(kernels.find("conv")(x, weight=weight, padding=1)[0])
    for algorithm, most in ((Columns, 1e-6), (Minimal2, 2e-6), (Minimal4, 3e-5)):
        y = np.empty(expected.shape, np.float32)
        one = algorithm(weight.astype(np.float32), case.geometry)
        one.forward(last(x).astype(np.float32), y, Epilogue(), ALONE)
        assert abs(y - expected).max() / abs(expected).max() < most


def chosen(case: Layer, samples: int = 1) -> str:
    height, width = case.x.shape[2:]
    made = choice.choose(case.geometry, case.weight.shape, samples, case.geometry.places((height, width)))
    return made.forward.__name__


def test_choices() -> None:
    assert chosen(layer(1, 4, 4, (8, 8), (1, 1))) == "Pointwise"
    assert chosen(layer(1, 4, 4, (8, 8), (1, 1), padding=1)) == "Columns"
    assert chosen(layer(1, 8, 8, (8, 8), (3, 3), groups=8)) == "Depthwise"
    assert chosen(layer(1, 8, 16, (8, 8), (3, 3), groups=8)) == "Planes"
    assert chosen(layer(1, 64, 64, (28, 28), (3, 3), padding=1)) == "Minimal4"
    assert chosen(layer(1, 64, 64, (14, 14), (3, 3), padding=1)) == "Columns"
    assert chosen(layer(1, 64, 64, (14, 14), (3, 3), padding=1), samples=4) == "Minimal2"
    assert chosen(layer(1, 64, 64, (28, 28), (3, 3), padding=1, stride=2)) == "Columns"


# Max pooling.


@pytest.mark.parametrize(
    "given",
    [
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 2},
        {"kernel_size": 3, "stride": 2, "ceil_mode": True},
        {"kernel_size": 3, "stride": 2, "ceil_mode": "caffe"},
        {"kernel_size": (2, 3), "stride": (1, 2), "dilation": (2, 1), "padding": (1, 0)},
        {"kernel_size": 3, "stride": 2, "padding": "same_lower"},
    ],
)
def test_max_pools(given: dict[str, Any]) -> None:
    assert_equal(beside(chain(("max_pool", given)), batch=2, threads=2))


def test_of_equal_values_the_first_gets_the_gradient() -> None:
    graph = chain(("max_pool", {"kernel_size": 3, "stride": 2, "padding": 1}), shape=(2, 9, 8))
    x = np.random.default_rng(0).integers(0, 2, (3, 2, 9, 8)).astype("float64")
    plain = Run(graph, {"input": x}, input_gradient=True)
    fast = Plan(graph, threads=2).run({"input": x}, input_gradient=True)
    seeds = {"max_pool_1": np.random.default_rng(1).standard_normal(plain.outputs["max_pool_1"].shape)}
    assert apart(fast.backward(seeds).inputs["input"], plain.backward(seeds).inputs["input"]) < 1e-15


# Threads.


def test_every_part_is_done_once() -> None:
    for team in (ALONE, PAIR):
        for count in (0, 1, 2, 37):
            done: list[int] = []
            team.each(done.append, range(count))
            assert sorted(done) == list(range(count))


def test_an_error_in_either_thread_is_raised_and_forgotten() -> None:
    def fail(part: int) -> None:
        if part == 5:
            raise ZeroDivisionError

    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            PAIR.each(fail, range(12))
    done: list[int] = []
    PAIR.each(done.append, range(3))
    assert sorted(done) == [0, 1, 2]


def test_what_is_left_for_later_is_done() -> None:
    for team in (ALONE, PAIR):
        later = Later(team)
        done: list[int] = []
        for number in range(20):
            later.add(partial(done.append, number))
        later.finish()
        assert sorted(done) == list(range(20))


def test_an_error_later_is_raised_at_the_end() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    later = Later(PAIR)
    later.add(fail)
    with pytest.raises(ZeroDivisionError):
        later.finish()


def test_what_was_handed_over_is_waited_for() -> None:
    done: list[int] = []
    handed = Handed(lambda: done.append(1))
    handed.wait()
    assert done == [1]


def test_blas_alone_or_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convcalc.plan.usable_cores", lambda: 8)
    for told, size in (("1", 2), ("2", 1)):
        for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", told)
        assert Plan(chain(conv())).team.size == size
    monkeypatch.setattr("convcalc.plan.usable_cores", lambda: 1)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert Plan(chain(conv())).team.size == 1


# Rows and windows.


def test_blocks_cover_everything() -> None:
    for count, most, least in product((1, 2, 7, 50), (0, 1, 3, 100), (1, 2, 9)):
        found = blocks(count, most, least)
        assert [row for first, stop in found for row in range(first, stop)] == list(range(count))
        assert max(stop - first for first, stop in found) <= max(most, 1)
        assert len(found) >= min(least, count)


def test_rows_of_several_samples() -> None:
    found = list(by_sample(5, 14, 4))
    assert [part[:3] for part in found] == [(1, 1, 4), (2, 0, 4), (3, 0, 2)]
    assert [row for *_, where in found for row in range(where.start, where.stop)] == list(range(9))


def test_a_halo_is_the_padded_operand() -> None:
    x = np.random.default_rng(0).standard_normal((5, 4, 2))
    padded = np.pad(x, ((9, 9), (9, 9), (0, 0)))
    for top, rows, left, columns in product((-7, -1, 0, 3, 7), (1, 4, 8), (-6, -2, 0, 2, 5), (2, 9)):
        expected = padded[9 + top : 9 + top + rows, 9 + left : 9 + left + columns]
        expected = np.pad(expected, ((0, rows - len(expected)), (0, columns - expected.shape[1]), (0, 0)))
        assert np.array_equal(halo(x, top, rows, left, columns), expected)


# Planted faults: each is caught by the comparison with the plain kernels.


def forgotten_mean(original: Any, conv: Any, norm: Any, eps: float, **options: Any) -> Any:
    folded = original(conv, norm, eps, **options)
    return folded if norm is None else folded._replace(bias=norm["bias"])


def forgotten_factor(original: Any, folded: Any, *arguments: Any) -> Any:
    scale = None if folded.scale is None else np.ones_like(folded.scale)
    return original(folded._replace(scale=scale), *arguments)


def no_mask(original: Any, activation: str, y: Array, dy: Array) -> Array:
    return dy


def the_largest_but_one(original: Any, x: Array, y: Array, dy: Array, windows: Geometry) -> Array:
    return np.roll(original(x, y, dy, windows), 1, axis=1)


def not_mirrored(original: Any, self: Geometry, size: tuple[int, int]) -> Geometry:
    return self


def one_row_off(original: Any, x: Array, top: int, *rest: int) -> Array:
    return original(x, top + 1, *rest)


def turned_around(original: Any, self: Minimal4, *, mirrored: bool = False) -> Array:
    return original(self, mirrored=not mirrored)


def no_summand(original: Any, self: Epilogue, block: Array, other: Array | None) -> None:
    original(self, block, None)


def taken_twice(original: Any, self: Any, operand: Ref) -> Any:
    return self._flowing.get(operand)


FAULTS: dict[str, tuple[object, str, Callable[..., Any]]] = {
    "the mean is not taken off": (convolution, "fold", forgotten_mean),
    "the factor is lost on the way back": (convolution, "unfold", forgotten_factor),
    "an activation lets all gradients through": (convolution, "activation_gradient", no_mask),
    "a pool's gradient goes to a neighbour": (pooling, "max_backward", the_largest_but_one),
    "the way back is padded as the way forward": (Geometry, "mirrored", not_mirrored),
    "the halo is a row off": (halos, "halo", one_row_off),
    "the kernel is turned around": (Minimal4, "transformed", turned_around),
    "the residual is not added": (Epilogue, "_finish", no_summand),
    "a gradient is added twice": (Tape, "waiting", taken_twice),
}


def net_to_break() -> Graph:
    """Something of everything that a fault may hit."""
    graph = Graph()
    first = graph.add("batch_norm", graph.add("conv", graph.input((4, 26, 26)), out_channels=32, kernel_size=3))
    pool = graph.add("max_pool", graph.add("relu", first), kernel_size=3, stride=1, padding=1)
    body = graph.add("relu", graph.add("conv", pool, out_channels=32, kernel_size=3, padding=1))
    body = graph.add("batch_norm", graph.add("conv", body, out_channels=32, kernel_size=(5, 3), padding=(3, 1)))
    pool = graph.add("pad", pool, padding=[(1, 1), (0, 0)])
    graph.output(graph.add("relu", graph.add("add", body, pool)))
    return graph


def test_nothing_planted_nothing_found() -> None:
    assert_equal(beside(net_to_break(), batch=2))


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_caught(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, wrong = FAULTS[fault]
    original = getattr(where, name)
    monkeypatch.setattr(where, name, lambda *arguments, **options: wrong(original, *arguments, **options))
    found = beside(net_to_break(), batch=2)
    assert max(found.outputs, found.gradients) > 1e-3, found
