"""Every op's rules: on dims that have no truth value, against counting by definition, and on wrong attributes."""

from __future__ import annotations

import math
import random
import re
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

import convcalc
from convcalc import ops
from convcalc.analysis.shapes import infer
from convcalc.diagnostics import Problem
from convcalc.ops._attributes import Integers
from convcalc.ops._op import FREE, IDENTITY, Cost, Op, Outcome, Taps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convcalc.dims import Shape

SPECS = Path(__file__).parents[1] / "specs" / "ops"
NAMES = ops.names()


def draws_from(seed: int) -> random.Random:
    """The same cases at every run."""
    return random.Random(seed)  # cases, not secrets


def literal(text: str) -> int:
    """The one expression that cases here write; else what the grammar does with words."""
    if text != "two":
        raise Problem("expression", f"'{text}' is no expression", "write an integer")
    return 2


def made(name: str, args: dict[str, Any]) -> Op:
    """The op; its attributes are right."""
    op, problems = ops.find(name).read(args, literal)
    assert op is not None, [(problem.message, problem.fix) for problem in problems]
    return op


def in_specs(name: str) -> list[tuple[Op, tuple[Shape, ...]]]:
    """Every op of that name in its own spec, with the shapes of its operands."""
    graph = convcalc.load(SPECS / f"{name}.yaml")
    applied, found = infer(graph)
    assert not found, found
    steps = zip(graph.nodes, applied, strict=True)
    return [
        (node.op, step.inputs) for node, step in steps if node.op is not None and step is not None and node.kind == name
    ]


def refused(op: Op, inputs: tuple[Shape, ...]) -> bool:
    """Whether the rule or one of its demands refuses the operands."""
    return not all(demand.holds() for demand in op.infer(*inputs).demands)


# Rules know dims by + - * // % alone.


