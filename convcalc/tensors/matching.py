"""Which array of a file belongs to which parameter of the net, by names or by order and shape.

By order, a file is matched as PyTorch writes a ``state_dict``: in the order of definition, which is mostly the order
in which the layers run. Where it is not (a shortcut defined after the branch that it goes around), layers that
are the only ones of their shape are found wherever they stand, and the rest by its place between them. What could be
matched in two ways is not matched.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, NamedTuple

from convcalc.diagnostics import Problem, times

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from convcalc.kernels._types import Sizes

LEAVES = ("weight", "bias", "running_mean", "running_var")
ADVICE = "write a map from our names to the file's and give it as --weights-map"


class Match(NamedTuple):
    """A parameter of the net, the array of the file that it was read from, and their shape."""

    ours: str
    theirs: str
    shape: Sizes


def split(name: str) -> tuple[str, str]:
    """The layer and the parameter that a name speaks of; no layer where it has no point."""
    layer, _, leaf = name.rpartition(".")
    return layer, leaf


def by_order(wanted: Mapping[str, Sizes], theirs: Mapping[str, Sizes], *, ordered: bool = True) -> dict[str, str]:
    """The file's name for each of ours, by order and shape.

    ``ordered`` says whether the order of ``theirs`` means anything; if not, names that differ in a number alone
    (``features.3``, ``features.10``) still have one. Raises Problem, naming the first that could not be decided.
    """
    if ordered and _alike(wanted, theirs):
        return dict(zip(wanted, theirs, strict=True))
    ours, other = _layers(wanted), _layers(theirs)
    _same_stock(ours, other)
    matched = _by_place(_units(ours), _units(other)) if ordered else _by_shape(ours, other)
    return {
        f"{mine.name}.{leaf}": f"{their.name}.{leaf}" if their.name else leaf
        for mine, their in matched
        for leaf in mine.shapes
    }


class _Layer(NamedTuple):
    name: str
    shapes: dict[str, Sizes]

    @property
    def look(self) -> Hashable:
        return frozenset(self.shapes.items())

    def __str__(self) -> str:
        told = (f"{leaf} {times(shape) or 'a number'}" for leaf, shape in self.shapes.items())
        return f"{self.name or 'a layer'} ({', '.join(told)})"


def _alike(wanted: Mapping[str, Sizes], theirs: Mapping[str, Sizes]) -> bool:
    """Whether one array after the other has the same shape, and the same kind where names tell it."""
    if len(wanted) != len(theirs):
        return False
    for mine, other in zip(wanted, theirs, strict=True):
        leaf = split(other)[1]
        if wanted[mine] != theirs[other] or (leaf in LEAVES and leaf != split(mine)[1]):
            return False
    return True


def _layers(shapes: Mapping[str, Sizes]) -> list[_Layer]:
    layers: dict[str, _Layer] = {}
    for name, shape in shapes.items():
        layer, leaf = split(name)
        layers.setdefault(layer, _Layer(layer, {})).shapes[leaf] = shape
    return list(layers.values())


def _same_stock(ours: list[_Layer], theirs: list[_Layer]) -> None:
    """Raise Problem unless both sides have equally many layers of each shape."""
    have, need = Counter(layer.look for layer in theirs), Counter(layer.look for layer in ours)
    if have == need:
        return
    first = next((layer for layer in ours if have[layer.look] != need[layer.look]), None)
    stray = next((layer for layer in theirs if have[layer.look] > need[layer.look]), None)
    told = []
    if first:
        count = f"{need[first.look]} layer{'s' if need[first.look] != 1 else ''}"
        told.append(f"the net has {count} like {first}, the file {have[first.look]}")
    if stray:
        told.append(f"the file's {stray} is of no layer of the net" if not need[stray.look] else "")
    raise Problem("weights-order", "; ".join(filter(None, told)), ADVICE)


def _undecided(mine: _Layer, candidates: Sequence[_Layer]) -> Problem:
    names = " or ".join(f"'{layer.name}'" for layer in candidates[:3])
    return Problem("weights-order", f"'{mine.name}' could be {names}: order and shape do not decide it", ADVICE)


class _Unit(NamedTuple):
    """A layer with a kernel or a matrix, and what follows it up to the next: norms move with what they norm."""

    layers: tuple[_Layer, ...]

    @property
    def look(self) -> Hashable:
        return tuple(layer.look for layer in self.layers)


def _units(layers: list[_Layer]) -> list[_Unit]:
    units: list[list[_Layer]] = []
    for layer in layers:
        if not units or any(len(shape) > 1 for shape in layer.shapes.values()):
            units.append([])
        units[-1].append(layer)
    return [_Unit(tuple(unit)) for unit in units]


def _by_place(ours: list[_Unit], theirs: list[_Unit]) -> list[tuple[_Layer, _Layer]]:
    """The layers in our order, each with its counterpart.

    Of two that changed places either can be said to have moved: from the front and from the back different ones are,
    and what is certain from one side only is certain.
    """
    found: list[list[_Unit]] = []
    problems: list[Problem] = []
    for step in (1, -1):
        try:
            found.append(_Alignment(ours[::step], theirs[::step]).counterparts[::step])
        except Problem as problem:
            problems.append(problem)
    if not found:
        raise problems[0]
    for mine, *candidates in zip(ours, *found, strict=True):
        if candidates[0] != candidates[-1]:
            raise _undecided(mine.layers[0], [unit.layers[0] for unit in candidates])
    return [
        pair for mine, other in zip(ours, found[0], strict=True) for pair in zip(mine.layers, other.layers, strict=True)
    ]


class _Alignment:
    """Two orders of the same units: anchors first, then what lies between them."""

    def __init__(self, ours: list[_Unit], theirs: list[_Unit]) -> None:
        self.ours = ours
        self.theirs = theirs
        self.place: dict[int, int] = {}
        self.moved: set[int] = set()
        self.align(list(range(len(ours))), list(range(len(theirs))))
        for mine in self.moved:
            self.hold_together(mine)

    @property
    def counterparts(self) -> list[_Unit]:
        """Their unit for each of ours."""
        return [self.theirs[self.place[mine]] for mine in range(len(self.ours))]

    def align(self, ours: list[int], theirs: list[int]) -> None:
        """Match two stretches; each call leaves shorter ones."""
        looks, others = [self.ours[i].look for i in ours], [self.theirs[i].look for i in theirs]
        if looks == others:
            self.place.update(zip(ours, theirs, strict=True))
            return
        need, have = Counter(looks), Counter(others)
        single = {look for look, count in need.items() if count == 1}
        if need != have or not single:
            self.give_up(ours, theirs)
        where = {look: place for place, look in enumerate(others) if look in single}
        pairs = [(place, where[look]) for place, look in enumerate(looks) if look in single]
        staying = _rising(pairs)
        self.place.update((ours[mine], theirs[other]) for mine, other in pairs)
        self.moved.update(ours[mine] for mine, other in pairs if (mine, other) not in staying)
        gone, taken = {mine for mine, _ in pairs}, {other for _, other in pairs}
        edges = [(-1, -1), *staying, (len(ours), len(theirs))]
        for (mine, other), (next_mine, next_other) in pairwise(edges):
            self.align(
                [ours[i] for i in range(mine + 1, next_mine) if i not in gone],
                [theirs[i] for i in range(other + 1, next_other) if i not in taken],
            )

    def give_up(self, ours: list[int], theirs: list[int]) -> None:
        """Raise Problem for the first unit whose counterpart is not clear."""
        both = zip_longest((self.ours[i] for i in ours), (self.theirs[i] for i in theirs))
        mine, other = next((pair for pair in both if not all(pair) or pair[0].look != pair[1].look), (None, None))
        wanted = mine or other or self.ours[0]
        alike = [unit for unit in self.theirs if unit.look == wanted.look]
        blamed = mine or next((unit for unit in self.ours if unit.look == wanted.look), self.ours[0])
        if len(alike) < 2:
            alike += [self.theirs[i] for i in theirs[:2] if self.theirs[i] not in alike]
        raise _undecided(blamed.layers[0], [unit.layers[0] for unit in alike])

    def hold_together(self, mine: int) -> None:
        """A unit that stands elsewhere may not have come alone: what looks like its old neighbour must be it."""
        other = self.place[mine]
        for step in (-1, 1):
            ours, theirs = mine + step, other + step
            if not (0 <= ours < len(self.ours) and 0 <= theirs < len(self.theirs)):
                continue
            if self.ours[ours].look == self.theirs[theirs].look and self.place[ours] != theirs:
                candidates = [self.theirs[self.place[ours]].layers[0], self.theirs[theirs].layers[0]]
                raise _undecided(self.ours[ours].layers[0], candidates)


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A longest run of pairs whose second places rise as the first do."""
    ends: list[int] = []
    tops: list[int] = []
    before: list[int] = []
    for index, (_, other) in enumerate(pairs):
        length = bisect_left(ends, other)
        before.append(tops[length - 1] if length else -1)
        ends[length : length + 1] = [other]
        tops[length : length + 1] = [index]
    chosen = []
    index = tops[-1] if tops else -1
    while index >= 0:
        chosen.append(pairs[index])
        index = before[index]
    return chosen[::-1]


