"""The exact set of sizes that a net accepts, and which layer demands which part of it.

Every demand of a rule over periodic dims is a set of sizes of its own; the net accepts what lies in all of them. A
demand on a product of dims (a dense layer behind a flatten) is met by the divisors of the number that it must equal.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import combinations
from itertools import product as pairings
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Problem
from convcalc.dims import Free, prod
from convcalc.expressions import evaluate
from convcalc.ops._window import divisors
from convcalc.symbolic.carrying import Condition, follow, located
from convcalc.symbolic.knobs import turned
from convcalc.symbolic.periodic import Periodic, Product, Unknown, size
from convcalc.symbolic.sizes import EVERY, NONE, TooWide, where
from convcalc.symbolic.wording import whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from convcalc.diagnostics import Diagnostic
    from convcalc.dims import Demand
    from convcalc.graph import Graph
    from convcalc.symbolic.carrying import Carried
    from convcalc.symbolic.knobs import Knob
    from convcalc.symbolic.sizes import Sizes

Box = dict[str, "Sizes"]
"""Sizes by symbol: every combination of them; a symbol that is not there is free."""

MOST_BOXES = 1000
"""Ways to divide a number among factors that are kept apart."""

LARGEST = 10**10
"""Up to here all divisors of a number are found."""

MOST_TRIED = 1 << 12
"""Bounds of a factor of a product are looked for up to here."""

FAR = 1 << 13
"""How far a size is looked for that fails."""


class Part(NamedTuple):
    """What one demand leaves of the sizes, any of the boxes, and the node that demands it."""

    node: int
    demand: Demand
    boxes: tuple[Box, ...]

    def holds(self, values: Mapping[str, int]) -> bool:
        """Whether the demand is met at these sizes."""
        return any(_inside(box, values) for box in self.boxes)


class Undecided(NamedTuple):
    """A demand that no set was found for, and why."""

    node: int
    demand: Demand
    why: str


@dataclass(frozen=True)
class Bounded:
    """A product that must be no smaller than ``least``: one of positive factors, which others may see to."""

    dim: Product
    least: int

    def follows(self, box: Box) -> bool:
        """Whether it is so wherever the sizes lie in a box, for its factors are no smaller than they have to be."""
        lowest = self.dim.coefficient * prod([self._lowest(factor, box) for factor in self.dim.factors])
        return lowest >= max(self.least, 1)

    def _lowest(self, factor: Periodic, box: Box) -> int:
        """What a factor is at least, 0 where that is not positive, looked for up to what would do alone."""

        def smaller(n: int) -> bool:
            """Whether it may be smaller than ``n``."""
            try:
                return not box[factor.symbol] <= where(factor - n, ">=")
            except TooWide:
                return True

        enough = max(1, -(-self.least // self.dim.coefficient))
        return bisect_left(range(1, min(enough, MOST_TRIED) + 1), True, key=smaller)


class Domain:
    """What a net accepts of the sizes that were opened, and all the demands that it is made of.

    Where something is undecided, the net accepts at most what the boxes hold.
    """

    def __init__(
        self,
        carried: Carried,
        symbols: tuple[str, ...],
        boxes: Sequence[Box],
        parts: Sequence[Part],
        undecided: Sequence[Undecided] = (),
    ) -> None:
        self.carried = carried
        self.symbols = symbols
        self.boxes = tuple(boxes)
        self.parts = tuple(parts)
        self.undecided = tuple(undecided)

    def __bool__(self) -> bool:
        return bool(self.boxes)

    def __str__(self) -> str:
        return whole(self.boxes)

    def __contains__(self, values: Mapping[str, int]) -> bool:
        return any(_inside(box, values) for box in self.boxes)

    def smallest(self) -> dict[str, int]:
        """The member of the smallest product, of several the one whose sizes differ least; empty if there is none."""
        corners = [[box[symbol].above(1) or 0 for symbol in self.symbols] for box in self.boxes]
        best = min(corners, key=lambda corner: (prod(corner), max(corner), corner), default=[])
        return dict(zip(self.symbols, best, strict=False))

    def nearest(self, symbol: str, values: Mapping[str, int]) -> tuple[int | None, int | None]:
        """The nearest sizes below and above ``values[symbol]``, itself included, with the other sizes as they are."""
        fitting = NONE
        for box in self.boxes:
            if all(values[other] in box[other] for other in self.symbols if other != symbol):
                fitting |= box[symbol]
        return fitting.below(values[symbol]), fitting.above(values[symbol])

    def closest(self, values: Mapping[str, int]) -> dict[str, int]:
        """The member whose sizes are all as near as can be; empty if there is none."""
        members = []
        for box in self.boxes:
            near = [_near(box[symbol], values[symbol]) for symbol in self.symbols]
            members.append((max(abs(n - values[s]) for n, s in zip(near, self.symbols, strict=True)), near))
        return dict(zip(self.symbols, min(members)[1], strict=True)) if members else {}

    def demanding(self) -> list[tuple[Part, int]]:
        """The fewest parts that make the domain, the first layers', each with how many layers more demand the same."""
        groups = self._groups()
        kept = [group[0] for group in groups]
        for candidate in reversed(kept):
            rest = [part for part in kept if part is not candidate]
            if meet(self.symbols, [part.boxes for part in rest]) == [*self.boxes]:
                kept = rest
        return [(group[0], len({part.node for part in group}) - 1) for group in groups if group[0] in kept]

    def contradiction(self) -> list[Part]:
        """The fewest parts that leave nothing together, where the domain is empty: one, two or more."""
        kept = [group[0] for group in self._groups()]
        for size_ in (1, 2):
            for chosen in combinations(kept, size_):
                if not meet(self.symbols, [part.boxes for part in chosen]):
                    return list(chosen)
        for candidate in reversed(kept):
            rest = [part for part in kept if part is not candidate]
            if not meet(self.symbols, [part.boxes for part in rest]):
                kept = rest
        return kept

    def _groups(self) -> list[list[Part]]:
        """The parts, those that leave the same together."""
        groups: dict[tuple[Any, ...], list[Part]] = {}
        for part in self.parts:
            groups.setdefault(tuple(tuple(box.items()) for box in part.boxes), []).append(part)
        return list(groups.values())

    def failing(self, part: Part, present: Mapping[str, int] | None = None) -> dict[str, int]:
        """Sizes that a part refuses: the next above the smallest member, else below it; if none fit, the present."""
        base = self.smallest() or dict(present or dict.fromkeys(self.symbols, 1))
        if not part.holds(base):
            return base
        for symbol in dict.fromkeys(symbol for box in part.boxes for symbol in box):
            for n in (*range(base[symbol] + 1, base[symbol] + FAR), *range(base[symbol], 0, -1)):
                values = {**base, symbol: n}
                if not part.holds(values):
                    return values
        return base

    def reason(self, undecided: Undecided) -> Diagnostic:
        """Which layer leaves something undecided, and why."""
        graph = self.carried.graph
        node = graph.nodes[undecided.node]
        return located(graph, node, Problem("undecided", f"not decided: {undecided.why}", key=undecided.demand.key))

    def told(self, part: Part, values: Mapping[str, int]) -> str:
        """What the demand of a part says of these sizes, with its numbers."""
        step, node = self.carried.steps[part.node], self.carried.graph.nodes[part.node]
        if node.op is not None and not any(isinstance(value, (Free, tuple)) for value in node.op.given.values()):
            inputs = [tuple(at(n, values) for n in shape) for shape in step.inputs]
            try:
                demands = (*node.op.infer(*inputs).demands, *node.op.reads_all(*inputs))
            except Problem as problem:
                return problem.message
            for demand in demands:
                if (demand.code, demand.key) == (part.demand.code, part.demand.key) and not demand.holds():
                    return demand.sentence()
        left, right = at(part.demand.left, values), at(part.demand.right, values)
        return part.demand._replace(left=left, right=right).sentence()