class Blind:
    """An integer that can be calculated with, and of which nothing can be asked."""

    def __init__(self, value: int) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "?"

    def _no(self, *_: object) -> Any:
        raise TypeError("a dim was asked for its truth, its order or its value")

    __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _no
    __index__ = __int__ = __float__ = __len__ = __iter__ = __hash__ = _no  # type: ignore[assignment]

    def __add__(self, other: Any) -> Blind:
        return Blind(self._value + value_of(other))

    def __sub__(self, other: Any) -> Blind:
        return Blind(self._value - value_of(other))

    def __mul__(self, other: Any) -> Blind:
        return Blind(self._value * value_of(other))

    def __floordiv__(self, other: Any) -> Blind:
        return Blind(self._value // value_of(other))

    def __mod__(self, other: Any) -> Blind:
        return Blind(self._value % value_of(other))

    def __rsub__(self, other: Any) -> Blind:
        return Blind(value_of(other) - self._value)

    def __rfloordiv__(self, other: Any) -> Blind:
        return Blind(value_of(other) // self._value)

    def __rmod__(self, other: Any) -> Blind:
        return Blind(value_of(other) % self._value)

    __radd__ = __add__
    __rmul__ = __mul__


def value_of(dim: Any) -> int:
    """What is behind a dim; only this test asks."""
    return dim._value if isinstance(dim, Blind) else dim


def blinded(op: Op, inputs: tuple[Shape, ...]) -> tuple[Any, ...]:
    """The operands without values, but for the literal 1 by which a gate of mul or a class is known."""
    keep = op.name in ("mul", "cross_entropy")
    return tuple(tuple(n if keep and n == 1 else Blind(n) for n in x) for x in inputs)


def told(op: Op, inputs: tuple[Any, ...]) -> list[Any]:
    """All that is predicted of an op, as plain integers."""
    shapes, demands = op.infer(*inputs)
    return [
        [[value_of(n) for n in shape] for shape in shapes],
        [(value_of(d.left), d.relation, value_of(d.right), d.code, d.key) for d in demands],
        {key: [value_of(n) for n in shape] for key, shape in op.parameters(*inputs).items()},
        {key: [value_of(n) for n in shape] for key, shape in op.buffers(*inputs).items()},
        [value_of(count) for count in op.cost(inputs, shapes)],
    ]


@pytest.mark.parametrize("name", NAMES)
def test_rules_ask_nothing_of_dims(name: str) -> None:
    cases = in_specs(name)
    assert cases
    for op, inputs in cases:
        assert told(op, blinded(op, inputs)) == told(op, inputs)


def test_rules_of_windows_ask_nothing_of_dims() -> None:
    """Where demands fail, too."""
    failed = 0
    for name, args, inputs in windowed_cases(1, 600):
        op = made(name, args)
        assert told(op, blinded(op, inputs)) == told(op, inputs)
        failed += refused(op, inputs)
    assert failed > 100


class Curious(Op):
    """An op whose rule decides by a dim. Source: this test."""

    def infer(self, *inputs: Shape) -> Outcome:
        return Outcome((inputs[0] if inputs[0][0] > 1 else (1,),))


class Counting(Op):
    """An op whose rule makes a list as long as a dim. Source: this test."""

    def infer(self, *inputs: Shape) -> Outcome:
        return Outcome((tuple(range(inputs[0][0])),))


class Comparing(Op):
    """An op whose rule compares two dims. Source: this test."""

    def infer(self, *inputs: Shape) -> Outcome:
        return Outcome((inputs[0],) if inputs[0][0] == inputs[0][1] else ())


class Doubting(Op):
    """An op whose rule asks whether a dim is odd. Source: this test."""

    def infer(self, *inputs: Shape) -> Outcome:
        return Outcome((inputs[0] if inputs[0][0] % 2 else (1,),))


@pytest.mark.parametrize("kind", [Curious, Counting, Comparing, Doubting])
def test_a_rule_that_asks_is_caught(kind: type[Op]) -> None:
    with pytest.raises(TypeError, match="asked for its truth"):
        told(kind(), ((Blind(3), Blind(4)),))


# Sizes and taps of windows, by placing every window.


def per_axis(draw: random.Random, rank: int, low: int, high: int) -> Any:
    """One integer, or one an axis."""
    return draw.choice((draw.randint(low, high), [draw.randint(low, high) for _ in range(rank)]))


def paddings(draw: random.Random, rank: int, high: int) -> Any:
    """One integer, one an axis, or a pair an axis."""
    pairs = [[draw.randint(0, high), draw.randint(0, high)] for _ in range(rank)]
    return draw.choice((draw.randint(0, high), [draw.randint(0, high) for _ in range(rank)], pairs))


POOLS: dict[str, dict[str, Any]] = {
    "max_pool": {},
    "avg_pool": {},
    "log_sum_exp_pool": {"sharpness": 2},
    "lp_pool": {"norm_type": 2},
}


def windowed_cases(seed: int, count: int) -> Iterator[tuple[str, dict[str, Any], tuple[Shape, ...]]]:
    """Ops that move along the axes, in 1-D to 4-D."""
    draw = draws_from(seed)
    for turn in range(count):
        rank = 1 + turn % 4
        shape = (2, *(draw.randint(1, 8) for _ in range(rank)))
        kernel, stride, dilation = (per_axis(draw, rank, 1, most) for most in (4, 3, 3))
        padding = paddings(draw, rank, 2)
        window = {"kernel_size": kernel, "stride": stride, "dilation": dilation}
        word = draw.choice(("same_upper", "same_lower", "valid"))
        yield "conv", {"out_channels": 3, **window, "padding": draw.choice((padding, word, "full"))}, (shape,)
        yield "conv", {"out_channels": 3, "kernel_size": kernel, "dilation": dilation, "padding": "same"}, (shape,)
        copies = draw.choice(("reflect", "replicate", "circular"))
        around = {**window, "padding": draw.choice((padding, "full")), "padding_mode": draw.choice(("zeros", copies))}
        turned = {"out_channels": 3, "flip": draw.random() < 0.5, **around}
        yield "conv", turned, (shape,)
        yield "local_conv", {**turned, "out_channels": 2}, (shape,)
        yield "tiled_conv", {**turned, "tiles": per_axis(draw, rank, 1, 3)}, (shape,)
        numbers = np.round(np.random.default_rng(turn).uniform(-2, 2, spread(kernel, rank)), 3).tolist()
        fixed = {key: value for key, value in around.items() if key != "kernel_size"}
        yield "filter", {"kernel": numbers, "divisor": 3, "flip": turned["flip"], **fixed}, (shape,)
        yield "filter", {"kernel": draw.choice(("gaussian", "box")), **around}, (shape,)
        more = draw.choice((0, per_axis(draw, rank, 0, 2)))
        yield "conv_transpose", {"out_channels": 3, **window, "padding": padding, "output_padding": more}, (shape,)
        for name, more in POOLS.items():
            mode = draw.choice((False, True, "caffe"))
            yield name, {**window, "padding": draw.choice((padding, 0, word)), "ceil_mode": mode, **more}, (shape,)
        back = {key: window[key] for key in ("kernel_size", "stride")} | {"padding": padding}
        yield "max_unpool", back, (shape, shape)
        yield "max_unpool", {**back, "output_size": per_axis(draw, rank, 1, 20)}, (shape, shape)
        yield "max_unpool", back, (shape, shape, (5, *(draw.randint(1, 20) for _ in range(rank))))
        yield "unpool", {"kernel_size": stride, "mode": draw.choice(("nearest", "bed_of_nails"))}, (shape,)
        goal = draw.choice((draw.randint(1, 6), [draw.choice((None, draw.randint(1, 9))) for _ in range(rank)]))
        yield draw.choice(("adaptive_avg_pool", "adaptive_max_pool")), {"output_size": goal}, (shape,)
        yield draw.choice(("global_avg_pool", "global_max_pool")), {}, (shape,)
        cut = [[draw.randint(-2, 2), draw.randint(-2, 2)] for _ in range(rank)]
        yield "pad", {"padding": draw.choice((padding, cut))}, (shape,)
        yield "pad", {"padding": paddings(draw, rank, 4), "mode": copies}, (shape,)
        yield "upsample", {"scale_factor": stride}, (shape,)
        yield "upsample", {"size": per_axis(draw, rank, 1, 9)}, (shape,)
        aligned = {"mode": "linear", "align_corners": draw.random() < 0.5}
        yield "upsample", {"scale_factor": stride, **aligned}, (shape,)
        yield "upsample", {"size": per_axis(draw, rank, 1, 9), **aligned}, (shape,)
        goals = [draw.randint(1, 6) for _ in range(rank)]
        yield "crop", {"margin": padding}, (shape,)
        yield "crop", {"size": goals}, (shape,)
        yield "crop", {"offset": per_axis(draw, rank, 0, 3)}, (shape, (5, *goals))


def spread(value: Any, rank: int) -> list[Any]:
    """An attribute by axis."""
    return list(value) if isinstance(value, (list, tuple)) else [value] * rank


def as_pair(side: Any) -> tuple[int, int]:
    return (side, side) if isinstance(side, int) else tuple(side)


def positions(name: str, args: dict[str, Any], shapes: tuple[Shape, ...]) -> list[list[list[int]]]:
    """By axis, for each output the input positions it reads, by the op's definition."""
    sizes = shapes[0][1:]
    rank = len(sizes)
    if name.startswith("global"):
        return [[list(range(n))] for n in sizes]
    if name.startswith("adaptive"):
        return [bins(n, o) for n, o in zip(sizes, spread(args["output_size"], rank), strict=True)]
    if name == "pad" and args.get("mode", "constant") != "constant":
        pads = map(as_pair, spread(args["padding"], rank))
        lines = (copied(n, *pad, args["mode"]) for n, pad in zip(sizes, pads, strict=True))
        return [[[at] for at in line] for line in lines]
    if name == "pad":
        return [padded(n, *as_pair(p)) for n, p in zip(sizes, spread(args["padding"], rank), strict=True)]
    if name == "upsample" and "linear" in args.get("mode", ""):
        goals = spread(args["size"], rank) if "size" in args else [
            n * s for n, s in zip(sizes, spread(args["scale_factor"], rank), strict=True)
        ]  # fmt: skip
        aligned = args.get("align_corners", False)
        return [[list(between(n, o, at, aligned)) for at in range(o)] for n, o in zip(sizes, goals, strict=True)]
    if name == "unpool":
        blocks = zip(sizes, spread(args["kernel_size"], rank), strict=True)
        rest = args.get("mode", "nearest") == "nearest"
        return [[[i] if j == 0 or rest else [] for i in range(n) for j in range(block)] for n, block in blocks]
    if name == "upsample" and "size" in args:
        return [nearest(n, o) for n, o in zip(sizes, spread(args["size"], rank), strict=True)]
    if name == "upsample":
        return [
            [[i] for i in range(n) for _ in range(s)]
            for n, s in zip(sizes, spread(args["scale_factor"], rank), strict=True)
        ]
    if name == "crop":
        return cropped(args, shapes)
    kernels, dilations = extents(args, rank), spread(args.get("dilation", 1), rank)
    strides = spread(args.get("stride", kernels if "pool" in name else 1), rank)
    word = args["padding"] if isinstance(args["padding"], str) else ""
    pads = spread(0 if word else args["padding"], rank)
    windows = zip(sizes, kernels, strides, dilations, map(as_pair, pads), strict=True)
    if name == "conv_transpose":
        more = spread(args["output_padding"], rank)
        return [scattered(*window, extra) for window, extra in zip(windows, more, strict=True)]
    if name == "max_unpool":
        goals = spread(args.get("output_size"), rank) if len(shapes) < 3 else list(shapes[2][1:])
        return [unpooled(*window, goal) for window, goal in zip(windows, goals, strict=True)]
    if args.get("padding_mode", "zeros") != "zeros":
        return [folded(*window, word, args["padding_mode"]) for window in windows]
    caffe = args.get("ceil_mode") == "caffe"
    clipped = not caffe or any(side for pad in pads for side in as_pair(pad))
    partial = bool(args.get("ceil_mode"))
    return [placed(*window, word, partial, clipped) for window in windows]


def extents(args: dict[str, Any], rank: int) -> list[int]:
    """The size of a window; that of a filter is the size of its numbers."""
    kernel = args.get("kernel", "gaussian")
    if not isinstance(kernel, str):
        return list(np.shape(kernel))
    return [3] * rank if "_" in kernel or kernel == "laplacian" else spread(args.get("kernel_size", 3), rank)


def copied(n: int, before: int, after: int, mode: str) -> list[int]:
    """The padded axis, position by position; of what there is not enough to copy, as much as there is."""
    line = list(range(n))
    front = {"reflect": line[1 : before + 1][::-1], "replicate": [0] * before, "circular": line[max(n - before, 0) :]}
    behind = {"reflect": line[-1 - after : -1][::-1], "replicate": [n - 1] * after, "circular": line[:after]}
    return [*(front[mode] if before else []), *line, *(behind[mode] if after else [])]


def folded(n: int, k: int, s: int, d: int, pad: tuple[int, int], word: str, mode: str) -> list[list[int]]:
    """Windows over a padded axis, by what is copied to the positions that they read."""
    lines = placed(n, k, s, d, pad, word, False, False)
    before, after = {"same": (d * (k - 1) // 2, d * (k - 1) - d * (k - 1) // 2), "full": (d * (k - 1),) * 2}.get(
        word, pad
    )
    axis = copied(n, before, after, mode)
    if len(axis) < n + before + after:
        return lines  # refused
    return [[axis[at + before] for at in line] for line in lines]


def between(n: int, size: int, output: int, aligned: bool) -> dict[int, Fraction]:
    """The positions that an output lies between, and their shares."""
    if aligned:
        at = Fraction(output * (n - 1), max(size - 1, 1))
    else:
        at = min(max(Fraction((2 * output + 1) * n, 2 * size) - Fraction(1, 2), Fraction(0)), Fraction(n - 1))
    near = math.floor(at)
    return {near: 1 - (at - near)} | ({near + 1: at - near} if at > near else {})


def unpooled(n: int, k: int, s: int, d: int, pad: tuple[int, int], goal: int | None) -> list[list[int]]:
    """Which windows of a pool read each position of what it pooled."""
    before, after = pad
    size = (n - 1) * s - before + k - after if goal is None else goal
    return [[p for p in range(n) if p * s - before <= at < p * s - before + k] for at in range(size)]


def placed(
    n: int, k: int, s: int, d: int, pad: tuple[int, int], word: str, partial: bool, clipped: bool
) -> list[list[int]]:
    """Windows one by one: all taps inside the padded input, or (``partial``) while positions are left behind."""
    reach = d * (k - 1)
    before, after = pad
    if word.startswith("same_"):
        starts = list(range(0, n, s))
        lacking = max(starts[-1] + reach - (n - 1), 0)
        before = lacking // 2 if word == "same_upper" else lacking - lacking // 2
        return [[start - before + d * j for j in range(k)] for start in starts]
    if word:
        before = {"same": reach // 2, "valid": 0, "full": reach}[word]
        after = {"same": reach - before, "valid": 0, "full": reach}[word]
    found: list[list[int]] = []
    start = -before
    while (start - s + reach + 1 < n + after and (start < n or not clipped)) if partial else start + reach < n + after:
        found.append([start + d * j for j in range(k)])
        start += s
    return found


def scattered(n: int, k: int, s: int, d: int, pad: tuple[int, int], more: int) -> list[list[int]]:
    """Each input adds its kernel; then the ends are cut off, and more is added behind."""
    reads: list[list[int]] = [[] for _ in range(s * (n - 1) + d * (k - 1) + 1 + more)]
    for i, j in product(range(n), range(k)):
        reads[i * s + d * j].append(i)
    return reads[pad[0] : max(len(reads) - pad[1], 0)]


def bins(n: int, goal: int | None) -> list[list[int]]:
    """A bin holds the positions that its share of the axis touches: ``[i*n/o, (i+1)*n/o)`` against ``[p, p+1)``."""
    if goal is None:
        return [[i] for i in range(n)]
    return [[p for p in range(n) if p * goal < (i + 1) * n and (p + 1) * goal > i * n] for i in range(goal)]


def padded(n: int, before: int, after: int) -> list[list[int]]:
    """Cut first, then add; an axis that loses more than it has is None in a list of its own."""
    line: list[list[int]] = [[i] for i in range(n)]
    if n + before < 0 or n + after < 0:
        return []
    line = line[-before if before < 0 else 0 :]
    line = line[: len(line) + after] if after < 0 else line
    if min(before, 0) + min(after, 0) + n < 0:
        return []
    return [[]] * before + line + [[]] * after


def nearest(n: int, size: int) -> list[list[int]]:
    """The input position whose share of the axis holds the start of the output's."""
    return [[p for p in range(n) if p * size <= o * n < (p + 1) * size] for o in range(size)]


def cropped(args: dict[str, Any], shapes: tuple[Shape, ...]) -> list[list[list[int]]]:
    sizes = shapes[0][1:]
    rank = len(sizes)
    lines = [[[i] for i in range(n)] for n in sizes]
    if "margin" in args:
        pads = map(as_pair, spread(args["margin"], rank))
        return [line[before : max(len(line) - after, 0)] for line, (before, after) in zip(lines, pads, strict=True)]
    goals = spread(args["size"], rank) if "size" in args else list(shapes[1][1:])
    found = []
    for axis, (line, goal) in enumerate(zip(lines, goals, strict=True)):
        start = spread(args["offset"], rank)[axis] if "offset" in args else max(len(line) - goal, 0) // 2
        part = line[start : start + goal]
        found.append(part if len(part) == goal else [])
    return found


def reads(taps: Taps, output: int, size: int) -> set[int]:
    """What an output position reads of an axis, padding left out."""
    turn, phase = divmod(output, taps.period)
    start, step, count = taps.windows[phase]
    return {turn * taps.advance + start + step * j for j in range(count)} & set(range(size))


def check_axes(name: str, args: dict[str, Any], shapes: tuple[Shape, ...]) -> bool:
    """Hold a rule to the definition; False where both refuse."""
    op = made(name, args)
    lines = positions(name, args, shapes)
    result, demands = op.infer(*shapes)
    missing = [d for d in demands if not d.holds()]
    about_size = [
        d
        for d in missing
        if d.code not in ("padding-too-large", "same-with-stride", "output-padding-too-large", "wrong-output-size")
    ]
    assert bool(about_size) == any(not line for line in lines), (name, args, shapes, about_size)
    if missing:
        return False
    for shape in result:
        assert list(shape[1:]) == [len(line) for line in lines], (name, args, shapes)
    own, *rest = op.taps(*shapes)
    assert all(axes in (None, own) for axes in rest)
    assert own is not None
    loose = args.get("padding_mode", "zeros") != "zeros"
    for taps, line, n in zip(own, lines, shapes[0][1:], strict=True):
        for output, wanted in enumerate(line):
            found, right = reads(taps, output, n), set(wanted) & set(range(n))
            if loose and right:  # a progression that holds them, from the first to the last
                assert found >= right and (min(found), max(found)) == (min(right), max(right))
            else:
                assert found == right, (name, args, shapes, output)
    return True


def test_windows_by_definition() -> None:
    """Sizes and taps in 1-D to 4-D; and a rule refuses exactly what leaves an axis without a window."""
    seen = {True: 0, False: 0}
    ranks: dict[tuple[str, int], int] = {}
    for name, args, shapes in windowed_cases(2, 1500):
        accepted = check_axes(name, args, shapes)
        seen[accepted] += 1
        ranks[name, len(shapes[0]) - 1] = ranks.get((name, len(shapes[0]) - 1), 0) + accepted
    assert seen[True] > 18_000
    assert seen[False] > 5_000
    assert min(ranks.values()) > 100
    assert len(ranks) == 4 * len(windowed_names())


@pytest.mark.parametrize(
    ("function", "wrong"),
    [
        ("window", lambda right: lambda *a: right(*a) + 1),
        ("window_ceil", lambda right: lambda n, span, s, before, after: right(n, span, s, after, before)),
        ("ceil_div", lambda right: lambda n, d: n // d),
        ("extent", lambda right: lambda k, d: d * k),
    ],
)
def test_a_wrong_formula_is_caught(monkeypatch: pytest.MonkeyPatch, function: str, wrong: Any) -> None:
    from convcalc.ops import _window

    monkeypatch.setattr(_window, function, wrong(getattr(_window, function)))
    with pytest.raises(AssertionError):
        test_windows_by_definition()


@pytest.mark.parametrize(
    "fault", [Taps(2, 1, ((0, 1, 1), (1, 1, 1))), Taps(1, 1, ((0, 1, 2),)), Taps(2, 2, ((0, 1, 1),) * 2)]
)
def test_wrong_taps_are_caught(monkeypatch: pytest.MonkeyPatch, fault: Taps) -> None:
    monkeypatch.setattr(ops.find("upsample"), "taps", lambda self, *inputs: ((fault,) * (len(inputs[0]) - 1),))
    with pytest.raises(AssertionError):
        check_axes("upsample", {"scale_factor": 2}, ((2, 4),))


def test_transposed_windows_with_gaps() -> None:
    """Strides beyond the kernel leave outputs that nothing reaches; dilation and stride share factors."""
    for n, k, s, d, before, after in product((1, 4), range(1, 5), range(1, 7), range(1, 7), (0, 1, 3), (0, 2)):
        args = {
            "out_channels": 1,
            "kernel_size": k,
            "stride": s,
            "dilation": d,
            "padding": [[before, after]],
            "output_padding": 0,
        }
        check_axes("conv_transpose", args, ((1, n),))


# Everything else, by carrying labels through.

Labels = Any  # a NumPy array of objects, each the set of (operand, position) that a value depends on


def labelled(shapes: tuple[Shape, ...]) -> list[Labels]:
    """One array an operand, whose values are labels of where they stand."""
    arrays = []
    for operand, shape in enumerate(shapes):
        array = np.empty(shape, dtype=object)
        for place in np.ndindex(*shape):
            array[place] = frozenset({(operand, place)})
        arrays.append(array)
    return arrays


def union(array: Labels, axis: int | tuple[int, ...], keep: bool = False) -> Labels:
    """All that the values along these axes depend on."""
    for one in sorted((axis,) if isinstance(axis, int) else axis, reverse=True):
        array = np.frompyfunc(frozenset.union, 2, 1).reduce(array, axis=one, keepdims=keep)
    return array


def both(*arrays: Labels) -> Labels:
    """Value by value, what either depends on."""
    total = arrays[0]
    for array in arrays[1:]:
        total = np.frompyfunc(frozenset.union, 2, 1)(total, array)
    return total


def along(x: Labels, axis: int) -> Labels:
    """Every value depends on all of its line."""
    return both(x, np.broadcast_to(union(x, axis, keep=True), x.shape))


def product_of(a: Labels, b: Labels) -> Labels:
    rows, columns = union(a, a.ndim - 1), union(b, b.ndim - 2)
    return both(*np.broadcast_arrays(rows[..., :, None], columns[..., None, :]))


def together(*arrays: Labels) -> Labels:
    """One value that depends on all."""
    return both(*(union(x, tuple(range(x.ndim)), keep=True).reshape(1) for x in arrays))


DEFINITIONS: dict[str, Callable[..., Any]] = {
    "add": lambda op, *xs: both(*xs),
    "sub": lambda op, *xs: both(*xs),
    "mul": lambda op, *xs: both(*np.broadcast_arrays(*xs)),
    "concat": lambda op, *xs: np.concatenate(xs, op.dim if op.dim < 0 else op.dim - 1),
    "flatten": lambda op, x: flattened(x, op.start_dim, op.end_dim),
    "reshape": lambda op, x: x.reshape(op.shape),
    "permute": lambda op, x: x[None].transpose(op.dims)[0],
    "slice": lambda op, x: x[None][(slice(None),) * (op.dim % (x.ndim + 1)) + (slice(op.start, op.end, op.step),)][0],
    "split": lambda op, x: tuple(
        part[0] for part in np.split(x[None], np.cumsum(op.sections)[:-1] if op.sections else op.chunks, axis=op.dim)
    ),
    "mean": lambda op, x: union(
        x[None], tuple(d % (x.ndim + 1) for d in (op.dim if isinstance(op.dim, tuple) else (op.dim,))), op.keepdim
    )[0],
    "matmul": lambda op, a, b: product_of(a, b),
    "linear": lambda op, x: np.repeat(union(x, x.ndim - 1, keep=True), op.out_features, axis=-1),
    "softmax": lambda op, x: along(x, op.dim if op.dim < 0 else op.dim - 1),
    "log_softmax": lambda op, x: along(x, op.dim if op.dim < 0 else op.dim - 1),
    "local_response_norm": lambda op, x: along(x, 0),
    "cross_entropy": lambda op, *xs: together(*xs),
    "mse_loss": lambda op, *xs: together(*xs),
    "pixel_shuffle": lambda op, x: shuffled(x, op.upscale_factor),
    "pixel_unshuffle": lambda op, x: unshuffled(x, op.downscale_factor),
    "channel_shuffle": lambda op, x: np.concatenate([x[i :: len(x) // op.groups] for i in range(len(x) // op.groups)]),
    "instance_norm": lambda op, x: grouped(x, len(x)),
    "group_norm": lambda op, x: grouped(x, op.num_groups),
    "layer_norm": lambda op, x: both(
        x, np.broadcast_to(union(x, tuple(range(x.ndim))[-len(op.normalized_shape or x.shape) :], True), x.shape)
    ),
}
"""What each value of the result depends on; pointwise ops are their own operand."""

BOUNDS = {
    "flatten": "an axis that is joined is seen as a whole",
    "reshape": "an axis that is mixed is seen as a whole",
    "permute": "an axis that moves is seen as a whole",
    "mean": "an axis that moves up is seen as a whole",
    "split": "a part of another size is seen wherever it starts",
}
"""Taps that may name more than is read, and why."""


def grouped(x: Labels, groups: int) -> Labels:
    """Every value depends on all of its group of channels."""
    parts = np.split(x, groups)
    return np.concatenate([np.broadcast_to(union(p, tuple(range(p.ndim)), True), p.shape) for p in parts])


def shuffled(x: Labels, r: int) -> Labels:
    """Shi et al. 2016, equation 4, value by value."""
    channels, *sizes = x.shape
    block = list(product(range(r), repeat=len(sizes)))
    y = np.empty((channels // len(block), *(n * r for n in sizes)), dtype=object)
    for c, *p in np.ndindex(*y.shape):
        offset = block.index(tuple(i % r for i in p))
        y[(c, *p)] = x[(c * len(block) + offset, *(i // r for i in p))]
    return y


def unshuffled(x: Labels, r: int) -> Labels:
    """The reverse."""
    channels, *sizes = x.shape
    block = list(product(range(r), repeat=len(sizes)))
    y = np.empty((channels * len(block), *(n // r for n in sizes)), dtype=object)
    for c, *p in np.ndindex(*y.shape):
        source, offset = divmod(c, len(block))
        y[(c, *p)] = x[(source, *(i * r + j for i, j in zip(p, block[offset], strict=True)))]
    return y


def flattened(x: Labels, start: int, end: int) -> Labels:
    whole = x[None]
    first, last = start % whole.ndim, end % whole.ndim
    return whole.reshape(*whole.shape[:first], -1, *whole.shape[last + 1 :])[0]


def windowed_names() -> set[str]:
    """Ops that are held to their definition axis by axis."""
    return {name for name, _, _ in windowed_cases(0, 8)}


LABELLED = [name for name in NAMES if name not in windowed_names()]


@pytest.mark.parametrize("name", LABELLED)
def test_labels_by_definition(name: str) -> None:
    """Shapes are those of the carried labels, and taps name all positions that a result depends on, and no more."""
    for op, shapes in in_specs(name):
        carry = DEFINITIONS.get(name, lambda op, x: x)
        results = carry(op, *labelled(shapes))
        results = results if isinstance(results, tuple) else (results,)
        assert op.infer(*shapes).shapes == tuple(result.shape for result in results)
        for operand, (shape, taps) in enumerate(zip(shapes, op.taps(*shapes), strict=True)):
            assert taps is not None
            assert len(taps) == len(shape) - 1
            check_labels(op, operand, shape, taps, results)


def check_labels(op: Op, operand: int, shape: Shape, taps: tuple[Taps, ...], results: tuple[Labels, ...]) -> None:
    depends: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
    for result in results:
        for place in np.ndindex(*result.shape):
            found = {position[1:] for source, position in result[place] if source == operand}
            depends.setdefault(place[1:], set()).update(found)
    for place, found in depends.items():
        if len(place) != len(taps):
            assert all(axis.advance == 0 for axis in taps)
            place = (0,) * len(taps)
        seen = set(product(*(reads(axis, o, n) for axis, o, n in zip(taps, place, shape[1:], strict=True))))
        assert found <= seen, (op, shape, place)
        if op.name not in BOUNDS:
            assert found == seen, (op, shape, place)


@pytest.mark.parametrize(
    ("fault", "name"), [(IDENTITY, "matmul"), (IDENTITY, "permute"), (Taps(1, 0, ((0, 1, 99),)), "relu")]
)
def test_wrong_labels_are_caught(monkeypatch: pytest.MonkeyPatch, fault: Taps, name: str) -> None:
    """Taps that forget what is read, and taps that name too much."""
    monkeypatch.setattr(ops.find(name), "taps", lambda self, *xs: tuple((fault,) * (len(x) - 1) for x in xs))
    with pytest.raises(AssertionError):
        test_labels_by_definition(name)


# Cost, by counting what the definition does.


def test_multiply_accumulates_by_definition() -> None:
    """One for each output and tap of a convolution, for each input and tap of a transposed one; none elsewhere."""
    checked = 0
    for name, args, shapes in windowed_cases(3, 300):
        op = made(name, args)
        if refused(op, shapes):
            continue
        cost = op.cost(shapes, op.infer(*shapes).shapes)
        channels, *sizes = shapes[0]
        taps = len(list(np.ndindex(*extents(args, len(sizes))))) if "kernel_size" in args or name == "filter" else 1
        lines = positions(name, args, shapes)
        if name in ("conv", "local_conv", "tiled_conv"):
            assert cost.macs == len(list(product(*lines))) * args["out_channels"] * channels * taps
        elif name == "filter":
            assert cost.macs == len(list(product(*lines))) * channels * taps
        elif name == "conv_transpose":
            assert cost.macs == len(list(np.ndindex(*sizes))) * 3 * channels * taps
        else:
            assert cost.macs == 0
        checked += 1
    assert checked > 1_500


def test_reductions_by_definition() -> None:
    """One operation less than a bin has values; an average is divided once."""
    for n, m, goal in product(range(1, 8), range(1, 5), range(1, 8)):
        shape = (3, n, m)
        sums = [3 * (len(a) * len(b) - 1) for a, b in product(bins(n, goal), bins(m, None))]
        for name in ("adaptive_avg_pool", "adaptive_max_pool"):
            op = made(name, {"output_size": [goal, None]})
            cost = op.cost((shape,), op.infer(shape).shapes)
            average = Cost(adds=sum(sums), divides=3 * goal * m)
            assert cost == (average if "avg" in name else Cost(compares=sum(sums)))
    for name, args in (("global_avg_pool", {}), ("mean", {"dim": [2, 3]}), ("adaptive_avg_pool", {"output_size": 1})):
        op = made(name, args)
        assert op.cost(((4, 5, 6),), op.infer((4, 5, 6)).shapes) == Cost(adds=4 * 29, divides=4)


@pytest.mark.parametrize("name", NAMES)
def test_costs_are_counts(name: str) -> None:
    """No kind of operation is negative, and a view is free."""
    for op, shapes in in_specs(name):
        cost = op.cost(shapes, op.infer(*shapes).shapes)
        assert min(cost) >= 0
        assert not op.view or cost == FREE
        assert cost.flops == 2 * cost.macs + sum(cost) - cost.macs


# Attributes.


def attributes() -> list[tuple[str, str]]:
    """Every attribute of every op."""
    return [(name, key) for name in NAMES for key in ops.find(name).attributes]


def enough(name: str) -> dict[str, Any]:
    """Right values of what must be given."""
    return {key: valid(name, key) for key, attribute in ops.find(name).attributes.items() if attribute.required}


def valid(name: str, key: str) -> Any:
    """A right value, read off the example that the attribute gives."""
    attribute = ops.find(name).attributes[key]
    schema = attribute.schema()
    if type(attribute).__name__ == "Weights":
        return "gaussian"
    kinds = [schema.get("type"), *(branch.get("type") for branch in schema.get("anyOf", ()))]
    if schema.get("enum"):
        return schema["enum"][0]
    if "boolean" in (schema.get("type") or ()):
        return True
    if "number" in (schema.get("type") or ()):
        return 1
    return [2] if kinds == ["array"] else 2


def problems_of(name: str, args: dict[str, Any]) -> list[Problem]:
    op, problems = ops.find(name).read(args, literal)
    assert (op is None) == bool(problems)
    return problems


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_attribute(name: str) -> None:
    [problem] = [p for p in problems_of(name, {**enough(name), "colour": 3}) if p.key == ("colour",)]
    assert problem.code == "unknown-attribute"
    has = bool(ops.find(name).attributes)
    assert problem.message == (f"{name} has no attribute 'colour'" if has else f"{name} takes no arguments")
    assert problem.fix.startswith(("one of ", "did you mean ") if has else "remove colour")


@pytest.mark.parametrize(("name", "key"), attributes())
def test_names_of_other_frameworks(name: str, key: str) -> None:
    """They are no attributes of the op, belong to one alone, and lead to ours."""
    kind = ops.find(name)
    for foreign in kind.attributes[key].also:
        assert foreign not in kind.attributes
        assert [k for k, a in kind.attributes.items() if foreign in a.also] == [key]
        rest = {k: v for k, v in enough(name).items() if k != key}
        problems = problems_of(name, {**rest, foreign: 3})
        [problem] = [p for p in problems if p.key == (foreign,)]
        assert problem.fix == f"did you mean '{key}'?"
        assert not any(p.code == "missing-argument" for p in problems)


@pytest.mark.parametrize(("name", "key"), [(n, k) for n, k in attributes() if ops.find(n).attributes[k].required])
def test_a_missing_attribute(name: str, key: str) -> None:
    """It is named, and the example that the fix gives is right."""
    args = {k: v for k, v in enough(name).items() if k != key}
    [problem] = problems_of(name, args)
    assert (problem.code, problem.message) == ("missing-argument", f"{name} needs {key}")
    assert problem.fix.startswith("add ")
    made(name, {**args, **yaml.safe_load(problem.fix.removeprefix("add "))})


WRONG: list[Any] = [None, {}, {"a": 1}, "", "some words", [], [[]], [[1, 2, 3]], [{}], [None, None], 1.5, True]


def meant(name: str, key: str, value: Any) -> bool:
    """Whether one of these is right for this attribute after all."""
    attribute = ops.find(name).attributes[key]
    kind = type(attribute).__name__
    if kind == "PerAxisOrKeep":
        return bool(value == [None, None])
    if kind == "Number":
        return isinstance(value, float)
    if kind == "Weights":
        return bool(value == [[1, 2, 3]])
    return value is True and (kind == "Flag" or True in getattr(attribute, "choices", ()))


@pytest.mark.parametrize(("name", "key"), attributes())
def test_a_value_of_the_wrong_type(name: str, key: str) -> None:
    """It is refused, with the place in the attribute, in words that name the attribute."""
    for value in WRONG:
        if meant(name, key, value):
            continue
        problems = problems_of(name, {**enough(name), key: value})
        assert [problem.key[0] for problem in problems] == [key], value
        assert key in problems[0].message or problems[0].code == "expression"


@pytest.mark.parametrize(
    ("name", "key"), [(n, k) for n, k in attributes() if ops.find(n).attributes[k].minimum is not None]
)
def test_a_value_below_the_least(name: str, key: str) -> None:
    minimum = ops.find(name).attributes[key].minimum
    assert minimum is not None
    value: Any = minimum - 1
    if type(ops.find(name).attributes[key]).__name__ == "Integers":
        value = [value]
    problem = problems_of(name, {**enough(name), key: value})[0]
    assert (problem.code, problem.key[0]) == ("out-of-range", key)
    assert str(minimum) in problem.message


@pytest.mark.parametrize(("name", "key"), attributes())
def test_an_expression_for_a_number(name: str, key: str) -> None:
    """Numbers may be written as expressions; words may not."""
    attribute = ops.find(name).attributes[key]
    if type(attribute).__name__ in ("Word", "Flag", "Weights"):
        return
    alone, listed = (type(attribute).__name__ != "Integers"), isinstance(attribute, Integers)
    assert not alone or attribute.read("two", literal) == ((2,) if listed else 2)
    assert not listed or attribute.read(["two"], literal) == (2,)


def test_every_mistake_is_told_at_once() -> None:
    problems = problems_of("conv", {"filters": 8, "kernel_size": "two", "stride": 0, "bias": "perhaps words", "pad": 1})
    assert [problem.key for problem in problems] == [("filters",), ("stride",), ("bias",), ("pad",)]


CONTRADICTIONS = [
    ("crop", {"size": 2, "margin": 1}),
    ("crop", {"margin": 1, "offset": 1}),
    ("upsample", {}),
    ("upsample", {"size": 2, "scale_factor": 2}),
    ("reshape", {"shape": [-1, -1]}),
    ("reshape", {"shape": [2, 0]}),
    ("split", {}),
    ("split", {"sections": [1], "chunks": 1}),
    ("dropout", {"p": 1.5}),
    ("max_pool", {"kernel_size": 2, "padding": "same"}),
    ("avg_pool", {"kernel_size": 2, "padding": "full"}),
    ("lp_pool", {"kernel_size": 2, "padding": "full", "norm_type": 2}),
    ("lp_pool", {"kernel_size": 2, "norm_type": 0}),
    ("lp_pool", {"kernel_size": 2, "norm_type": float("inf")}),
    ("log_sum_exp_pool", {"kernel_size": 2, "sharpness": 0}),
    ("log_sum_exp_pool", {"kernel_size": 2, "sharpness": -1.5}),
    ("conv", {"out_channels": 1, "kernel_size": 2, "padding": "same_upper", "padding_mode": "reflect"}),
    ("filter", {"kernel": "box", "padding": "same_lower", "padding_mode": "circular"}),
    ("filter", {"kernel": "sobel_x", "kernel_size": 5}),
    ("filter", {"kernel": [1, 2], "kernel_size": 2}),
    ("filter", {"kernel": [[1, 2], [3]]}),
    ("filter", {"kernel": [[1, 2], 3]}),
    ("filter", {"kernel": [1, "1/0"]}),
    ("filter", {"kernel": "sobelx"}),
    ("filter", {"kernel": "box", "divisor": 0}),
    ("pad", {"padding": 1, "mode": "reflect", "value": 1.5}),
    ("upsample", {"scale_factor": 2, "align_corners": True}),
]


@pytest.mark.parametrize(("name", "args"), CONTRADICTIONS)
def test_attributes_that_contradict_each_other(name: str, args: dict[str, Any]) -> None:
    [problem] = problems_of(name, args)
    assert problem.fix
    assert not problem.key or problem.key[0] in args


WRONG_OPERANDS = [
    ("crop", {}, [(2, 5)]),
    ("crop", {"size": 3}, [(2, 5), (2, 3)]),
    ("crop", {"margin": 1}, [(2, 5), (2, 3)]),
    ("crop", {}, [(2, 5), (2, 3, 3)]),
    ("add", {}, [(2, 5), (2,)]),
    ("concat", {}, [(2, 5), (2,)]),
    ("concat", {"dim": 0}, [(2, 5), (2, 5)]),
    ("concat", {"dim": 3}, [(2, 5), (2, 5)]),
    ("matmul", {}, [(5,), (5,)]),
    ("matmul", {}, [(2, 5), (5,)]),
    ("mean", {"dim": [2, -1]}, [(2, 5)]),
    ("mean", {"dim": [1, 2]}, [(2, 5)]),
    ("mean", {"dim": 0}, [(2, 5)]),
    ("permute", {"dims": [0, 1]}, [(2, 5)]),
    ("permute", {"dims": [1, 0, 2]}, [(2, 5)]),
    ("softmax", {"dim": 3}, [(2, 5)]),
    ("flatten", {"start_dim": 2, "end_dim": 1}, [(2, 5)]),
    ("conv", {"out_channels": 1, "kernel_size": [2, 2]}, [(2, 5)]),
    ("conv_transpose", {"out_channels": 1, "kernel_size": 2, "output_padding": [0, 0]}, [(2, 5)]),
    ("upsample", {"scale_factor": 2, "mode": "bilinear"}, [(2, 5)]),
    ("upsample", {"scale_factor": 2, "mode": "trilinear"}, [(2, 5, 5)]),
    ("layer_norm", {"normalized_shape": [2, 5, 5]}, [(2, 5)]),
    ("filter", {"kernel": "sobel_x"}, [(2, 5)]),
    ("filter", {"kernel": [1, 2]}, [(2, 5, 5)]),
    ("tiled_conv", {"out_channels": 1, "kernel_size": 2, "tiles": [2, 2]}, [(2, 5)]),
    ("max_unpool", {"kernel_size": 2}, [(2, 5), (2, 5, 5)]),
    ("max_unpool", {"kernel_size": 2, "output_size": 10}, [(2, 5), (2, 5), (2, 10)]),
]


@pytest.mark.parametrize(("name", "args", "shapes"), WRONG_OPERANDS)
def test_operands_of_the_wrong_rank(name: str, args: dict[str, Any], shapes: list[Shape]) -> None:
    with pytest.raises(Problem) as caught:
        made(name, args).infer(*shapes)
    assert caught.value.fix


# Fixes.


def fixes(fix: str, args: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The arguments after each of the ways out that a fix names."""
    if match := re.search(r"set (\w+) to (.*)", fix):
        for groups in match[2].split(" or "):
            yield {**args, match[1]: int(groups)}
        return
    found = re.findall(r"(\w+): (\[.*?\](?!\])|-?\d+|[a-z_]+)", fix)
    if " and " in fix and len(found) > 1:
        yield {**args, **{key: yaml.safe_load(value) for key, value in found}}
        return
    for key, value in found:
        changed = {**args, key: yaml.safe_load(value)}
        if "leave offset out" in fix:
            del changed["offset"]
        if f"or {key}: {value} instead" in fix:
            changed = {key: changed[key]}
        yield changed
        if "leave it out" in fix:
            yield {k: v for k, v in args.items() if k != key}
    if fix == "leave start and end out":
        yield {k: v for k, v in args.items() if k not in ("start", "end")}


def failing_cases() -> Iterator[tuple[str, dict[str, Any], tuple[Shape, ...]]]:
    yield from windowed_cases(4, 500)
    draw = draws_from(5)
    for name, groups, channels, filters in product(("conv", "conv_transpose"), range(1, 7), range(1, 13), range(1, 13)):
        yield name, {"out_channels": filters, "kernel_size": 1, "groups": groups}, ((channels, 3),)
    for n in range(1, 13):
        yield "conv", {"out_channels": 1, "kernel_size": 3, "stride": [1, 2], "padding": "same"}, ((1, n, n),)
        yield "conv", {"out_channels": 1, "kernel_size": 1, "in_channels": 5}, ((n, n),)
        yield "conv_transpose", {"out_channels": 1, "kernel_size": 1, "in_channels": 5}, ((n, n),)
        yield "linear", {"out_features": 1, "in_features": 5}, ((n,),)
        yield "batch_norm", {"num_features": 5}, ((n, 2),)
        yield "prelu", {"num_parameters": 5}, ((n, 2),)
        yield "instance_norm", {"num_features": 5}, ((n, 2),)
        yield "group_norm", {"num_groups": 1, "num_channels": 5}, ((n, 2),)
        yield "layer_norm", {"normalized_shape": [5, n]}, ((2, n, 4),)
        yield "local_conv", {"out_channels": 1, "kernel_size": 1, "in_channels": 5}, ((n, n),)
        for parts in range(1, 7):
            yield "group_norm", {"num_groups": parts}, ((n, 2),)
            yield "channel_shuffle", {"groups": parts}, ((n, 2),)
            yield "pixel_shuffle", {"upscale_factor": parts}, ((n, 2, 3),)
            yield "pixel_unshuffle", {"downscale_factor": parts}, ((1, n, 2 * n),)
        for cut in ([[-1, 2]], [[3, -2]], [-1]):
            yield "pad", {"padding": cut, "mode": "replicate"}, ((2, n),)
        yield "max_unpool", {"kernel_size": 2, "output_size": n}, ((2, 3), (2, 3))
        for chunks in range(1, 7):
            yield "split", {"chunks": chunks, "dim": 2}, ((2, n),)
        for sections in ([1, 2], [3, 3, 4], [n], [12]):
            yield "split", {"sections": sections}, ((n,),)
        for start, end, step in product((-13, -2, 0, 3, 12, 15), (-14, -1, 0, 2, 14), (1, 2)):
            yield "slice", {"dim": 1, "start": start, "end": end, "step": step}, ((n,),)
        for shape in ([5, -1], [3, 4], [2, 2, 2], [7], [n, 2]):
            yield "reshape", {"shape": shape}, ((n, 3),)
    for _ in range(400):
        sizes, goals = ([draw.randint(1, 7) for _ in range(2)] for _ in range(2))
        yield "crop", {"size": goals}, ((1, *sizes),)
        yield "crop", {"size": goals, "offset": per_axis(draw, 2, 0, 4)}, ((1, *sizes),)
        yield "crop", {"margin": [[draw.randint(0, 4), draw.randint(0, 4)], draw.randint(0, 4)]}, ((1, *sizes),)


def test_fixes_work() -> None:
    """Whatever a fix says, its demand holds afterwards."""
    applied: dict[str, int] = {}
    for name, args, inputs in failing_cases():
        op = made(name, args)
        for demand in op.infer(*inputs).demands:
            if demand.holds():
                continue
            fix = op.mend(demand, *inputs)
            assert "{" not in demand.sentence(), demand.sentence()
            if "third" in fix:
                continue
            if len(inputs) == 2:
                check_operand_fix(name, args, inputs, fix, demand.code)
                continue
            ways = list(fixes(fix, args))
            assert ways, (name, args, inputs, demand.sentence(), fix)
            for changed in ways:
                left = [d.code for d in made(name, changed).infer(*inputs).demands if not d.holds()]
                assert demand.code not in left, (name, args, inputs, fix, changed)
            applied[demand.code] = applied.get(demand.code, 0) + 1
    assert len(applied) >= 15, applied
    assert min(applied.values()) >= 10, applied


def check_operand_fix(name: str, args: dict[str, Any], inputs: tuple[Shape, ...], fix: str, code: str) -> None:
    """Fixes that change an operand instead."""
    if fix == "swap the two operands in from":
        inputs = (inputs[1], inputs[0])
    elif match := re.fullmatch(r"put pad: (\{.*\}) in front of it", fix):
        padded = made("pad", yaml.safe_load(match[1]))
        inputs = (padded.infer(inputs[0]).shapes[0], inputs[1])
    else:
        args = next(fixes(fix, args))
    assert not refused(made(name, args), inputs), (name, args, inputs, fix, code)


def test_a_fix_that_does_not_work_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops.find("pad"), "mend", lambda self, demand, *inputs: "write padding: -4")
    with pytest.raises(AssertionError, match="padding: -4"):
        test_fixes_work()


# Names.


def test_foreign_names_of_ops_are_unambiguous() -> None:
    """Each leads to one op; none of them is an op."""
    folded = ops._folded
    owners: dict[str, str] = {folded(name): name for name in NAMES}
    assert len(owners) == len(NAMES)
    for name in NAMES:
        for foreign in ops.find(name).also:
            owner = owners.setdefault(folded(foreign), name)
            assert owner == name, f"{foreign} is {owner} and {name}"
            assert foreign not in NAMES
            with pytest.raises(Problem) as caught:
                ops.find(foreign)
            assert caught.value.fix == f"did you mean '{name}'?"


KERAS = {
    "Conv2D": "conv", "Conv2DTranspose": "conv_transpose", "Dense": "linear", "MaxPooling2D": "max_pool",
    "AveragePooling2D": "avg_pool", "GlobalAveragePooling2D": "global_avg_pool",
    "GlobalMaxPooling1D": "global_max_pool",
    "BatchNormalization": "batch_norm", "ZeroPadding2D": "pad", "Cropping2D": "crop", "UpSampling2D": "upsample",
    "Multiply": "mul", "Subtract": "sub", "Concatenate": "concat", "PReLU": "prelu", "Permute": "permute",
    "InnerProduct": "linear", "Eltwise": "add", "LRN": "local_response_norm", "Deconvolution": "conv_transpose",
    "ReduceMean": "mean", "MatMul": "matmul", "Gemm": "linear", "AdaptiveAvgPool2d": "adaptive_avg_pool",
    "nn.Conv2d": "conv", "torch.nn.Conv2d": "conv", "torch.cat": "concat", "F.relu": "relu",
    "LeakyRelu": "leaky_relu", "HardSwish": "hardswish", "swish": "silu", "chunk": "split",
}  # fmt: skip


@pytest.mark.parametrize(("foreign", "ours"), KERAS.items())
def test_ops_by_the_names_of_other_frameworks(foreign: str, ours: str) -> None:
    with pytest.raises(Problem) as caught:
        ops.find(foreign)
    assert caught.value.fix == f"did you mean '{ours}'?"


def test_every_input_attribute_is_told_once() -> None:
    """An op is known by what it was given, and by nothing that was worked out later."""
    op = made("conv", {"out_channels": 2, "kernel_size": 3})
    before = repr(op)
    op.infer((3, 8))
    op.infer((3, 8, 8))
    assert repr(op) == before == "conv(out_channels=2, kernel_size=3)"