_NUMBERS = re.compile(r"(\d+)")


def _by_shape(ours: list[_Layer], theirs: list[_Layer]) -> list[tuple[_Layer, _Layer]]:
    """Layers of one shape in the order of the numbers in their names."""
    places: dict[Hashable, list[_Layer]] = {}
    for layer in theirs:
        places.setdefault(layer.look, []).append(layer)
    numbered = {look: iter(_by_number(layers, ours)) for look, layers in places.items()}
    return [(layer, next(numbered[layer.look])) for layer in ours]


def _by_number(layers: list[_Layer], ours: list[_Layer]) -> list[_Layer]:
    """Sorted by numbers; raises Problem where two names differ in something else first."""

    def key(layer: _Layer) -> list[tuple[str, int]]:
        parts = _NUMBERS.split(layer.name)
        return [(text, int(number)) for text, number in zip(parts[::2], [*parts[1::2], "-1"], strict=True)]

    ranked = sorted(layers, key=key)
    for one, two in pairwise(ranked):
        texts = next((a[0], b[0]) for a, b in zip(key(one), key(two), strict=False) if a != b)
        if texts[0] != texts[1]:
            mine = next(layer for layer in ours if layer.look == one.look)
            problem = _undecided(mine, [one, two])
            fix = "the file keeps its arrays sorted by name: save them with numpy.savez, or " + ADVICE
            raise Problem(problem.code, problem.message, fix)
    return ranked
