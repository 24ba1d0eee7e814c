"""Receptive fields: which input positions an output position depends on, by composing taps.

A field says, for each phase of the output index, the first and the last input position; positions before 0
lie in the padding. Sources: Araujo et al., Distill 2019; Dumoulin & Visin 2016.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, NamedTuple

from convcalc.dims import greatest, least
from convcalc.graph import Ref
from convcalc.ops._op import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction

    from convcalc.analysis.orders import Orders
    from convcalc.analysis.shapes import Applied
    from convcalc.dims import Shape
    from convcalc.graph import Graph
    from convcalc.ops._op import Taps

MAX_PHASES = 256
"""With more phases a field becomes the smallest interval that bounds all of them."""


class Field(NamedTuple):
    """On one axis: output ``q * period + r`` sees ``spans[r]`` moved by ``q * advance``.

    A span is None where an output sees nothing (a transposed convolution with gaps).
    """

    period: int
    advance: int
    spans: tuple[tuple[int, int] | None, ...]
    exact: bool = True

    @property
    def size(self) -> int:
        """Positions from the first to the last, in the phase that has most."""
        sizes = [(span[1] - span[0]) // 1 + 1 for span in self.spans if span]
        return greatest(*sizes) if sizes else 0

    @property
    def stride(self) -> int | Fraction:
        """Input positions between the fields of neighbouring outputs."""
        if self.advance % self.period == 0:
            return self.advance // self.period
        from fractions import Fraction

        return Fraction(self.advance, self.period)

    @property
    def start(self) -> int:
        """First position of output 0: minus the padding in front."""
        return next((int(span[0]) for span in self.spans if span), 0)


POINT = Field(1, 1, ((0, 0),))


class Support(NamedTuple):
    """What a node sees of one input: a field an axis; ``whole`` once a global op lies on the way.

    ``fields`` leave global ops out: they are those of the last map in front of one, which ``frozen`` says.
    """

    fields: tuple[Field, ...]
    whole: bool = False
    frozen: bool = False

    def within(self, orders: Orders, place: int) -> Support:
        """Only of the phases that the node's map has."""
        if self.frozen:
            return self
        for field in self.fields:
            if field.period > 1:
                shape = orders.shape(Ref(place))
                return self._replace(fields=tuple(map(_cut, self.fields, shape[1:])))
        return self


def _cut(field: Field, size: int) -> Field:
    """Only of the phases that an axis of this size has."""
    return field._replace(spans=field.spans[:size] + (None,) * (field.period - size))


def supports(graph: Graph, applied: list[Applied], orders: Orders) -> list[dict[int, Support]]:
    """For each node what it sees of each input, by the input's place in the graph.

    Intervals are enough, but where parts of a result go different ways: there the exact sets are carried along.
    """
    if any(node.op is not None and node.op.selects for node in graph.nodes):
        from convcalc.analysis.fields import Trace

        return Trace(graph, applied, orders, local=True).supports()
    seen: list[dict[int, Support]] = []
    for place, step in enumerate(applied):
        seen.append(support(graph, place, step.outputs, orders.taps(place), seen))
    return seen


def support(
    graph: Graph,
    place: int,
    outputs: tuple[Shape, ...],
    taps: tuple[tuple[Taps, ...] | None, ...],
    seen: Sequence[dict[int, Support]],
) -> dict[int, Support]:
    """What one node sees, given what those before it see."""
    node = graph.nodes[place]
    if node.op is None:
        return {place: Support((POINT,) * (len(outputs[0]) - 1))}
    if len(taps) == 1 and _pointwise(taps[0]):
        return seen[node.inputs[0].node]
    joined: dict[int, Support] = {}
    seam = has_seam(taps)
    for ref, read in zip(node.inputs, taps, strict=True):
        if read is None:
            continue
        for source, one in seen[ref.node].items():
            through = _through(one, read)
            if seam and not through.frozen:
                through = through._replace(fields=tuple(f._replace(exact=False) for f in through.fields))
            joined[source] = _join(joined[source], through) if source in joined else through
    return joined


