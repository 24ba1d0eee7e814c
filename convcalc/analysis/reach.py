"""What some outputs of a layer see of the inputs at one size, borders and all: by going backwards, exactly.

Boxes have a set for the channels in front, then one for each spatial axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis.masks import read_by
from convcalc.analysis.regions import BITS, Box, count, shadow, union
from convcalc.diagnostics import Misuse
from convcalc.dims import prod

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convcalc.analysis.fields import Trace
    from convcalc.dims import Shape
    from convcalc.graph import Ref
    from convcalc.ops._op import Taps


MOST_POSITIONS = 1 << 24
"""On an axis: as many bits make 2 MB."""


class Reached(NamedTuple):
    """The positions of one input that are seen: a union of boxes; not ``exact``, an upper bound.

    ``cut`` says that some layer on the way read beyond its operand's border.
    """

    boxes: tuple[Box[int], ...]
    exact: bool
    cut: bool

    def spatial(self) -> tuple[Box[int], ...]:
        """The positions where some channel is seen."""
        return union(BITS, [box[1:] for box in self.boxes])[0]


NONE = Reached((), True, False)


def full(shape: Shape) -> Box[int]:
    """All positions; raises Misuse where an axis has more than can be kept one by one."""
    for size in shape:
        if size > MOST_POSITIONS:
            told = f"positions are kept one by one: an axis of {size:,} is too long, the most is {MOST_POSITIONS:,}"
            raise Misuse(f"{told}: set a smaller size")
    return tuple((1 << size) - 1 for size in shape)


def unit_of(shape: Shape, unit: tuple[int, ...]) -> Box[int]:
    """All channels at one position."""
    return (full(shape)[0], *(1 << place for place in unit))


def reached(trace: Trace, wanted: dict[Ref, tuple[Box[int], ...]]) -> dict[str, Reached]:
    """For each input by name what these positions of these results see of it."""
    graph = trace.graph
    for ref in graph.inputs.values():
        full(trace.steps[ref.node].outputs[0])
    last = max((ref.node for ref in wanted), default=-1)
    found = {ref: Reached(boxes, True, False) for ref, boxes in wanted.items()}
    cut = False
    for place in range(last, -1, -1):
        node = graph.nodes[place]
        if node.op is None:
            continue
        arrived = [(ref, found.pop(ref)) for ref in [*found] if ref.node == place]
        for ref, results in arrived:
            if not results.boxes:
                continue
            partial = node.op.view and results.boxes != (full(trace.shape(ref)),)
            bounded = trace.bounded(place)
            for index, axes in enumerate(trace.reads(ref)):
                operand = node.inputs[index]
                if axes is None or (trace.local and _left_out(trace, ref, index)):
                    continue
                # A view that mixes axes puts each value somewhere; what one of them saw is not told by axes.
                exact = results.exact and not bounded and not (partial and any(t.advance == 0 for t in axes))
                boxes, beyond = _back(results.boxes, axes, trace.shape(operand))
                cut |= beyond
                known = found.get(operand, NONE)
                kept, precise = union(BITS, (*known.boxes, *boxes))
                found[operand] = Reached(kept, exact and precise and known.exact, False)
    return {name: found.get(ref, NONE)._replace(cut=cut) for name, ref in graph.inputs.items()}


def _left_out(trace: Trace, ref: Ref, index: int) -> bool:
    """Whether an operand was gathered by a global op, or is now, and others were not."""
    operands = trace.graph.nodes[ref.node].inputs
    axes = trace.reads(ref)[index]
    gathered = trace.gathered(operands[index]) or any(t.advance == 0 for t in (axes or ())[1:])
    return gathered and not trace.gathered(ref)


def _back(boxes: Iterable[Box[int]], axes: tuple[Taps, ...], sizes: Shape) -> tuple[list[Box[int]], bool]:
    """The boxes of an operand that boxes of a result read, and whether they reach beyond its borders."""
    read = []
    cut = False
    for box in boxes:
        found = []
        for place, (taps, size) in enumerate(zip(axes, sizes, strict=True)):
            outputs = box[place] if place < len(box) else 1
            found.append(read_by(outputs, taps, size))
            cut |= place > 0 and _beyond(outputs, taps, size)
        if all(found):
            read.append(tuple(found))
    return read, cut


def _beyond(outputs: int, taps: Taps, size: int) -> bool:
    """Whether the first or the last output of a phase reads outside of ``size`` positions."""
    if taps.advance == 0:
        return False
    first, last = (outputs & -outputs).bit_length() - 1, outputs.bit_length() - 1
    front, back = range(first, first + taps.period), range(max(last - taps.period + 1, first), last + 1)
    for end in {*front, *back}:
        if outputs >> end & 1:
            turn, phase = divmod(end, taps.period)
            start, step, count = taps.windows[phase]
            low = turn * taps.advance + start
            if count and (low < 0 or low + step * (count - 1) >= size):
                return True
    return False


class Unseen(NamedTuple):
    """What nothing depends on: how many spatial positions, and by axis those where it is so right across.

    ``across`` are sets of bits for the channels and each spatial axis. Not ``exact``, there may be more.
    """

    positions: int
    across: Box[int]
    exact: bool


def unseen(trace: Trace, wanted: dict[Ref, tuple[Box[int], ...]] | None = None) -> dict[str, Unseen]:
    """For each input by name what none of these results depends on, by default none of the outputs."""
    graph = trace.graph
    if wanted is None:
        wanted = {ref: (full(trace.shape(ref)),) for ref in graph.results().values()}
    found = {}
    for name, seen in reached(trace, wanted).items():
        shape = trace.steps[graph.inputs[name].node].outputs[0]
        across = tuple(every & ~shadow(seen.boxes, place) for place, every in enumerate(full(shape)))
        found[name] = Unseen(prod(shape[1:]) - count(seen.spatial()), across, seen.exact)
    return found
