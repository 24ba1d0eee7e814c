"""Exact receptive fields without regard to borders: for every output the set of input positions that it sees.

Sets are carried forward from the inputs, periodic in the output index, and apart for runs of channels between the
concat that put them side by side and the op that mixes them. Sources: Araujo et al., Distill 2019; Dumoulin & Visin
2016. What borders cut off is seen by going backwards at one size: see ``reach``.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis.masks import HERE, NOTHING, WHOLE, Axis, Mask, compose
from convcalc.analysis.orders import Orders
from convcalc.analysis.receptive import Field, Support, has_seam, join
from convcalc.analysis.regions import AXES, Box, union
from convcalc.analysis.shapes import inferred
from convcalc.graph import Ref
from convcalc.ops._op import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from convcalc.analysis.shapes import Applied
    from convcalc.dims import Shape
    from convcalc.graph import Graph
    from convcalc.ops._op import Taps

    Reads = tuple[tuple[Taps, ...] | None, ...]


class Region(NamedTuple):
    """What is seen of one input: a union of boxes, one ``Axis`` for each axis of the input.

    Not ``exact``, it is an upper bound. ``frozen``: a global op lies behind it, and was left out.
    """

    boxes: tuple[Box[Axis], ...]
    exact: bool = True
    frozen: bool = False

    def fields(self, sizes: Shape) -> tuple[Field, ...]:
        """The hull of each axis of the input; of boxes that move apart the larger, which is then not exact."""
        axes = []
        for place, size in enumerate(sizes):
            hulls = [
                Field(1, 0, ((0, size - 1),)) if axis.whole else Field(axis.period, axis.advance, axis.hulls())
                for axis in dict.fromkeys(box[place] for box in self.boxes)
            ]
            field = reduce(join, hulls)
            axes.append(field if self.exact else field._replace(exact=False))
        return tuple(axes)

    def at(self, unit: tuple[int, ...]) -> list[Box[Mask]]:
        """The boxes that one output sees; raises ValueError where it sees all of an axis."""
        found = []
        for box in self.boxes:
            if any(axis.whole for axis in box):
                raise ValueError("all of an axis is seen, whatever its size")
            seen = tuple(axis.at(output) for axis, output in zip(box, unit, strict=True))
            if NOTHING not in seen:
                found.append(seen)
        return found


class Seen(NamedTuple):
    """Regions by the place of the input, of a run of channels."""

    regions: dict[int, Region]


class Run(NamedTuple):
    """Channels ``start .. stop - 1`` that see the same."""

    start: int
    stop: int
    seen: Seen


class Trace:
    """What every result of a graph sees of every input.

    ``local`` leaves out global ops: what they gather is not seen, and behind the last of them the field stays that of
    the map in front. Raises SpecError where the shapes do not fit.
    """

    def __init__(
        self, graph: Graph, steps: list[Applied] | None = None, orders: Orders | None = None, *, local: bool = False
    ) -> None:
        self.graph = graph
        self.local = local
        self.steps = inferred(graph) if steps is None else steps
        self.runs: dict[Ref, tuple[Run, ...]] = {}
        self.orders = orders or Orders(graph, self.steps)
        self._composed: dict[tuple[Axis, Taps], Axis | None] = {}
        self._reads: dict[Ref | tuple[Applied, int], Reads] = {}
        wanted = {ref for node in graph.nodes for ref in node.inputs} | set(graph.results().values())
        for place, step in enumerate(self.steps):
            for port in range(len(step.outputs)):
                ref = Ref(place, port)
                if port == 0 or ref in wanted:
                    self.runs[ref] = self._through(ref)

    def parts(self, ref: Ref) -> tuple[Run, ...]:
        """The runs of a result; of one that nobody uses they are not kept."""
        return self.runs.get(ref) or self._through(ref)

    def region(self, ref: Ref, source: int) -> Region | None:
        """What all channels of a result together see of an input; None of nothing."""
        seen = _together([run.seen for run in self.parts(ref)])
        return seen.regions.get(source)

    def gathered(self, ref: Ref) -> bool:
        """Whether all that a result sees went through a global op, in a ``local`` trace."""
        regions = [region for run in self.parts(ref) for region in run.seen.regions.values()]
        return bool(regions) and all(region.frozen for region in regions)

    def supports(self) -> list[dict[int, Support]]:
        """For each node the hulls of what all of its results see, as ``receptive.supports`` tells them."""
        whole: list[set[int]] = []
        told = []
        for place, (node, step) in enumerate(zip(self.graph.nodes, self.steps, strict=True)):
            refs = [ref for ref in (Ref(place, port) for port in range(len(step.outputs))) if ref in self.runs]
            seen = _together([run.seen for ref in refs for run in self.runs[ref]])
            gathered = {source for source, region in seen.regions.items() if region.frozen}
            for ref, taps in zip(node.inputs, self.orders.taps(place), strict=True):
                gathers = any(axis.advance == 0 for axis in taps or ())
                if taps is not None:
                    behind = {source for run in self.runs[ref] for source in run.seen.regions}
                    gathered |= behind if gathers else whole[ref.node]
            whole.append(gathered)
            told.append({
                source: Support(region.fields(self.sizes(source)), source in gathered, region.frozen)
                for source, region in seen.regions.items()
            })  # fmt: skip
        return told

    def sizes(self, source: int) -> Shape:
        """The spatial axes of an input."""
        return self.steps[source].outputs[0][1:]

    def reads(self, ref: Ref) -> Reads:
        """For each operand of a result its taps on all axes, worked out once for layers that are alike."""
        key = ref if self.orders.of else (self.steps[ref.node], ref.port)
        known = self._reads.get(key)
        if known is None:
            known = self._reads[key] = self.orders.reads(ref)
        return known

    def shape(self, ref: Ref) -> Shape:
        """A result's shape, its axes in the order of the inputs'."""
        return self.orders.shape(ref)

    def bounded(self, place: int) -> bool:
        """Whether the taps of a node may name more than a value reads."""
        op, step = self.graph.nodes[place].op, self.steps[place]
        return op is not None and (op.bounded(*step.inputs) or not self.orders.kept(place))

    def _through(self, ref: Ref) -> tuple[Run, ...]:
        place = ref.node
        node = self.graph.nodes[place]
        channels, *sizes = self.shape(ref)
        if node.op is None:
            return (Run(0, channels, Seen({place: Region(((HERE,) * len(sizes),))})),)
        reads = self.reads(ref)
        spatial = ref.node in self.orders.of and self.orders.of[ref.node][0] > 0
        if len(reads) == 1 and reads[0] is not None and reads[0].count(IDENTITY) == len(reads[0]):
            return tuple(_taken(self.runs[node.inputs[0]], IDENTITY, channels, spatial=spatial))
        seam = has_seam(None if axes is None else axes[1:] for axes in reads) or self.bounded(place)
        parts: list[list[Run]] = []
        for operand, axes in zip(node.inputs, reads, strict=True):
            if axes is None:
                continue
            seen: dict[int, Seen] = {}
            part = []
            for run in _taken(self.runs[operand], axes[0], channels, spatial=spatial):
                key = id(run.seen)
                if key not in seen:
                    seen[key] = self._spatial(run.seen, axes[1:], exact=not seam)
                part.append(run if seen[key] is run.seen else Run(run.start, run.stop, seen[key]))
            parts.append(part)
        return tuple(parts[0] if len(parts) == 1 else _side_by_side(parts))

    def _spatial(self, seen: Seen, taps: tuple[Taps, ...], *, exact: bool) -> Seen:
        if exact and taps.count(IDENTITY) == len(taps):
            return seen
        return Seen({source: self._moved(region, taps, exact) for source, region in seen.regions.items()})

    def _moved(self, region: Region, taps: tuple[Taps, ...], exact: bool) -> Region:
        if self.local:
            if region.frozen:
                return region
            ranks = {len(box) for box in region.boxes}
            if ranks != {len(taps)} or any(axis.advance == 0 for axis in taps):
                return region._replace(frozen=True)
        boxes, bounded = [], False
        for box in region.boxes:
            axes = []
            for place, axis in enumerate(box):
                # An axis that the operand no longer has was read whole on the way.
                found = self._compose(axis, taps[place]) if place < len(taps) else WHOLE
                bounded |= found is None
                axes.append(found or WHOLE)
            boxes.append(tuple(axes))
        if len(boxes) == 1:
            return Region(tuple(boxes), region.exact and exact and not bounded)
        kept, precise = union(AXES, boxes)
        return Region(kept, region.exact and exact and precise and not bounded)

    def _compose(self, axis: Axis, taps: Taps) -> Axis | None:
        if taps == IDENTITY:
            return axis
        key = axis, taps
        if key not in self._composed:
            self._composed[key] = compose(axis, taps)
        return self._composed[key]


def _taken(runs: tuple[Run, ...], taps: Taps, channels: int, *, spatial: bool) -> Iterable[Run]:
    """The runs of a result of so many channels, whose channels read the operand's by ``taps``.

    ``spatial``: what lies in front is an axis whose windows may reach beyond its borders.
    """
    if taps == IDENTITY:
        if not runs or runs[-1].stop <= channels:
            return runs
        return [run._replace(stop=min(run.stop, channels)) for run in runs if run.start < channels]
    start = taps.windows[0][0]
    if len(runs) == 1 and start >= 0 and not spatial:
        return [Run(0, channels, runs[0].seen)]
    if taps.advance == 0:
        return [Run(0, channels, _together([run.seen for run in runs if run.stop > start]))]
    if taps == (1, 1, ((start, 1, 1),)):
        moved = [(max(run.start - start, 0), min(run.stop - start, channels), run.seen) for run in runs]
        return [Run(*run) for run in moved if run[0] < run[1]]
    return list(_picked(runs, taps, channels))


def _picked(runs: tuple[Run, ...], taps: Taps, channels: int) -> Iterator[Run]:
    """The same channel by channel; those in a row that read the same runs make one."""
    known: dict[tuple[int, ...], Seen] = {}
    starts = [run.start for run in runs]
    begun, before = 0, None
    for channel in range(channels + 1):
        hit = None
        if channel < channels:
            turn, phase = divmod(channel, taps.period)
            start, step, count = taps.windows[phase]
            first = turn * taps.advance + start
            read = range(first, first + step * count, step)
            ends = (min(read[0], read[-1]), max(read[0], read[-1])) if read else (0, -1)
            near = range(max(bisect_right(starts, ends[0]) - 1, 0), bisect_right(starts, ends[1]))
            hit = tuple(place for place in near if _meets(read, runs[place]))
        if hit != before:
            if before:
                seen = known.setdefault(before, _together([runs[place].seen for place in before]))
                yield Run(begun, channel, seen)
            begun, before = channel, hit


def _meets(read: range, run: Run) -> bool:
    """Whether one of the positions lies in the run."""
    after = -(-(max(run.start, read.start) - read.start) // read.step)
    return after < len(read) and read[after] < run.stop


def _side_by_side(parts: list[list[Run]]) -> Iterator[Run]:
    """The runs of several operands as runs of their result: where operands overlap, both are seen."""
    edges = sorted({edge for part in parts for run in part for edge in run[:2]})
    known: dict[tuple[int, ...], Seen] = {}
    begun, before = 0, None
    places = [0] * len(parts)
    for start in [*edges[:-1], None]:
        over: list[Seen] | None = None
        if start is not None:
            over = []
            for index, part in enumerate(parts):
                while places[index] < len(part) and part[places[index]].stop <= start:
                    places[index] += 1
                if places[index] < len(part) and part[places[index]].start <= start:
                    over.append(part[places[index]].seen)
        ids = None if over is None else tuple(map(id, over))
        if ids != before:
            if before:
                yield Run(begun, edges[-1] if start is None else start, known[before])
            begun, before = start or 0, ids
            if ids and ids not in known:
                known[ids] = _together(over or [])


def _together(seen: list[Seen]) -> Seen:
    """All that is seen; what a global op gathered gives way to what is seen besides."""
    distinct = list({id(each): each for each in seen}.values())
    if len(distinct) == 1:
        return distinct[0]
    found: dict[int, list[Region]] = {}
    for each in distinct:
        for source, region in each.regions.items():
            found.setdefault(source, []).append(region)
    return Seen({source: _union(regions) for source, regions in found.items()})


def _union(regions: list[Region]) -> Region:
    frozen = all(region.frozen for region in regions)
    if not frozen:
        regions = [region for region in regions if not region.frozen]
    if len(regions) == 1:
        return regions[0]
    boxes, precise = union(AXES, (box for region in regions for box in region.boxes))
    return Region(boxes, precise and all(region.exact for region in regions), frozen)