def has_seam(taps: Iterable[tuple[Taps, ...] | None]) -> bool:
    """Whether operands lie one behind the other on a spatial axis: only outputs at the seam see several of them."""
    told = [axes for axes in taps if axes is not None]
    return len(told) > 1 and any(axis.advance and axis != IDENTITY for axes in told for axis in axes)


def _pointwise(taps: tuple[Taps, ...] | None) -> bool:
    return taps is not None and taps.count(IDENTITY) == len(taps)


def _through(support: Support, taps: tuple[Taps, ...]) -> Support:
    fields = support.fields
    if support.frozen or _pointwise(taps):
        return support
    if len(taps) != len(fields) or any(axis.advance == 0 for axis in taps):
        return Support(fields, True, True)
    if fields.count(fields[0]) == taps.count(taps[0]) == len(taps):
        return Support((compose(fields[0], taps[0]),) * len(taps), support.whole)
    return Support(tuple(map(compose, fields, taps)), support.whole)


def compose(field: Field, taps: Taps) -> Field:
    """The field of an op with these taps on an operand with this field."""
    period, advance, spans, exact = field
    if period == 1 and taps.period == 1:
        start, step, count = taps.windows[0]
        span = spans[0]
        if span is None:
            return field
        first, last = start * advance, (start + step * (count - 1)) * advance
        return Field(1, advance * taps.advance, ((span[0] + first, span[1] + last),), exact)
    repeats = period // gcd(taps.advance, period)
    if taps.period * repeats > MAX_PHASES:
        return compose(_bounded(field), taps) if period > 1 else _bounded_taps(field, taps)
    found = []
    for phase in range(taps.period * repeats):
        turn, window = divmod(phase, taps.period)
        start, step, count = taps.windows[window]
        ends = [*range(min(count, period)), *range(max(count - period, 0), count)]
        found.append(_hull(_moved(field, turn * taps.advance + start + step * j) for j in ends))
    return Field(taps.period * repeats, taps.advance * repeats // period * advance, tuple(found), exact)


def _moved(field: Field, position: int) -> tuple[int, int] | None:
    turn, phase = divmod(position, field.period)
    span = field.spans[phase]
    return span and (span[0] + turn * field.advance, span[1] + turn * field.advance)


def _hull(spans: object) -> tuple[int, int] | None:
    known = [span for span in spans if span]  # type: ignore[attr-defined]
    return (least(*[low for low, _ in known]), greatest(*[high for _, high in known])) if known else None


def _bounded(field: Field) -> Field:
    """One interval that bounds every phase, moving by a fraction of a position with each output."""
    from fractions import Fraction

    stride = Fraction(field.advance, field.period)
    spans = [(span[0] - r * stride, span[1] - r * stride) for r, span in enumerate(field.spans) if span]
    return Field(1, stride, (_hull(spans),), False)  # type: ignore[arg-type]  # a fraction counts positions here


def _bounded_taps(field: Field, taps: Taps) -> Field:
    """The same where it is the taps that have too many phases."""
    reach = Field(
        taps.period, taps.advance, tuple((s, s + step * (n - 1)) if n else None for s, step, n in taps.windows)
    )
    ((low, high),) = (span or (0, 0) for span in _bounded(reach).spans)
    span = field.spans[0] or (0, 0)
    stride = _bounded(reach).advance * field.advance
    return Field(1, stride, ((span[0] + low * field.advance, span[1] + high * field.advance),), False)


def _join(one: Support, other: Support) -> Support:
    whole = one.whole or other.whole
    if one.frozen != other.frozen:
        return Support((other if one.frozen else one).fields, whole)
    if len(one.fields) != len(other.fields):
        return Support(one.fields, True, True)
    return Support(tuple(map(join, one.fields, other.fields)), whole, one.frozen)


def join(one: Field, other: Field) -> Field:
    """The smallest field that holds both; of paths with different strides, the larger at output 0."""
    if one == other:
        return one
    if one.advance * other.period != other.advance * one.period:
        larger = max(one, other, key=lambda field: field.size)
        return larger._replace(exact=False)
    period = one.period * other.period // gcd(one.period, other.period)
    found = tuple(_hull((_moved(one, r), _moved(other, r))) for r in range(period))
    return Field(period, one.advance * (period // one.period), found, one.exact and other.exact)
