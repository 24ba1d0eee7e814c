"""The receptive field of one layer, all that is told of it: without borders, and at the size of the input."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis.alignment import Misaligned, misaligned
from convcalc.analysis.masks import NOTHING, WHOLE, Axis, Mask, merged
from convcalc.analysis.reach import Reached, Unseen, full, reached, unit_of, unseen
from convcalc.analysis.receptive import supports
from convcalc.analysis.regions import count
from convcalc.dims import ceil_div, prod
from convcalc.graph import Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from convcalc.analysis.fields import Region, Trace
    from convcalc.analysis.regions import Box
    from convcalc.dims import Shape
    from convcalc.graph import Graph


class Extent(NamedTuple):
    """A field on one axis, borders left out; sizes are those of the phase that has most.

    ``used`` of the ``size`` positions from first to last are seen. ``start`` and ``centre`` are those of output 0.
    ``phases`` is after how many outputs the field repeats. ``beyond`` of the outputs see beyond the input's border.
    """

    size: int
    used: int
    stride: int | Fraction
    start: int
    centre: Fraction
    phases: int
    beyond: int


class Field(NamedTuple):
    """What a layer sees of one input, borders left out.

    An extent is None where all of the axis is seen, ``extents`` is empty where nothing is, or there is no axis.
    ``boxes`` are what the ``unit`` sees: on each axis the first position and the bits from there; none where it sees
    all of an axis. ``positions`` is how many that are, of ``window``. Not ``exact``, all of it is an upper bound; not
    ``steady``, branches have different strides, and extents are those of the unit alone.
    """

    unit: tuple[int, ...]
    extents: tuple[Extent | None, ...]
    boxes: tuple[Box[Mask], ...]
    positions: int
    window: int
    exact: bool
    steady: bool

    @property
    def whole(self) -> bool:
        """Whether all of some axis is seen."""
        return None in self.extents


class View(NamedTuple):
    """One result of a layer and one input: the field, what its unit sees at this size, and what no unit of it sees.

    ``through`` are the global ops on the way, of a ``local`` view those that no path leads around; ``sized`` the layers
    whose windows depend on the size of their operand.
    """

    name: str
    op: str
    shape: Shape
    input: str
    sizes: Shape
    field: Field
    seen: Reached
    unseen: Unseen
    local: bool
    through: tuple[str, ...]
    sized: tuple[str, ...]
    misaligned: tuple[Misaligned, ...]

    @property
    def seen_positions(self) -> int:
        """How many positions of the input the unit sees."""
        return count(self.seen.spatial())


def middle(shape: Shape) -> tuple[int, ...]:
    """The position in the middle, of an even size behind it."""
    return tuple(size // 2 for size in shape[1:])


def last_map(trace: Trace) -> Ref:
    """The first output, or where a global op has gathered that, the last map in front of it.

    An input without spatial axes has nothing to gather.
    """
    graph = trace.graph
    ref = next(iter(graph.results().values()))
    gathered = [
        any(s.frozen and s.fields for s in seen.values()) for seen in supports(graph, trace.steps, trace.orders)
    ]
    ways = _on_the_way(graph, ref.node)
    maps = [place for place in ways if not gathered[place] and len(trace.steps[place].outputs[0]) > 1]
    return ref if not gathered[ref.node] or not maps else Ref(max(maps))


def view(trace: Trace, ref: Ref, source: str, unit: tuple[int, ...] | None = None) -> View:
    """All that is told of a result's field on an input; of a ``local`` trace without global ops."""
    graph = trace.graph
    place = graph.inputs[source].node
    shape = trace.shape(ref)
    unit = middle(shape) if unit is None else unit
    field = field_of(trace.region(ref, place), trace.sizes(place), shape, unit)
    ways = dict.fromkeys(_on_the_way(graph, ref.node))
    nodes = [(graph.nodes[way], trace.steps[way]) for way in ways]
    sized = (node.name for node, step in nodes if node.op is not None and node.op.sized(*step.inputs))
    found = (m for m in misaligned(graph, trace.steps) if m.place in ways and m.input == source)
    return View(
        graph.title(ref), graph.nodes[ref.node].kind, shape, source, trace.sizes(place), field,
        reached(trace, {ref: (unit_of(shape, unit),)})[source],
        unseen(trace, {ref: (full(shape),)})[source],
        trace.local, tuple(_global(trace, ref)), tuple(sized), tuple(found),
    )  # fmt: skip


def _on_the_way(graph: Graph, place: int, passing: Callable[[Ref], bool] = lambda _: True) -> list[int]:
    """A node and all that it depends on by results that are ``passing``, in the order they run."""
    wanted = {place}
    for before in range(place, -1, -1):
        if before in wanted:
            wanted |= {ref.node for ref in graph.nodes[before].inputs if passing(ref)}
    return sorted(wanted)


