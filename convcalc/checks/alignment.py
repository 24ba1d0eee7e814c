"""Which layer of one net is which layer of another: by name, by structure and by order.

Anchors are found as in patience diff (Bram Cohen): labels that occur once on both sides, the longest run of them
that keeps its order, then the same between the anchors by a weaker label. Nearly linear in the layers.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    Label = Callable[["Item"], Hashable]

_AUTOMATIC = re.compile(r"(?:^|/)[A-Za-z]\w*_[0-9]+(?:/|$)")


class Item(NamedTuple):
    """What a layer is known by: its name, and its structure whatever the spatial size of its operands.

    ``settings`` are the op's attributes that are not the default, ``weights`` the shapes of its parameters,
    ``channels`` those of its result.
    """

    name: str
    op: str
    settings: frozenset[tuple[str, Any]]
    weights: tuple[Any, ...]
    channels: int


class Pairs(NamedTuple):
    """Indices of layers that belong together: those that kept their order, and those that did not."""

    kept: list[tuple[int, int]]
    moved: list[tuple[int, int]]


def _given(item: Item) -> Hashable:
    """A name that somebody chose; one that was counted says nothing when a layer in front comes or goes."""
    return None if _AUTOMATIC.search(item.name) else item.name


def _exactly(item: Item) -> Hashable:
    return item


def _name(item: Item) -> Hashable:
    return item.name


def _structure(item: Item) -> Hashable:
    """Of a layer without settings, as a relu is, there are too many: its name counts too, but for the numbers."""
    return item[1:] if item.settings else (item[1:], _unnumbered(item.name))


def _settings(item: Item) -> Hashable:
    return (item.op, item.settings) if item.settings else None


BY_NAME: tuple[Label, ...] = (_exactly, _given, _name, _structure, _settings)
BY_STRUCTURE: tuple[Label, ...] = (_exactly, _given, _structure, _settings, _name)
"""By what layers between two anchors are known, one after the other. Counted names are right where settings change
throughout, structure where a layer comes or goes and all behind it are counted anew: both are tried."""

ANYWHERE: tuple[Label, ...] = (lambda item: (item.name, item.op), _structure)
"""By what layers are known that are not where they were."""


def counted_anew(old: str, new: str) -> bool:
    """Whether names differ in nothing but numbers, as they do behind a layer that came or went."""
    return _unnumbered(old) == _unnumbered(new)


def _unnumbered(name: str) -> str:
    return re.sub("[0-9]+", "", name)


def align(old: Sequence[Item], new: Sequence[Item]) -> Pairs:
    """Pairs of layers in the order of the new net, as few of them different as can be; others are in none."""
    tried = [_aligned(old, new, labels) for labels in (BY_NAME, BY_STRUCTURE)]
    return min(tried, key=lambda pairs: _differing(old, new, pairs))


def _differing(old: Sequence[Item], new: Sequence[Item], pairs: Pairs) -> int:
    """How many layers a reader would be told of."""
    alone = len(old) + len(new) - 2 * (len(pairs.kept) + len(pairs.moved))
    changed = sum(
        old[i].settings != new[j].settings or not counted_anew(old[i].name, new[j].name) for i, j in pairs.kept
    )
    return alone + changed + len(pairs.moved)


def _aligned(old: Sequence[Item], new: Sequence[Item], labels: tuple[Label, ...]) -> Pairs:
    kept: list[tuple[int, int]] = []
    for label in labels:
        found = [_anchors(old, new, *gap, label) for gap in _gaps(kept, len(old), len(new))]
        kept = sorted(chain.from_iterable([kept, *found]))
    kept += _alike(old, new, kept)
    kept += _beside(old, new, kept)
    kept.sort()
    moved: list[tuple[int, int]] = []
    for label in ANYWHERE:
        paired = kept + moved
        left = sorted({*range(len(old))} - {i for i, _ in paired})
        right = sorted({*range(len(new))} - {j for _, j in paired})
        moved += _common(old, new, left, right, label)
    return Pairs(kept, sorted(moved, key=lambda pair: pair[1]))


def _gaps(kept: list[tuple[int, int]], old: int, new: int) -> Iterator[tuple[range, range]]:
    """What lies between neighbouring pairs, where there is something on both sides."""
    last = (-1, -1)
    for pair in [*kept, (old, new)]:
        before, after = range(last[0] + 1, pair[0]), range(last[1] + 1, pair[1])
        if before and after:
            yield before, after
        last = pair


def _anchors(
    old: Sequence[Item], new: Sequence[Item], before: range, after: range, label: Label
) -> list[tuple[int, int]]:
    """Pairs of one label inside a gap: equal starts and ends, and between these the longest run in order."""
    start, most = 0, min(len(before), len(after))
    while start < most and _same(old[before[start]], new[after[start]], label):
        start += 1
    end = 0
    while end < most - start and _same(old[before[-1 - end]], new[after[-1 - end]], label):
        end += 1
    ends = [*zip(before[:start], after[:start], strict=True)]
    ends += zip(before[len(before) - end :], after[len(after) - end :], strict=True)
    inner = _common(old, new, before[start : len(before) - end], after[start : len(after) - end], label)
    return ends + _longest_in_order(inner)


def _same(a: Item, b: Item, label: Label) -> bool:
    found = label(a)
    return found is not None and found == label(b)


def _common(
    old: Sequence[Item], new: Sequence[Item], before: Sequence[int], after: Sequence[int], label: Label
) -> list[tuple[int, int]]:
    """The n-th layer of each label with the n-th of the same label, in the order of the old net."""
    found = dict(_numbered(new, after, label))
    return [(place, found[key]) for key, place in _numbered(old, before, label) if key in found]


def _numbered(items: Sequence[Item], places: Sequence[int], label: Label) -> Iterator[tuple[Hashable, int]]:
    seen: Counter[Hashable] = Counter()
    for place in places:
        key = label(items[place])
        if key is not None:
            seen[key] += 1
            yield (key, seen[key]), place


def _longest_in_order(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence that rises on both sides (by patience sorting), of pairs that rise on the left."""
    tops: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for place, (_, right) in enumerate(pairs):
        pile = bisect_left(tops, right)
        tops[pile : pile + 1] = [right]
        last[pile : pile + 1] = [place]
        before.append(last[pile - 1] if pile else -1)
    found: list[tuple[int, int]] = []
    place = last[-1] if last else -1
    while place >= 0:
        found.append(pairs[place])
        place = before[place]
    return found[::-1]


