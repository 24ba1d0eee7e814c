"""Exact receptive fields, forward and at a size, against what a run shows to depend on what, value by value."""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_models import FIELDS, FIGURES
from test_receptive import random_taps, seen_by

import convcalc
from convcalc import ops
from convcalc.analysis import fields, masks, reach, regions
from convcalc.analysis.alignment import misaligned
from convcalc.analysis.fields import Region, Run, Trace, _together
from convcalc.analysis.masks import HERE, WHOLE, Axis
from convcalc.analysis.orders import Orders
from convcalc.analysis.reach import Reached, reached, unseen
from convcalc.analysis.receptive import supports
from convcalc.analysis.regions import AXES, BITS, union
from convcalc.analysis.shapes import infer, inferred
from convcalc.analysis.view import Field, last_map, view
from convcalc.graph import Graph, Ref
from convcalc.ops._op import IDENTITY, Taps
from convcalc.witness import random_inputs
from convcalc.witness.dependence import observed_sets

SPECS = Path(__file__).parent.parent / "specs" / "ops"
SMALL = 700
"""Values of an input that are spoilt one by one."""


def as_array(boxes: Any, shape: tuple[int, ...]) -> Any:
    """The positions of a union of boxes as booleans."""
    found = np.zeros(shape, bool)
    for box in boxes:
        found[np.ix_(*[[i for i in range(n) if bits >> i & 1] for bits, n in zip(box, shape, strict=True)])] = True
    return found


def forward(trace: Trace, ref: Ref, source: str, unit: tuple[int, ...]) -> tuple[Any, bool]:
    """What the field without borders says of one value, within the input; and whether it says so exactly."""
    place = trace.graph.inputs[source].node
    shape = trace.steps[place].outputs[0]
    run = next((run for run in trace.runs[ref] if run.start <= unit[0] < run.stop), None)
    region = run.seen.regions.get(place) if run else None
    if region is None:
        return np.zeros(shape, bool), True
    boxes = []
    for box in region.boxes:
        sides = [
            (1 << n) - 1 if axis.whole else masks.clipped(axis.at(output), n)
            for axis, output, n in zip(box, (*unit[1:], *[0] * 9), shape[1:], strict=False)
        ]
        boxes.append((-1, *sides))
    whole = any(axis.whole for box in region.boxes for axis in box)
    return as_array([((1 << shape[0]) - 1, *box[1:]) for box in boxes], shape), region.exact and not whole


def compare(net: Graph, seed: int = 0) -> Counter[str]:
    """Every value of every layer, both ways; raises AssertionError where the run shows something else."""
    trace = Trace(net)
    inputs = random_inputs(net, seed=seed, dtype="float64")
    told: Counter[str] = Counter()
    for source, x in inputs.items():
        if x.dtype.kind != "f" or x.size > SMALL:
            continue
        seen = observed_sets(net, inputs, {}, source)
        for place, node in enumerate(net.nodes):
            for port, depends in enumerate(seen.get(node.name, ())):
                ref = Ref(place, port)
                if depends is None:
                    continue
                for unit in np.ndindex(*trace.steps[place].outputs[port]):
                    placed = trace.orders.put_back(place, unit)
                    back = reached(trace, {ref: (tuple(1 << i for i in placed),)})[source]
                    check(trace, ref, source, placed, back, depends[(..., *unit)], told)
    return told


