"""A bilinear layer as sums of products, forward and backward: every term by its own indices."""

from __future__ import annotations

from itertools import islice, product
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Misuse
from convcalc.ops._border import source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from convcalc.dims import Shape
    from convcalc.explain.layer import Explanation

MOST = 2000
"""Terms that are written out: nobody reads more."""

Index = tuple[int, ...]
Factor = tuple[str, Index]
"""A letter and its index."""


class Term(NamedTuple):
    """``y[output] += weight[weight] * x[input]``."""

    output: Index
    weight: Index
    input: Index


class Sum(NamedTuple):
    """One value, and the products that it is the sum of."""

    of: Factor
    products: list[tuple[Factor, ...]]


def sums(told: Explanation) -> Iterator[tuple[str, list[Sum]]]:
    """The result and the gradients by input, weight and bias, each a list of sums under its name.

    The gradients are those of any loss with ``dy`` at the result: a term ``y += w x`` gives ``dx += dy w`` and
    ``dw += dy x``, a bias ``y += b`` gives ``db += dy``; a weight that is not learnt has none. Raises Misuse for an op
    that is no sum of such terms, and for one with too many.
    """
    op, x, y = told.op, told.operands[0], told.outputs[0]
    if op.name not in _TERMS:
        raise Misuse(f"{told.name} is {op.name}: sums are written out for {', '.join(_TERMS)}")
    terms = list(islice(_TERMS[op.name](op, x, y), MOST + 1))
    if len(terms) > MOST:
        raise Misuse(f"{told.name} has more than {MOST:,} terms: take a smaller input, with --set or --input")
    single = len(x) > 1 and x[0] == y[0] == 1 and op.name != "linear"
    if single:
        # Of single channels the places alone tell the values apart.
        terms = [Term(t.output[1:], _channels_left_out(t.weight, len(x) - 1), t.input[1:]) for t in terms]
    learnt, shown = op.parameters(x), {}
    if "bias" in learnt:
        biases = {index: _bias(op, index) for index in product(*map(range, y))}
        shown = {index[1:]: bias[1:] for index, bias in biases.items()} if single else biases
    yield (
        "y",
        _collected(
            "y",
            [(t.output, (("w", t.weight), ("x", t.input))) for t in terms]
            + [(index, (("b", bias),)) for index, bias in shown.items()],
        ),
    )
    yield "dx", _collected("dx", [(t.input, (("dy", t.output), ("w", t.weight))) for t in terms])
    if "weight" in learnt:
        yield "dw", _collected("dw", [(t.weight, (("dy", t.output), ("x", t.input))) for t in terms])
    if shown:
        yield "db", _collected("db", [(bias, (("dy", index),)) for index, bias in shown.items()])


def _collected(name: str, found: Iterable[tuple[Index, tuple[Factor, ...]]]) -> list[Sum]:
    """The terms by the value that they add to, the values in order."""
    together: dict[Index, list[tuple[Factor, ...]]] = {}
    for index, factors in found:
        together.setdefault(index, []).append(factors)
    return [Sum((name, index), together[index]) for index in sorted(together)]


def _read(op: Any, x: Shape, y: Shape) -> Iterator[tuple[Index, Index, Index]]:
    """Each place of the result, a tap of the kernel, and where it reads; zeros in the padding add nothing."""
    axes = [w.taps(n) for w, n in zip(op.windows(len(x) - 1), x[1:], strict=True)]
    for o in product(*map(range, y[1:])):
        for j in product(*(range(axis.windows[0][2]) for axis in axes)):
            i = tuple(
                at * axis.advance + axis.windows[0][0] + axis.windows[0][1] * tap
                for at, axis, tap in zip(o, axes, j, strict=True)
            )
            if op.padding_mode != "zeros":
                i = tuple(source(at, n, op.padding_mode) for at, n in zip(i, x[1:], strict=True))
            if _inside(i, x[1:]):
                turned = tuple(axis.windows[0][2] - 1 - tap for axis, tap in zip(axes, j, strict=True))
                yield o, turned if op.flip else j, i


def _conv(op: Any, x: Shape, y: Shape) -> Iterator[Term]:
    """Each output by its own kernel, out of as many as there are."""
    for o, j, i in _read(op, x, y):
        for out, own, into in _channels(op.groups if op.name == "conv" else 1, y[0], x[0]):
            yield Term((out, *o), (out, *_kernel(op, o), own, *j), (into, *i))


def _kernel(op: Any, place: Index) -> Index:
    """Which kernel a place of the result has: the only one, its own, or the one whose turn it is."""
    if op.name == "local_conv":
        return place
    if op.name == "tiled_conv":
        return tuple(at % tiles for at, tiles in zip(place, op.per_axis("tiles", len(place)), strict=True))
    return ()


def _bias(op: Any, output: Index) -> Index:
    return output[-1:] if op.name == "linear" else (output[0], *_kernel(op, output[1:]))


def _filter(op: Any, x: Shape, y: Shape) -> Iterator[Term]:
    """All channels by the same kernel."""
    for o, j, i in _read(op, x, y):
        for channel in range(x[0]):
            yield Term((channel, *o), j, (channel, *i))


def _conv_transpose(op: Any, x: Shape, y: Shape) -> Iterator[Term]:
    """Input ``i`` adds to output ``i * stride - before + dilation * j`` with tap ``j``."""
    windows = op.windows(len(x) - 1)
    for i in product(*map(range, x[1:])):
        for j in product(*(range(w.kernel) for w in windows)):
            o = tuple(at * w.stride - w.before + w.dilation * tap for at, w, tap in zip(i, windows, j, strict=True))
            if _inside(o, y[1:]):
                for into, own, out in _channels(op.groups, x[0], y[0]):
                    yield Term((out, *o), (into, own, *j), (into, *i))


def _linear(op: Any, x: Shape, y: Shape) -> Iterator[Term]:
    for place in product(*map(range, x[:-1])):
        for out, into in product(range(y[-1]), range(x[-1])):
            yield Term((*place, out), (out, into), (*place, into))


_TERMS = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "filter": _filter,
    "linear": _linear,
    "local_conv": _conv,
    "tiled_conv": _conv,
}


def _inside(place: Index, sizes: Sequence[int]) -> bool:
    return all(0 <= at < n for at, n in zip(place, sizes, strict=True))


def _channels_left_out(weight: Index, rank: int) -> Index:
    """The index of a weight without its two channels, if it has them: in front, and before the tap."""
    tap = len(weight) - rank
    return weight[1 : tap - 1] + weight[tap:] if tap else weight


def _channels(groups: int, many: int, others: int) -> Iterator[Index]:
    """For each of ``many`` channels those of its group among ``others``: both, and the place in the group between."""
    for channel in range(many):
        first = channel * groups // many * (others // groups)
        for own in range(others // groups):
            yield channel, own, first + own