def opened(graph: Graph, knobs: Iterable[Knob], links: Mapping[Knob, str] | None = None) -> Graph:
    """The graph over open sizes, and over others that are expressions of them; raises Problem for a wrong one."""
    values: dict[Knob, Any] = {knob: size(knob.name) for knob in knobs}
    scope = {**graph.values, **{knob.name: value for knob, value in values.items()}}
    return turned(graph, {**values, **{knob: evaluate(text, scope) for knob, text in (links or {}).items()}})


def accepts(graph: Graph) -> bool:
    """Whether a graph without open sizes is valid, found by its rules over integers."""
    return not follow(graph)[1]


def domain(carried: Carried, symbols: Sequence[str], more: Iterable[Condition] = ()) -> Domain:
    """What was carried through a graph as sets of sizes, perhaps under further conditions."""
    known: dict[tuple[Any, ...], tuple[Box, ...] | str | Bounded] = {}
    boxes: list[Box] = [dict.fromkeys(symbols, EVERY)]
    parts: list[Part] = []
    undecided: list[Undecided] = []
    bounded: list[tuple[int, Demand, Bounded]] = []
    for node, demand in (*carried.conditions, *more):
        key = demand.left, demand.relation, demand.right
        if key not in known:
            known[key] = found = _decided(demand)
            if isinstance(found, tuple):
                try:
                    boxes = _narrowed(boxes, found)
                except TooWide:
                    known[key] = "all demands together repeat themselves too late"
        found = known[key]
        if isinstance(found, str):
            undecided.append(Undecided(node, demand, found))
        elif isinstance(found, Bounded):
            bounded.append((node, demand, found))
        elif found != ({},):
            parts.append(Part(node, demand, found))
    parts = [part._replace(boxes=_within(part.boxes, boxes, symbols)) for part in parts]
    met = {found: all(map(found.follows, boxes)) for found in dict.fromkeys(found for _, _, found in bounded)}
    for node, demand, found in bounded:
        if not met[found]:
            undecided.append(Undecided(node, demand, f"a bound on {found.dim.told()}"))
    return Domain(carried, tuple(symbols), boxes, parts, undecided)