def check(trace: Trace, ref: Ref, source: str, unit: Any, back: Reached, depends: Any, told: Counter[str]) -> None:
    blame = trace.graph.nodes[ref.node].name, ref.port, source, unit
    found = as_array(back.boxes, depends.shape)
    assert not (depends & ~found).any(), blame
    assert not back.exact or (found == depends).all(), blame
    told["exact" if back.exact else "bound"] += 1
    if ref not in trace.runs:
        return
    ahead, exact = forward(trace, ref, source, unit)
    axes = tuple(range(1, depends.ndim))
    # Which channels of the input are seen is not carried forward.
    spread = depends.any(axis=0)
    assert not (spread & ~ahead.any(axis=0)).any(), blame
    if exact and not back.cut:
        assert (spread == ahead.any(axis=0)).all(), blame
        told["inside"] += 1
        told["in phases"] += any(axis.period > 1 for axis in phases(trace, ref, source)) and bool(axes)
        told["with holes"] += any(has_holes(axis) for axis in phases(trace, ref, source))
        told["in several boxes"] += len(region_of(trace, ref, source).boxes) > 1
        told["behind a permute"] += ref.node in trace.orders.of
        told["in runs"] += len(trace.runs[ref]) > 1


def region_of(trace: Trace, ref: Ref, source: str) -> Region:
    return trace.region(ref, trace.graph.inputs[source].node) or Region(())


def phases(trace: Trace, ref: Ref, source: str) -> list[Axis]:
    return [axis for box in region_of(trace, ref, source).boxes for axis in box]


def has_holes(axis: Axis) -> bool:
    return any(bits & (bits + 1) for _, bits in axis.masks)


@pytest.mark.parametrize("name", ops.names())
def test_every_op_is_seen_to_depend_on_what_it_reads(name: str) -> None:
    told = compare(convcalc.load(SPECS / f"{name}.yaml"))
    assert told["exact"] > 0


RANDOM = 240


def attributes(draw: random.Random, kind: str, shape: tuple[int, ...]) -> dict[str, Any]:
    rank, channels = len(shape) - 1, shape[0]

    def each(low: int, high: int) -> Any:
        return draw.randint(low, high) if draw.random() < 0.5 else [draw.randint(low, high) for _ in range(rank)]

    def pairs(low: int, high: int) -> Any:
        return [[draw.randint(low, high), draw.randint(low, high)] for _ in range(rank)]

    groups = draw.choice([g for g in range(1, channels + 1) if channels % g == 0])
    made = {
        "conv": lambda: {
            "out_channels": groups * draw.randint(1, 2), "kernel_size": each(1, 4), "stride": each(1, 3),
            "padding": draw.choice([0, "same_upper", "same_lower", pairs(0, 2)]), "dilation": each(1, 3),
            "groups": groups,
        },
        "conv_transpose": lambda: {
            "out_channels": groups * draw.randint(1, 2), "kernel_size": each(1, 4), "stride": each(1, 3),
            "padding": each(0, 1), "dilation": each(1, 2), "groups": groups,
        },
        "max_pool": lambda: {
            "kernel_size": each(2, 3), "stride": each(1, 3), "padding": draw.randint(0, 1), "dilation": each(1, 2),
            "ceil_mode": draw.random() < 0.5,
        },
        "avg_pool": lambda: {"kernel_size": each(1, 3), "stride": each(1, 2), "padding": 0},
        "upsample": lambda: (
            {"scale_factor": each(1, 3)}
            if draw.random() < 0.6
            else {"size": [n + draw.randint(0, 5) for n in shape[1:]]}
        ),
        "adaptive_avg_pool": lambda: {"output_size": each(1, 5)},
        "pad": lambda: {"padding": pairs(-1, 2)},
        "crop": lambda: {"size": [max(1, n - draw.randint(0, 3)) for n in shape[1:]]},
        "slice": lambda: (
            {"dim": 1, "start": draw.randrange(channels), "step": draw.randint(1, 2)}
            if draw.random() < 0.5
            else {"dim": 2, "start": draw.randint(-4, 1), "step": draw.randint(1, 2)}
        ),
        "split": lambda: {"dim": draw.randint(1, 2), "chunks": 2},
        "local_response_norm": lambda: {"size": draw.randint(1, 3)},
        "softmax": lambda: {"dim": draw.randint(1, rank + 1)},
        "permute": lambda: {"dims": [0, *draw.sample(range(1, rank + 2), k=rank + 1)]},
        "mean": lambda: {"dim": draw.randint(1, rank + 1), "keepdim": True},
    }  # fmt: skip
    return made[kind]() if kind in made else {}


