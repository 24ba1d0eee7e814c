"""Joins whose branches look at different places of the input: other strides, or fields centred elsewhere."""

from __future__ import annotations

from fractions import Fraction
from heapq import heapify, heappop, heappush
from math import lcm
from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis.orders import Orders
from convcalc.analysis.receptive import supports
from convcalc.analysis.shapes import inferred
from convcalc.ops._op import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convcalc.analysis.receptive import Field
    from convcalc.analysis.shapes import Applied
    from convcalc.graph import Graph, Ref

FEW = 4
"""Layers of a path that are named one by one."""


class Branch(NamedTuple):
    """A path to a join from where it forked off (an input, or the layer ``since``): its layers, and its field there."""

    since: str
    layers: tuple[str, ...]
    field: Field

    def told(self) -> str:
        """The path; of a long one its ends, and how many layers lie between."""
        first, *between = self.layers or ("",)
        layers = self.layers if len(between) < FEW else (first, f"{len(between) - 1} more", between[-1])
        return " > ".join((self.since, *layers))


class Misaligned(NamedTuple):
    """Two branches of a join that meet out of step on one spatial axis of an input.

    ``offset`` is how far the second branch's fields are centred behind the first's, in input positions, on average
    over the phases; None where their strides differ and it grows with every output.
    """

    place: int
    name: str
    op: str
    input: str
    axis: int
    first: Branch
    second: Branch
    offset: Fraction | None

    @property
    def what(self) -> str:
        """What is wrong there."""
        if self.offset is None:
            strides = f"{self.first.field.stride} and {self.second.field.stride}"
            apart = f"move by {strides} positions of '{self.input}' with each output"
        else:
            far = abs(self.offset)
            apart = f"look at places of '{self.input}' that are {far} position{'s' * (far > 1)} apart"
        return f"its branches {self.first.told()} and {self.second.told()} {apart}"

    def told(self, *others: int) -> str:
        """The finding as a sentence, where it holds on other axes too."""
        axes = " and ".join(map(str, (self.axis, *others)))
        return f"{self.name}: on {'axes' if others else 'axis'} {axes} {self.what}"


def misaligned(graph: Graph, steps: list[Applied] | None = None) -> list[Misaligned]:
    """Every join that adds or concatenates what lies at different places of an input; global ops are left out.

    Each further operand is held against the first. ``steps`` are what ``infer`` made of the graph, where that is known.
    Raises SpecError where the shapes do not fit.
    """
    steps = inferred(graph) if steps is None else steps
    found: list[Misaligned] = []
    orders = Orders(graph, steps)
    seen = supports(graph, steps, orders)
    for place, node in enumerate(graph.nodes):
        told = [(ref, axes) for ref, axes in zip(node.inputs, orders.taps(place), strict=True) if axes]
        if len(told) < 2 or any(t != IDENTITY for _, axes in told for t in axes):
            continue
        (first, _), *others = told
        for name, source in graph.inputs.items():
            one = seen[first.node].get(source.node)
            for other, _ in others:
                two = seen[other.node].get(source.node)
                if one is None or two is None or one.frozen or two.frozen:
                    continue
                apart = list(offsets(one.fields, two.fields))
                ways = _branches(graph, first, other) if apart else []
                for axis, offset in apart:
                    a, b = (Branch(*way, s.fields[axis]) for way, s in zip(ways, (one, two), strict=True))
                    found.append(Misaligned(place, node.name, node.kind, name, axis, a, b, offset))
    return found


def offsets(one: Sequence[Field], two: Sequence[Field]) -> Iterator[tuple[int, Fraction | None]]:
    """The axes on which fields are out of step, and how far the second is behind; None where strides differ."""
    for axis, (a, b) in enumerate(zip(one, two, strict=True)):
        if a.advance * b.period != b.advance * a.period:
            yield axis, None
        elif a.exact and b.exact:
            offset = _offset(a, b)
            if offset:
                yield axis, offset


def _offset(a: Field, b: Field) -> Fraction:
    """The mean distance of the centres, over the outputs that see something both ways."""
    twice = []
    for output in range(lcm(a.period, b.period)):
        ends = []
        for field in (a, b):
            turn, phase = divmod(output, field.period)
            span = field.spans[phase]
            if span:
                ends.append(span[0] + span[1] + 2 * turn * field.advance)
        if len(ends) == 2:
            twice.append(ends[1] - ends[0])
    return Fraction(sum(twice), 2 * len(twice)) if twice else Fraction(0)


def _branches(graph: Graph, one: Ref, other: Ref) -> list[tuple[str, tuple[str, ...]]]:
    """Where two operands forked, and the layers on the way to each: of several ways the longest."""
    fork, ways = _fork(graph, one.node, other.node)
    found = []
    for ref, way in zip((one, other), ways, strict=True):
        lengths, before = {fork: 0}, dict[int, int]()
        for place in reversed(way):
            known = [r.node for r in graph.nodes[place].inputs if r.node in lengths]
            if known:
                before[place] = max(known, key=lengths.__getitem__)
                lengths[place] = lengths[before[place]] + 1
        layers, place = [], ref.node
        while place != fork:
            layers.append(graph.nodes[place].name)
            place = before[place]
        found.append((graph.nodes[fork].name, tuple(layers[::-1])))
    return found


def _fork(graph: Graph, one: int, other: int) -> tuple[int, tuple[list[int], list[int]]]:
    """The last node that both depend on, and the nodes behind it that each depends on; looks at no node before it."""
    needs: dict[int, set[int]] = {}
    ways: tuple[list[int], list[int]] = ([], [])
    for side, place in enumerate((one, other)):
        needs.setdefault(place, set()).add(side)
    waiting = [-place for place in needs]
    heapify(waiting)
    while len(needs[place := -heappop(waiting)]) < 2:
        (side,) = needs[place]
        ways[side].append(place)
        for ref in graph.nodes[place].inputs:
            if ref.node not in needs:
                heappush(waiting, -ref.node)
            needs.setdefault(ref.node, set()).add(side)
    return place, ways