def _global(trace: Trace, ref: Ref) -> Iterator[str]:
    """The ops that read all of an axis of a map."""
    if trace.local and not trace.gathered(ref):
        return
    ways = _on_the_way(trace.graph, ref.node, trace.gathered) if trace.local else _on_the_way(trace.graph, ref.node)
    for place in ways:
        taps = [t for axes in trace.orders.taps(place) for t in axes or ()]
        if any(t.advance == 0 and t.windows[0][2] > 1 for t in taps):
            yield trace.graph.nodes[place].name


def field_of(region: Region | None, sizes: Shape, shape: Shape, unit: tuple[int, ...]) -> Field:
    """A region in numbers, for a result of this shape; ``sizes`` are the input's."""
    if region is None:
        return Field(unit, (), (), 0, 0, True, True)
    if not sizes:
        return Field(unit, (), (), 1, 1, region.exact, True)
    if region.frozen:
        # It is the field of the map in front of a global op, and not of this shape.
        return Field(unit, (None,) * len(sizes), (), 0, 0, region.exact, True)
    boxes = [box for box in region.boxes if not any(map(_blind, box, shape[1:]))]
    if not boxes:
        return Field(unit, (), (), 0, 0, region.exact, True)
    shadows = [_shadow([box[axis] for box in boxes]) for axis in range(len(sizes))]
    whole = any(shadow is not None and shadow.whole for shadow in shadows)
    steady = None not in shadows
    seen = [] if whole or len(unit) < len(sizes) else region.at(unit)
    extents: list[Extent | None] = []
    for axis, (shadow, size) in enumerate(zip(shadows, sizes, strict=True)):
        if shadow is None:
            extents.append(_lone(seen, axis, boxes, unit[axis]))
        elif shadow.whole:
            extents.append(None)
        else:
            extents.append(_extent(shadow, size, shape[axis + 1]))
    corner, hulls = hull(seen) if seen else ((), ())
    placed = [tuple(bits << low - first for (low, bits), first in zip(box, corner, strict=True)) for box in seen]
    return Field(unit, tuple(extents), tuple(seen), count(placed), prod(hulls) if seen else 0, region.exact, steady)


def hull(boxes: Sequence[Box[Mask]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The first position of a union on each axis, and how many there are up to the last."""
    axes = list(zip(*boxes, strict=True))
    firsts = tuple(min(low for low, _ in axis) for axis in axes)
    stops = tuple(max(low + bits.bit_length() for low, bits in axis) for axis in axes)
    return firsts, tuple(stop - first for first, stop in zip(firsts, stops, strict=True))


def _blind(axis: Axis, outputs: int) -> bool:
    """Whether none of the outputs sees a position."""
    return not axis.whole and all(mask == NOTHING for mask in axis.masks[:outputs])


def _shadow(axes: list[Axis]) -> Axis | None:
    """The union of several boxes on one axis, None where they do not move together."""
    if any(axis.whole for axis in axes):
        return WHOLE
    found: Axis | None = axes[0]
    for axis in dict.fromkeys(axes):
        found = found and merged(found, axis)
    return found


def _extent(axis: Axis, size: int, outputs: int) -> Extent:
    ends = [span for span in axis.hulls()[:outputs] if span]
    longest = max(last - first + 1 for first, last in ends)
    start = ends[0][0]
    period = _period(axis)
    stride = Fraction(axis.advance, axis.period)
    used = max(bits.bit_count() for _, bits in axis.masks[:outputs])
    centre = Fraction(ends[0][0] + ends[0][1], 2)
    return Extent(longest, used, _plain(stride), start, centre, period, _beyond(axis, size, outputs))


def _beyond(axis: Axis, size: int, outputs: int) -> int:
    """How many of the outputs see a position outside of ``size``: in each phase all but a range of turns."""
    beyond = 0
    for phase, span in enumerate(axis.hulls()[:outputs]):
        if span:
            turns = (outputs - phase - 1) // axis.period + 1
            first, last = max(ceil_div(-span[0], axis.advance), 0), (size - 1 - span[1]) // axis.advance
            beyond += turns - max(min(last, turns - 1) - first + 1, 0)
    return beyond


def _lone(seen: list[Box[Mask]], axis: int, boxes: list[Box[Axis]], output: int) -> Extent:
    """The extent of one unit's field; the stride is the largest of its branches."""
    firsts, sizes = hull(seen)
    used = 0
    for box in seen:
        used |= box[axis][1] << box[axis][0] - firsts[axis]
    stride = max(Fraction(box[axis].advance, box[axis].period) for box in boxes)
    start, size = firsts[axis], sizes[axis]
    at_0 = start - int(stride * output)
    return Extent(size, used.bit_count(), _plain(stride), at_0, at_0 + Fraction(size - 1, 2), 1, 0)


def _plain(stride: Fraction) -> int | Fraction:
    return int(stride) if stride.denominator == 1 else stride


def _period(axis: Axis) -> int:
    """The fewest outputs after which the masks repeat, moved by whole positions."""
    for period in range(1, axis.period):
        if axis.period % period == 0 and axis.advance * period % axis.period == 0:
            moved = axis.advance * period // axis.period
            alike = Axis(period, moved, axis.masks[:period])
            if all(alike.at(r) == mask for r, mask in enumerate(axis.masks)):
                return period
    return axis.period