def exactness(carried: Carried) -> Iterator[Condition]:
    """What must hold beside, so that no layer leaves positions at the end unread."""
    for place, step in enumerate(carried.steps):
        if step.op is not None:
            for demand in step.op.reads_all(*step.inputs):
                yield Condition(place, demand)


def meet(symbols: Iterable[str], demands: Iterable[Sequence[Box]]) -> list[Box]:
    """What lies in a box of every demand, in boxes over all symbols."""
    boxes: list[Box] = [dict.fromkeys(symbols, EVERY)]
    for choices in demands:
        boxes = _narrowed(boxes, choices)
    return boxes


def at(dim: Any, values: Mapping[str, int]) -> int:
    """The value of a dim for these sizes."""
    if isinstance(dim, Periodic):
        return dim.at(values[dim.symbol])
    if isinstance(dim, Product):
        return dim.coefficient * prod(at(factor, values) for factor in dim.factors)
    return int(dim)


def _narrowed(boxes: list[Box], choices: Sequence[Box]) -> list[Box]:
    """What lies in one of the boxes and in one of the choices."""
    met: list[Box] = []
    for box, choice in pairings(boxes, choices):
        narrowed = {**box, **{symbol: box[symbol] & own for symbol, own in choice.items()}}
        if all(narrowed.values()) and narrowed not in met:
            met.append(narrowed)
    return met


def _within(choices: tuple[Box, ...], boxes: list[Box], symbols: Sequence[str]) -> tuple[Box, ...]:
    """Those of several choices that have sizes of the domain: a product of two negative sizes has none."""
    if len(choices) < 2 or not boxes:
        return choices
    kept = [choice for choice in choices if _narrowed(boxes, [choice])]
    return tuple([{symbol: choice[symbol] for symbol in symbols if symbol in choice} for choice in kept])


def _decided(demand: Demand) -> tuple[Box, ...] | str | Bounded:
    """The boxes where a demand holds, why it is undecided, or the bound on a product that it is."""
    left, relation, right = demand[:3]
    if relation == "<=":
        left, relation, right = right, ">=", left
    difference = left - right
    try:
        if isinstance(difference, int):
            return ({},) if (difference >= 0 if relation == ">=" else difference == 0) else ()
        if isinstance(difference, Periodic):
            found = where(difference, relation)
            return ({},) if found == EVERY else ({difference.symbol: found},) if found else ()
        if relation == "==" and isinstance(right, Product):
            left, right = right, left
        if isinstance(left, Product) and isinstance(right, int):
            if relation == "==":
                return _divided(left, right)
            return Bounded(left, right) if left.coefficient > 0 else f"a bound on {left.told()}"
    except TooWide:
        return "it hangs on sizes that are too large"
    why = next((dim.why for dim in (left, right, difference) if isinstance(dim, Unknown)), "")
    return why or f"{left} and {right} in one demand"


def _divided(dim: Product, total: int) -> tuple[Box, ...] | str:
    """The boxes where a product equals a number: a divisor for each factor."""
    if total % dim.coefficient:
        return ()
    if not 0 < abs(total) <= LARGEST:
        return f"{dim.told()} that equals {total:,}"
    boxes: list[Box] = []
    for box in _shared_out(dim.factors, total // dim.coefficient):
        alike = next((other for other in boxes if other.keys() == box.keys() and len(box) == 1), None)
        if alike is not None:
            for symbol, own in box.items():
                alike[symbol] |= own
        else:
            boxes.append(box)
        if len(boxes) > MOST_BOXES:
            return f"{dim.told()} that equals {total:,} in more than {MOST_BOXES:,} ways"
    return tuple(boxes)


def _shared_out(factors: Sequence[Periodic], total: int) -> Iterator[Box]:
    first, *others = factors
    if not others:
        own = where(first - total, "==")
        if own:
            yield {first.symbol: own}
        return
    for divisor in divisors(abs(total)):
        for part in (divisor, -divisor):
            own = where(first - part, "==")
            if own:
                for box in _shared_out(others, total // part):
                    both = {first.symbol: own, **box}
                    both[first.symbol] = own & box.get(first.symbol, EVERY)
                    if all(both.values()):
                        yield both


def _inside(box: Box, values: Mapping[str, int]) -> bool:
    return all(values[symbol] in own for symbol, own in box.items())


def _near(own: Sizes, n: int) -> int:
    """The member nearest to ``n``, the larger of two; the set has one."""
    return min((m for m in (own.above(n), own.below(n)) if m is not None), key=lambda m: abs(m - n))