def _alike(old: Sequence[Item], new: Sequence[Item], kept: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Layers of one op at the same place and in the same block that agree in half of their settings: renamed and
    changed.
    """
    names = {item.name for item in old} & {item.name for item in new}

    def label(item: Item) -> Hashable:
        block = _unnumbered(item.name.rpartition("/")[0])
        return None if item.name in names or not item.settings else (item.op, block)

    found = []
    for before, after in _gaps(kept, len(old), len(new)):
        for i, j in _anchors(old, new, before, after, label):
            mine, theirs = old[i].settings, new[j].settings
            if 2 * len(mine & theirs) >= len(dict([*mine, *theirs])):
                found.append((i, j))
    return found


def _beside(old: Sequence[Item], new: Sequence[Item], kept: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Layers of one op and settings that stand right behind, or right before, a pair: relus find their conv so."""
    left, right = {i for i, _ in kept}, {j for _, j in kept}
    found = []
    for step in (1, -1):
        for i, j in sorted(kept)[::step]:
            i, j = i + step, j + step
            while 0 <= i < len(old) and 0 <= j < len(new) and i not in left and j not in right:
                if (old[i].op, old[i].settings) != (new[j].op, new[j].settings):
                    break
                found.append((i, j))
                left.add(i)
                right.add(j)
                i, j = i + step, j + step
    return found
