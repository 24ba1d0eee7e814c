"""Multiply-adds, counted by the numbers themselves.

The textbook definitions are run on numbers that count what is done to them. They must have done exactly as many
multiplications and additions as ``Op.cost`` predicts and as the kernels say that they performed, taps on padding
included. None of the three knows of the others.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from test_ops_rules import as_pair, in_specs, made, positions, refused, spread, windowed_cases

from convcalc import kernels, ops
from convcalc.kernels import correlation
from convcalc.kernels._tally import tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convcalc.ops._op import Op

Array = Any
Shapes = tuple[tuple[int, ...], ...]
ALGORITHMS = ("direct", "im2col")


class Number:
    """A number that counts the multiplications and additions it takes part in."""

    multiplications = 0
    additions = 0

    def __init__(self, value: float) -> None:
        self.value = value

    def __mul__(self, other: Number) -> Number:
        Number.multiplications += 1
        return Number(self.value * other.value)

    def __add__(self, other: Number) -> Number:
        Number.additions += 1
        return Number(self.value + other.value)

    def __radd__(self, other: float) -> Number:
        """A sum that starts from a plain 0."""
        Number.additions += 1
        return Number(other + self.value)


def counted(run: Callable[[], Any]) -> tuple[Any, int, int]:
    """The result, and how many multiplications and additions it took."""
    Number.multiplications = Number.additions = 0
    result = run()
    return result, Number.multiplications, Number.additions


def numbers(array: Array) -> Array:
    """The array with a counting number for each value."""
    return np.frompyfunc(Number, 1, 1)(array)


def values(array: Array) -> Array:
    return np.frompyfunc(lambda number: number.value, 1, 1)(array).astype(float)


# The definitions: every sum starts from 0, padding is made of zeros that are multiplied like any number.


def conv(x: Array, args: dict[str, Any], weight: Array) -> Array:
    """Dumoulin & Visin 2016, section 2; ``x`` is one sample."""
    rank = x.ndim - 1
    each = len(weight) // args.get("groups", 1)
    return slid(x, args, len(weight), lambda o, p, i, j: (o // each * weight.shape[1] + i, weight[(o, i, *j)]),
                (weight.shape[1], *weight.shape[-rank:]))  # fmt: skip


def unshared(x: Array, args: dict[str, Any], weight: Array) -> Array:
    """Goodfellow et al. 2016, equations 9.9 and 9.10."""
    rank = x.ndim - 1
    cycle = weight.shape[1 : 1 + rank]
    return slid(
        x, args, len(weight),
        lambda o, p, i, j: (i, weight[(o, *(q % t for q, t in zip(p, cycle, strict=True)), i, *j)]),
        weight.shape[1 + rank :],
    )  # fmt: skip


def filtered(x: Array, args: dict[str, Any]) -> Array:
    """Each channel by itself, with numbers that are not learnt."""
    from test_kernels import filter_numbers

    size = spread(args.get("kernel_size", 3), x.ndim - 1)
    weight = numbers(np.asarray(filter_numbers(args["kernel"], size), float) / args.get("divisor", 1))
    return slid(x, args, len(x), lambda o, p, i, j: (o, weight[tuple(j)]), (1, *weight.shape))


def slid(x: Array, args: dict[str, Any], outputs: int, factor: Callable[..., Any], kernel: tuple[int, ...]) -> Array:
    """Sums over channels and taps, of the channel and the weight that ``factor`` names."""
    lines = positions("conv", {"padding": 0, "stride": 1, **args, "kernel_size": kernel[1:]}, (x.shape,))
    y = np.empty((outputs, *map(len, lines)), object)
    for o, *p in np.ndindex(*y.shape):
        y[(o, *p)] = Number(0)
        for i, *j in np.ndindex(*kernel):
            place = [line[q][k] for line, q, k in zip(lines, p, j, strict=True)]
            inside = all(0 <= at < n for at, n in zip(place, x.shape[1:], strict=True))
            turned = [k - 1 - t for t, k in zip(j, kernel[1:], strict=True)] if args.get("flip") else j
            channel, weight = factor(o, p, i, turned)
            y[(o, *p)] += (x[(channel, *place)] if inside else Number(0)) * weight
    return y


def conv_transpose(x: Array, args: dict[str, Any], weight: Array) -> Array:
    """Dumoulin & Visin 2016, section 4: every input adds its kernel, and the rim is cut off at last."""
    channels, each, *kernel = weight.shape
    rank, groups = len(kernel), args.get("groups", 1)
    strides, dilations = spread(args.get("stride", 1), rank), spread(args.get("dilation", 1), rank)
    pads = [as_pair(p) for p in spread(args.get("padding", 0), rank)]
    more = spread(args.get("output_padding", 0), rank)
    ends = [
        (n - 1) * s + (k - 1) * d + 1 + m
        for n, s, k, d, m in zip(x.shape[1:], strides, kernel, dilations, more, strict=True)
    ]
    canvas = numbers(np.zeros((each * groups, *ends)))
    for i, *p in np.ndindex(*x.shape):
        for o, *j in np.ndindex(each, *kernel):
            place = (q * s + k * d for q, s, k, d in zip(p, strides, j, dilations, strict=True))
            canvas[(i // (channels // groups) * each + o, *place)] += x[(i, *p)] * weight[(i, o, *j)]
    return canvas[(slice(None), *(slice(a, end - b) for end, (a, b) in zip(ends, pads, strict=True)))]


def linear(x: Array, args: dict[str, Any], weight: Array) -> Array:
    """torch.nn.Linear, for each vector on the last axis."""
    y = np.empty((*x.shape[:-1], len(weight)), object)
    for p in np.ndindex(*y.shape):
        y[p] = Number(0)
        for k in range(x.shape[-1]):
            y[p] += x[(*p[:-1], k)] * weight[p[-1], k]
    return y


def matmul(a: Array, b: Array) -> Array:
    """torch.matmul."""
    y = np.empty((*a.shape[:-1], b.shape[-1]), object)
    for *p, n, m in np.ndindex(*y.shape):
        y[(*p, n, m)] = Number(0)
        for k in range(a.shape[-1]):
            y[(*p, n, m)] += a[(*p, n, k)] * b[(*p, k, m)]
    return y


DEFINITIONS: dict[str, Callable[..., Array]] = {
    "conv": conv,
    "conv_transpose": conv_transpose,
    "linear": linear,
    "matmul": matmul,
    "local_conv": unshared,
    "tiled_conv": unshared,
    "filter": filtered,
}


def uses() -> Iterator[tuple[Op, Shapes]]:
    """Ops with MACs in their own specs and on a grid, in 1-D to 4-D, as far as they are small."""
    found = [use for name in DEFINITIONS for use in in_specs(name)]
    for name, args, shapes in windowed_cases(21, 100):
        if name in DEFINITIONS:
            found.append((made(name, args), shapes))
    for name, rank, groups in product(("conv", "conv_transpose"), (1, 2, 3, 4), (1, 2, 4)):
        args = {"out_channels": 4, "kernel_size": 2, "groups": groups, "stride": 2, "padding": 1, "bias": False}
        found.append((made(name, args), ((4, *(4, 3, 2, 3)[:rank]),)))
    for op, shapes in found:
        if not refused(op, shapes) and op.cost(shapes, op.infer(*shapes).shapes).macs <= 10_000:
            yield op, shapes


def check(op: Op, shapes: Shapes) -> None:
    """Predicted, performed by the kernels, and counted by the numbers: three times the same."""
    outputs = op.infer(*shapes).shapes
    predicted = op.cost(shapes, outputs).macs
    gradients = op.gradients(shapes, outputs, (True,) * len(shapes))
    rng = np.random.default_rng(predicted)
    operands = [rng.standard_normal((2, *shape)) for shape in shapes]
    draw = kernels.initial(op.name)
    parameters = draw(rng, operands[0].shape, **op.given, dtype=float) if draw else {}

    weight = [numbers(parameters["weight"])] if parameters else []
    sample = [numbers(x[0]) for x in operands]
    run = DEFINITIONS[op.name]
    given = [op.given] if op.name != "matmul" else []
    y, multiplications, additions = counted(lambda: run(*sample, *given, *weight))
    assert multiplications == additions == predicted, (op, shapes)

    for algorithm in ALGORITHMS if op.name in ("conv", "conv_transpose") else ("",):
        tally.reset()
        chosen = {"algorithm": algorithm} if algorithm else {}
        observed, vjp = kernels.find(op.name)(*operands, **{**op.given, **parameters, **chosen})
        assert tally.macs == 2 * predicted, (op, shapes)
        assert (tally.weight_macs, tally.input_macs) == (0, 0)
        vjp(np.ones_like(observed))
        assert tally.macs == 2 * predicted
        assert (tally.weight_macs, tally.input_macs) == tuple(2 * macs for macs in gradients)
        assert observed.shape[1:] == outputs[0]
        shift = parameters.get("bias", np.zeros(1))
        if op.name == "tiled_conv":
            places = np.ix_(*(np.arange(n) % t for n, t in zip(y.shape[1:], shift.shape[1:], strict=False)))
            shift = shift[(slice(None), *places)] if "bias" in parameters else shift
        elif op.name in ("conv", "conv_transpose"):
            shift = shift.reshape(-1, *(1,) * (y.ndim - 1))
        np.testing.assert_allclose(observed[0], values(y) + shift, atol=1e-10)


def test_three_counts_are_one() -> None:
    seen: dict[tuple[str, int], int] = {}
    for op, shapes in uses():
        check(op, shapes)
        key = op.name, len(shapes[0]) - 1
        seen[key] = seen.get(key, 0) + 1
    for name in ("conv", "conv_transpose", "local_conv", "tiled_conv", "filter"):
        assert all(seen.get((name, rank), 0) >= 5 for rank in (1, 2, 3, 4)), seen
    assert {name for name, _ in seen} == set(DEFINITIONS)


def test_nothing_else_has_multiply_accumulates() -> None:
    for name in set(ops.names()) - set(DEFINITIONS):
        for op, shapes in in_specs(name):
            assert op.cost(shapes, op.infer(*shapes).shapes).macs == 0
        assert "tally" not in kernels.find(name).__globals__


@pytest.mark.parametrize("name", ALGORITHMS)
def test_what_an_algorithm_says_it_performs(name: str) -> None:
    """The algorithm itself runs on counting numbers; here it multiplies once for each MAC."""
    core = correlation.find(name)
    for rank, groups in product((1, 2, 3, 4), (1, 2)):
        sizes, kernel = (5, 4, 3, 4)[:rank], (2, 3, 2, 1)[:rank]
        moved = (2, 1, 1, 2)[:rank], (1, 1, 1, 3)[:rank], groups
        x, w = numbers(np.ones((2, 4, *sizes))), numbers(np.ones((2, 4 // groups, *kernel)))
        y = check_performed(lambda x=x, w=w, m=moved: core.correlate(x, w, *m))
        dy = numbers(np.ones(y.shape))
        check_performed(lambda dy=dy, w=w, s=sizes, m=moved: core.input_adjoint(dy, w, s, *m))
        assert tally.multiplications == y.size * w[0].size
        check_performed(lambda x=x, dy=dy, k=kernel, m=moved: core.weight_adjoint(x, dy, k, *m))
        assert tally.multiplications == y.size * w[0].size


def check_performed(run: Callable[[], Array]) -> Array:
    """Run it; the tally says what the numbers saw."""
    tally.reset()
    result, multiplications, additions = counted(run)
    assert (tally.multiplications, tally.additions) == (multiplications, additions)
    return result


@pytest.mark.parametrize("name", ALGORITHMS)
def test_what_an_algorithm_performs_is_counted_both_ways(name: str) -> None:
    """Without an algorithm that saves anything, as many multiplications as MACs."""
    x = np.ones((2, 4, 7, 6))
    tally.reset()
    y, vjp = kernels.find("conv")(x, weight=np.ones((6, 2, 3, 2)), groups=2, padding=1, algorithm=name)
    assert tally.multiplications == tally.macs == y.size * 2 * 3 * 2
    vjp(y)
    assert tally.multiplications == tally.macs + tally.weight_macs + tally.input_macs


def test_the_first_layer_counts_no_input_gradient() -> None:
    x = np.ones((1, 2, 5))
    tally.reset()
    y, vjp = kernels.find("conv")(x, weight=np.ones((3, 2, 2)), wanted=(False,))
    vjp(y)
    assert (tally.weight_macs, tally.input_macs) == (3 * 4 * 2 * 2, 0)


# Planted errors.


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_wrong_prediction_is_caught(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    kind = ops.find(name)
    right = kind.cost
    monkeypatch.setattr(kind, "cost", lambda self, i, o: right(self, i, o)._replace(macs=right(self, i, o).macs + 1))
    with pytest.raises(AssertionError):
        test_three_counts_are_one()


def test_padding_taps_left_out_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A definition that skips them performs fewer than are predicted."""

    def skipping(x: Array, args: dict[str, Any], weight: Array) -> Array:
        y = conv(x, args, weight)
        Number.multiplications -= 1 if args.get("padding") else 0
        return y

    monkeypatch.setitem(DEFINITIONS, "conv", skipping)
    with pytest.raises(AssertionError):
        test_three_counts_are_one()


def test_a_kernel_that_forgets_groups_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from convcalc.kernels import conv as module

    class Forgetful:
        """A tally that counts too little."""

        weight_macs = input_macs = 0

        def __setattr__(self, key: str, value: int) -> None:
            setattr(tally, key, value // 2 if key == "macs" else value)

        def __getattr__(self, key: str) -> int:
            return getattr(tally, key)

    monkeypatch.setattr(module, "tally", Forgetful())
    with pytest.raises(AssertionError):
        test_three_counts_are_one()