ALONE = (
    *["conv"] * 5, "conv_transpose", "max_pool", "avg_pool", "upsample", "adaptive_avg_pool", "pad", "crop", "slice",
    "split", "split", "relu", "local_response_norm", "softmax", "mean", "global_avg_pool", "linear",
    *["permute"] * 2,
)  # fmt: skip
JOINS = ("add", "concat", "mul")


def crossed(net: Graph, x: Ref) -> Ref:
    """Each axis by itself, side by side: what is seen is a cross. Of a map that has a single axis or none, x."""
    rank = len(inferred(net)[x.node].outputs[x.port]) - 1
    if rank < 2:
        return x
    sizes = [3] + [1] * (rank - 1), [1] * (rank - 1) + [3]
    return net.add("add", *(
        net.add("conv", x, out_channels=2, kernel_size=size, padding=[k // 2 for k in size]) for size in sizes
    ))  # fmt: skip


def random_net(seed: int) -> Graph:
    """Up to ten layers in 1-D or 2-D, with branches, channels side by side, gates, phases and holes."""
    draw = random.Random(seed)
    net = Graph()
    long, square = (draw.randint(1, 3), draw.randint(18, 30)), (draw.randint(1, 2), *draw.choices(range(5, 9), k=2))
    shape: tuple[int, ...] = long if seed % 2 else square
    refs = [net.input(shape)]
    while len(net.nodes) < 11:
        if draw.random() < 0.1:
            refs.append(crossed(net, draw.choice(refs[-3:])))
            continue
        steps, _ = infer(net)
        shapes = {ref: steps[ref.node].outputs[ref.port] for ref in refs}  # type: ignore[union-attr]
        x = draw.choice(refs[-3:])
        alike = [ref for ref in refs if shapes[ref][1:] == shapes[x][1:]]
        gates = [ref for ref in refs if shapes[ref] == (shapes[x][0], *[1] * len(shapes[x][1:]))]
        kind = draw.choice(JOINS) if draw.random() < 0.45 else draw.choice(ALONE)
        operands = [x]
        given = attributes(draw, kind, shapes[x])
        if kind == "add":
            others = [ref for ref in alike if shapes[ref] == shapes[x]]
            operands += [draw.choice(others)]
        elif kind == "concat":
            operands += draw.choices(alike, k=draw.randint(1, 2))
            given = {"dim": 2} if draw.random() < 0.15 else {}
        elif kind == "mul":
            operands += [draw.choice(gates)] if gates else [x]
        elif kind == "linear":
            given = {"out_features": 3}
        try:
            made = net.add(kind, *operands, **given)
        except convcalc.SpecError:
            continue
        found = infer(net)[0][-1]
        if found is None or found.op is None or max(map(max, found.outputs)) > 40:
            net.nodes.pop()
            continue
        refs += [Ref(made.node, port) for port in range(len(found.outputs) if kind == "split" else 1)]
    return net


@pytest.mark.parametrize("batch", range(4))
def test_random_nets_are_seen_to_depend_on_what_was_predicted(batch: int) -> None:
    told: Counter[str] = Counter()
    for seed in range(RANDOM * batch // 4, RANDOM * (batch + 1) // 4):
        told.update(compare(random_net(seed), seed))
    assert told["exact"] > 20 * told["bound"]
    wanted = ("inside", "in phases", "with holes", "in several boxes", "in runs", "behind a permute")
    assert min(told[kind] for kind in wanted) > 20


def _forgets_a_tap(axis: Axis, taps: Taps) -> Axis | None:
    return masks.compose(axis, taps._replace(windows=tuple((a, b, max(c - 1, 1)) for a, b, c in taps.windows)))


def _fills_holes(axis: Axis, taps: Taps) -> Axis | None:
    found = masks.compose(axis, taps)
    return found and found._replace(masks=tuple((low, (1 << bits.bit_length()) - 1) for low, bits in found.masks))


def _forgets_phases(axis: Axis, taps: Taps) -> Axis | None:
    found = masks.compose(axis, taps)
    return found and found._replace(masks=found.masks[:1] * found.period)


def _forgets_borders(outputs: int, taps: Taps, size: int) -> int:
    return masks.read_by(outputs, taps, size) | 1


def _mixes_runs(runs: tuple[Run, ...], taps: Taps, channels: int, *, spatial: bool) -> list[Run]:
    return [Run(0, channels, _together([run.seen for run in runs]))]


def test_the_first_part_of_a_split_has_its_own_channels_alone() -> None:
    net = Graph()
    x = net.input((4, 9))
    first = net.add("split", x, dim=1, chunks=2)
    net.add("concat", first, net.add("conv", x, out_channels=2, kernel_size=3, padding=1))
    assert [(run.start, run.stop) for run in Trace(net).runs[Ref(3)]] == [(0, 2), (2, 4)]
    compare(net)


def _forgets_an_order(orders: Orders, place: int, axes: tuple[Any, ...]) -> tuple[Any, ...]:
    return axes


FAULTS: dict[str, tuple[Any, str, Any]] = {
    "a tap is forgotten": (fields, "compose", _forgets_a_tap),
    "holes are filled": (fields, "compose", _fills_holes),
    "phases are alike": (fields, "compose", _forgets_phases),
    "runs of channels are mixed": (fields, "_taken", _mixes_runs),
    "a union keeps its first box": (fields, "union", lambda sets, boxes: ([*boxes][:1], True)),
    "the border is seen": (reach, "read_by", _forgets_borders),
    "an order is forgotten": (Orders, "put_back", _forgets_an_order),
    "a bound is called exact": (reach, "union", lambda sets, boxes: (union(sets, boxes)[0][:1], True)),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*FAULTS[fault])
    with pytest.raises(AssertionError):
        test_random_nets_are_seen_to_depend_on_what_was_predicted(0)


@pytest.mark.parametrize(("kind", "method"), [("concat", "axes"), ("conv", "channels"), ("split", "reads")])
def test_a_wrong_channel_is_caught(kind: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "axes": lambda self, *inputs: tuple((IDENTITY,) * len(x) for x in inputs),
        "channels": lambda self, port, *inputs: (IDENTITY,),
        "reads": lambda self, port, *inputs: ((IDENTITY,) * len(inputs[0]),),
    }
    monkeypatch.setattr(ops.find(kind), method, wrong[method])
    with pytest.raises((AssertionError, IndexError)):
        test_every_op_is_seen_to_depend_on_what_it_reads(kind)


# Sets of positions, by going through them one by one.


def listed(axis: Axis, output: int) -> set[int]:
    low, bits = axis.at(output)
    return {low + place for place in range(bits.bit_length()) if bits >> place & 1}


@pytest.mark.parametrize("seed", range(150))
def test_composed_sets_are_what_is_seen(seed: int) -> None:
    draw = random.Random(seed)
    chain = [random_taps(draw) for _ in range(draw.randint(1, 5))]
    axis: Axis | None = HERE
    for taps in chain:
        assert axis is not None
        axis = masks.compose(axis, taps)
    assert axis is not None
    for output in range(2 * axis.period):
        assert listed(axis, output) == seen_by(chain, output)


@pytest.mark.parametrize("seed", range(100))
def test_what_some_outputs_read(seed: int) -> None:
    draw = random.Random(seed)
    taps, size = random_taps(draw), draw.randint(1, 20)
    outputs = draw.getrandbits(12)
    wanted = {p for o in range(12) if outputs >> o & 1 for p in seen_by([taps], o) if 0 <= p < size}
    assert masks.read_by(outputs, taps, size) == sum(1 << p for p in wanted)


@pytest.mark.parametrize("seed", range(100))
def test_a_union_and_its_count(seed: int) -> None:
    draw = random.Random(seed)
    rank = draw.randint(1, 3)
    boxes = [tuple(draw.getrandbits(4) for _ in range(rank)) for _ in range(draw.randint(1, 7))]
    wanted = as_array(boxes, (4,) * rank)
    kept, exact = union(BITS, boxes)
    assert exact
    assert (as_array(kept, (4,) * rank) == wanted).all()
    assert regions.count(boxes) == wanted.sum()
    assert regions.shadow(boxes, 0) == sum(1 << i for i in range(4) if wanted[i].any())


def test_too_many_boxes_become_the_one_around_them() -> None:
    boxes = [(1 << i, 1 << i) for i in range(regions.MOST_BOXES + 1)]
    assert union(BITS, boxes[:-1]) == (tuple(boxes[:-1]), True)
    ((rows, columns),), exact = union(BITS, boxes)
    assert (rows, columns, exact) == ((2 << regions.MOST_BOXES) - 1, (2 << regions.MOST_BOXES) - 1, False)
    slow, fast = Axis(1, 2, ((0, 1),)), Axis(1, 1, ((0, 3),))
    assert union(AXES, [(slow,), (fast,)]) == (((slow,), (fast,)), True)
    assert masks.merged(slow, fast) is None
    assert masks.merged(slow, WHOLE) == WHOLE


def test_too_much_to_keep_is_a_bound_that_says_so() -> None:
    net = Graph()
    x = net.input((1, 4000))
    net.add("adaptive_avg_pool", net.add("conv", x, out_channels=1, kernel_size=3), output_size=371)
    far = net.add("conv", x, out_channels=1, kernel_size=3, padding=1 << 21, dilation=1 << 21)
    trace = Trace(net)
    for ref in (Ref(2), far):
        region = trace.region(ref, 0)
        assert region is not None
        assert (region.boxes, region.exact) == (((WHOLE,),), False)
    back = reached(trace, {Ref(2): ((1, 1),)})["input"]
    assert back == Reached(((1, (1 << 13) - 1),), True, False)


# Whole nets.


def field(net: Graph, *, local: bool = True) -> Field:
    trace = Trace(net, local=local)
    return view(trace, last_map(trace), next(iter(net.inputs))).field


@pytest.mark.parametrize("name", FIELDS)
def test_fields_of_shipped_nets(name: str) -> None:
    size, stride, padding = FIELDS[name]
    found = field(convcalc.load(name))
    sides = [(e.size, e.stride, -e.start, e.centre) for e in found.extents if e]
    assert sides == [(size, stride, padding, Fraction(size - 1, 2) - padding)] * 2
    assert found.positions == (1_706_433 if name == "inception_v3" else size**2)
    assert found.exact


@pytest.mark.parametrize("name", FIGURES)
def test_intervals_are_the_hulls_of_the_sets(name: str) -> None:
    check_hulls(convcalc.load(name))


@pytest.mark.parametrize("batch", range(4))
def test_intervals_are_the_hulls_of_the_sets_of_random_nets(batch: int) -> None:
    for seed in range(100 * batch, 100 * batch + 100):
        check_hulls(random_net(seed))


def check_hulls(net: Graph) -> None:
    steps = inferred(net)
    moved = any(node.kind == "permute" for node in net.nodes)  # of channels beyond the border intervals know nothing
    for node, cheap, exact in zip(
        net.nodes, supports(net, steps, Orders(net, steps)), Trace(net, steps, local=True).supports(), strict=True
    ):
        assert cheap.keys() == exact.keys() or (moved and cheap.keys() > exact.keys())
        for source, other in exact.items():
            one = cheap[source]
            assert (one.whole, one.frozen) == (other.whole, other.frozen), node
            pairs = [(a, b) for a, b in zip(one.fields, other.fields, strict=True) if a.exact and b.exact]
            told = [[(f.size, f.stride, f.start) for f in pair] for pair in pairs]
            assert all(a == b for a, b in told), node


def dilated(*dilations: int) -> Graph:
    net = Graph()
    x = net.input((1, 99, 99))
    for d in dilations:
        x = net.add("conv", x, out_channels=1, kernel_size=3, dilation=d, padding=d)
    return net


@pytest.mark.parametrize(
    ("dilations", "size", "used", "part"),
    [((6, 12, 18), 73, 13, 0.0317), ((1, 2, 5), 17, 17, 1.0), ((2, 2), 9, 5, 25 / 81)],
)
def test_holes_of_dilations(dilations: tuple[int, ...], size: int, used: int, part: float) -> None:
    found = field(dilated(*dilations))
    assert [(e.size, e.used) for e in found.extents if e] == [(size, used)] * 2
    assert found.positions == used**2
    assert found.positions / found.window == pytest.approx(part, abs=1e-4)


def slim_resnet(*units: int) -> Graph:
    """TF-Slim's: the last unit of a block has the stride, and where it does not project, a pool of 1 takes it."""
    net = Graph()
    x = net.add("conv", net.input((3, 224, 224)), out_channels=8, kernel_size=7, stride=2, padding=3)
    x = net.add("max_pool", x, kernel_size=3, stride=2, padding="same_upper")
    for block, count in enumerate(units):
        for unit in range(count):
            stride = 2 if unit == count - 1 and block < 3 else 1
            y = net.add("conv", x, out_channels=4, kernel_size=1)
            y = net.add("conv", y, out_channels=4, kernel_size=3, stride=stride, padding=1)
            y = net.add("conv", y, out_channels=8, kernel_size=1)
            x = net.add("add", y, net.add("max_pool", x, kernel_size=1, stride=stride) if stride > 1 else x)
    return net


@pytest.mark.parametrize(
    ("units", "size", "padding"), [((3, 4, 6, 3), 483, 239), ((3, 4, 23, 3), 1027, 511), ((3, 8, 36, 3), 1507, 751)]
)
def test_slim_resnets(units: tuple[int, ...], size: int, padding: int) -> None:
    sides = [(e.size, e.stride, -e.start) for e in field(slim_resnet(*units)).extents if e]
    assert sides == [(size, 32, padding)] * 2


def slim_mobilenet() -> Graph:
    """TF-Slim's pads as TensorFlow does, on even sizes behind alone."""
    net = Graph()
    x = net.add("conv", net.input((3, 224, 224)), out_channels=8, kernel_size=3, stride=2, padding="same_upper")
    for stride in (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1):
        x = net.add("conv", x, out_channels=8, kernel_size=3, stride=stride, padding="same_upper", groups=8)
        x = net.add("conv", x, out_channels=8, kernel_size=1)
    return net


def test_slim_mobilenet_needs_its_size() -> None:
    net = slim_mobilenet()
    trace = Trace(net)
    seen = view(trace, last_map(trace), "input")
    assert [(e.size, e.stride, -e.start) for e in seen.field.extents if e] == [(315, 32, 126)] * 2
    assert len(seen.sized) == 5


# Global ops, dead positions, paths that do not meet.


def gated() -> Graph:
    net = Graph()
    x = net.add("conv", net.input((4, 32, 32)), out_channels=4, kernel_size=3, padding=1)
    gate = net.add("sigmoid", net.add("conv", net.add("global_avg_pool", x), out_channels=4, kernel_size=1))
    net.add("conv", net.add("mul", x, gate), out_channels=4, kernel_size=3, padding=1)
    return net


def test_global_ops_see_the_whole_input_and_local_leaves_them_out() -> None:
    net = gated()
    whole, local = Trace(net), Trace(net, local=True)
    seen = view(whole, last_map(whole), "input")
    assert seen.field.extents == (None, None)
    assert seen.seen_positions == 32 * 32
    assert seen.through == ("global_avg_pool_1", "mul_1")[:1]
    bare = view(local, last_map(local), "input")
    assert [e.size for e in bare.field.extents if e] == [5, 5]
    assert bare.seen_positions == 25


def test_the_last_map_stands_in_front_of_the_head() -> None:
    net = gated()
    net.add("linear", net.add("flatten", Ref(6)), out_features=3)
    trace = Trace(net)
    assert last_map(trace) == Ref(6)
    assert view(trace, Ref(8), "input").field.whole


def test_dead_positions() -> None:
    net = Graph()
    x = net.input((2, 10, 9))
    net.add("conv", net.add("slice", x, dim=1, start=1), out_channels=1, kernel_size=1, stride=(3, 2))
    (found,) = unseen(Trace(net)).values()
    assert found.positions == 10 * 9 - 4 * 5
    assert found.across == (0b01, 0b0110110110, 0b010101010)
    assert found.exact


def test_paths_out_of_step() -> None:
    net = Graph()
    x = net.input((1, 32, 33))
    a = net.add("relu", net.add("conv", x, out_channels=1, kernel_size=3, stride=2, padding="same_upper"))
    b = net.add("conv", x, out_channels=1, kernel_size=1, stride=2)
    net.add("add", a, b)
    (found,) = misaligned(net)
    assert (found.name, found.axis, found.offset) == ("add_1", 0, -1)
    assert (found.first.since, found.first.layers, found.second.layers) == ("input", ("conv_1", "relu_1"), ("conv_2",))
    assert found.told() == (
        "add_1: on axis 0 its branches input > conv_1 > relu_1 and input > conv_2 "
        "look at places of 'input' that are 1 position apart"
    )
    assert found._replace(offset=Fraction(-3, 2)).told(1).endswith("that are 3/2 positions apart")
    assert found.told(1).startswith("add_1: on axes 0 and 1 its branches")
    assert misaligned(net.bind({}, {"input": (1, 33, 33)})) == []


def test_of_long_paths_the_ends_are_named() -> None:
    net = Graph()
    x = net.input((1, 32))
    way = net.add("conv", x, out_channels=1, kernel_size=2, padding=[[0, 1]])
    for _ in range(9):
        way = net.add("relu", way)
    net.add("add", way, x)
    (found,) = misaligned(net)
    assert len(found.first.layers) == 10
    assert found.first.told() == "input > conv_1 > 8 more > relu_9"
    assert found.second.told() == "input"


def test_paths_of_other_strides() -> None:
    net = Graph()
    x = net.input((1, 32))
    net.add("concat", net.add("max_pool", x, kernel_size=4), net.add("crop", x, size=8))
    (found,) = misaligned(net)
    assert found.offset is None
    assert "move by 4 and 1 positions of 'input' with each output" in found.told()
    trace = Trace(net)
    seen = view(trace, Ref(3), "input", (5,))
    assert (seen.field.steady, seen.field.exact, seen.field.positions) == (False, True, 5)


@pytest.mark.parametrize("name", FIGURES)
def test_shipped_nets_are_in_step_and_see_all_of_the_input(name: str) -> None:
    """SqueezeNet's first windows leave the last row and the last column of 224 over.

    In a feature pyramid every 32/s positions of stride s read the same place of C5, which is that of the first of
    them: on average (32 - s)/2 pixels too far to the front.
    """
    net = convcalc.load(name)
    if name.startswith("fpn"):
        levels = {"merged4": 16, "merged3": 8, "merged2": 4}
        offsets = {f"{level}/add_1": Fraction(s - 32, 2) for level, s in levels.items() if name == "fpn" or s > 4}
        found_at = [(found.name, found.axis, found.offset) for found in misaligned(net)]
        assert found_at == [(place, axis, offset) for place, offset in offsets.items() for axis in (0, 1)]
    else:  # what is causal looks back further than what passes it by
        assert bool(misaligned(net)) == (name == "wavenet")
    if len(net.nodes[0].shape or ()) > 1:
        (found,) = unseen(Trace(net)).values()
        assert found.positions == (224 + 223 if name.startswith("squeezenet") else 0)


@pytest.mark.parametrize(("kernel", "offset"), [(2, None), (3, Fraction(1, 2)), (4, None)])
def test_phases_are_compared_on_average(kernel: int, offset: Fraction | None) -> None:
    """Output 2q and 2q + 1 of a kernel of 2 both see the pair q, half a position off, one way and the other."""
    net = Graph()
    x = net.input((1, 16))
    low = net.add("max_pool", x, kernel_size=2)
    more = {"padding": (kernel - 1) // 2, "output_padding": kernel % 2}
    up = net.add("conv_transpose", low, out_channels=1, kernel_size=kernel, stride=2, **more)
    net.add("add", x, up)
    assert [found.offset for found in misaligned(net)] == ([] if offset is None else [offset])


@pytest.mark.parametrize("name", ops.names())
def test_taps_that_do_not_say_so_do_not_depend_on_the_size(name: str) -> None:
    """Held on the sizes of each op's spec and on those that are larger by 1 to 6."""
    net = convcalc.load(SPECS / f"{name}.yaml")
    for step in inferred(net):
        if step.op is None or step.op.name != name or step.op.sized(*step.inputs):
            continue
        told = set()
        for more in range(7):
            # A size of 1 is broadcast.
            inputs = [(x[0], *(n + more * (n > 1) for n in x[1:])) for x in step.inputs]
            try:
                taps = step.op.taps(*inputs)
            except convcalc.diagnostics.Problem:
                continue
            told.add(tuple(axes and tuple(t for t in axes if t.advance) for axes in taps))
        assert len(told) == 1, step.op


def test_a_size_too_long_to_keep_is_refused() -> None:
    net = Graph()
    net.add("relu", net.input((1, reach.MOST_POSITIONS + 1)))
    with pytest.raises(convcalc.Misuse, match="set a smaller size"):
        unseen(Trace(net))


@given(
    st.integers(0, 2**25 - 1),
    st.integers(0, 40),
    st.lists(st.tuples(st.integers(-30, 30), st.integers(1, 8), st.integers(0, 12)), min_size=1, max_size=3),
    st.integers(1, 30),
)
def test_what_outputs_read_is_what_each_of_them_reads(
    outputs: int, advance: int, windows: list[tuple[int, int, int]], size: int
) -> None:
    read = 0
    for output in range(outputs.bit_length()):
        if outputs >> output & 1:
            turn, phase = divmod(output, len(windows))
            start, step, count = windows[phase]
            places = (turn * advance + start + step * j for j in range(count))
            read |= sum(1 << place for place in places if 0 <= place < size)
    assert masks.read_by(outputs, Taps(len(windows), advance, tuple(windows)), size) == read


def test_nothing_is_made_as_long_as_a_stride_or_a_kernel() -> None:
    far = 10**13
    assert masks.read_by(0b111, Taps(1, far, ((-1, 1, 3),)), 30) == 0b11
    assert masks.read_by(0b100, Taps(1, far, ((-2 * far + 5, 1, 3),)), 30) == 0b11100000
    assert masks.read_by(0b111, Taps(1, far // 10, ((-far // 2, 1, far),)), 30) == (1 << 30) - 1
    assert masks.read_by(0b111, Taps(1, 1, ((-far, far, 3),)), 30) == 0b111


def test_operands_in_another_order_are_not_held_against_each_other() -> None:
    net = Graph()
    x = net.input((1, 8, 8))
    one = net.add("conv", x, out_channels=2, kernel_size=1, stride=[1, 2])
    other = net.add("conv", x, out_channels=2, kernel_size=1, stride=[2, 1])
    net.add("add", one, net.add("permute", other, dims=[0, 1, 3, 2]))
    assert misaligned(net) == []
    assert compare(net)["behind a permute"] > 0
