"""Sets of positions on several axes: unions of boxes, and a box is a set of positions on each axis.

A convolution's window is a box, and so is what it sees of a box; paths side by side make a union. Boxes are of
``Axis`` (without regard to borders) or of integers (at a concrete size): see ``masks``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from convcalc.analysis import masks
from convcalc.analysis.masks import WHOLE, Axis

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_BOXES = 64
"""In a union; of more only the box around them is kept."""

T = TypeVar("T")
Box = tuple[T, ...]


class Sets(Protocol):
    """What a union needs to know of the sets of one axis."""

    def contains(self, one: Any, other: Any) -> bool:
        """Whether ``one`` holds all of ``other``."""

    def merged(self, one: Any, other: Any) -> Any:
        """Their union, or None where it is none of these sets."""

    whole: Any
    """What holds everything."""


class _Axes:
    """Periodic sets."""

    whole = WHOLE

    def contains(self, one: Axis, other: Axis) -> bool:
        return masks.contains(one, other)

    def merged(self, one: Axis, other: Axis) -> Axis | None:
        return masks.merged(one, other)


class _Bits:
    """Sets at a concrete size."""

    whole = -1

    def contains(self, one: int, other: int) -> bool:
        return not other & ~one

    def merged(self, one: int, other: int) -> int:
        return one | other


AXES = _Axes()
BITS = _Bits()


def union(sets: Sets, boxes: Iterable[Box[T]]) -> tuple[tuple[Box[T], ...], bool]:
    """The boxes without those that others hold, those that differ on one axis joined; and whether that is exact.

    Of more than ``MOST_BOXES`` the box around them is left, which is not.
    """
    kept: list[Box[T]] = []
    todo = list(boxes)[::-1]
    while todo:
        box = todo.pop()
        joined = _added(sets, kept, box)
        if joined is not None:
            todo.append(joined)
        if len(kept) > MOST_BOXES:
            return (_around(sets, kept + todo),), False
    return tuple(kept), True


def _added(sets: Sets, kept: list[Box[T]], box: Box[T]) -> Box[T] | None:
    """Put a box among those that are kept; where it makes one with another, give that back instead."""
    for place, other in enumerate(kept):
        differing = [axis for axis, (a, b) in enumerate(zip(other, box, strict=True)) if a != b]
        if all(sets.contains(other[axis], box[axis]) for axis in differing):
            return None
        if all(sets.contains(box[axis], other[axis]) for axis in differing):
            del kept[place]
            return box
        if len(differing) == 1:
            (axis,) = differing
            both = sets.merged(other[axis], box[axis])
            if both is not None:
                del kept[place]
                return (*box[:axis], both, *box[axis + 1 :])
    kept.append(box)
    return None


def _around(sets: Sets, boxes: Sequence[Box[T]]) -> Box[T]:
    around = boxes[0]
    for box in boxes[1:]:
        pairs = zip(around, box, strict=True)
        around = tuple(sets.whole if (both := sets.merged(a, b)) is None else both for a, b in pairs)
    return around


def count(boxes: Sequence[Box[int]]) -> int:
    """How many positions a union of boxes of bits has.

    The positions of the first axis fall into classes that lie in the same boxes; in each the rest is counted.
    """
    boxes = [box for box in boxes if all(box)]
    if not boxes:
        return 0
    if len(boxes) == 1 or not boxes[0]:
        total = 1
        for bits in boxes[0]:
            total *= bits.bit_count()
        return total
    return sum(bits.bit_count() * count([box[1:] for box in inside]) for bits, inside in classes(boxes))


def classes(boxes: Sequence[Box[int]]) -> list[tuple[int, list[Box[int]]]]:
    """The positions of the first axis by the boxes that they lie in."""
    found: list[tuple[int, list[Box[int]]]] = []
    for box in boxes:
        left = box[0]
        split: list[tuple[int, list[Box[int]]]] = []
        for bits, inside in found:
            shared = bits & left
            if shared:
                split.append((shared, [*inside, box]))
            if bits & ~shared:
                split.append((bits & ~shared, inside))
            left &= ~shared
        if left:
            split.append((left, [box]))
        found = split
    return found


def shadow(boxes: Iterable[Box[int]], axis: int) -> int:
    """The positions of one axis that lie in some box."""
    found = 0
    for box in boxes:
        if all(box):
            found |= box[axis]
    return found
