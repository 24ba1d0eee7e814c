"""What holds of closed forms for every value of their symbols: exactly, or not decided.

A form whose floors are over numbers is a quasi-polynomial in each symbol: on every residue class modulo its period a
polynomial with integer coefficients, for `` floor(X/d)`` has ``d`` times the period of ``X``. So it is zero everywhere
if it is on ``degree + 1`` points of each class, and a linear one moves by the same step with every period.
"""

from __future__ import annotations

from itertools import product
from math import lcm
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Problem
from convcalc.symbolic.forms import Call, Floor, Form, Symbol, Whole, evaluator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convcalc.dims import Demand
    from convcalc.symbolic.forms import Atom

POINTS = 4096
"""So many points are looked at to decide a form."""

SOON = 64
"""Points that are tried before that."""

FAR = 4096
"""Values of one symbol that are tried in search of a counterexample."""


class Outside(Exception):
    """An atom that is no quasi-polynomial."""

    def __init__(self, atom: Atom) -> None:
        self.atom = atom


class Shape(NamedTuple):
    """Of a quasi-polynomial in one symbol: how soon it repeats, and its degree."""

    period: int
    degree: int


def shape(form: Any, name: str) -> Shape:
    """Period and degree in a symbol; raises Outside."""
    if not isinstance(form, Form):
        return Shape(1, 0)
    period, degree = 1, 0
    for monomial in form.terms:
        of_product = 0
        for atom, power in monomial:
            one = _of_atom(atom, name)
            period = lcm(period, one.period)
            of_product += power * one.degree
        degree = max(degree, of_product)
    return Shape(period, degree)


def _of_atom(atom: Atom, name: str) -> Shape:
    if isinstance(atom, Symbol):
        return Shape(1, int(atom.name == name))
    if isinstance(atom, Whole):
        return shape(atom.parts[0], name)
    if isinstance(atom, Floor) and isinstance(atom.parts[1], int):
        inner = shape(atom.parts[0], name)
        return Shape(inner.period * (atom.parts[1] if inner.degree else 1), inner.degree)
    raise Outside(atom)


def is_zero(form: Any) -> bool | None:
    """Whether a dim is 0 for all values of its symbols; None where that is too much to look at. Raises Outside."""
    if not isinstance(form, Form):
        return bool(form == 0)
    ranges, points = {}, 1
    for name in form.symbols():
        period, degree = shape(form, name)
        points *= period * (degree + 1)
        if points > POINTS:
            return None
        ranges[name] = range(period * (degree + 1))
    values = (dict(zip(ranges, point, strict=True)) for point in product(*ranges.values()))
    return all(form.evaluate(point) == 0 for point in values)


def never_negative(form: Any) -> bool:
    """Whether a dim is surely at least 0 where every symbol is as large as it is assumed; False where in doubt."""
    if not isinstance(form, Form):
        return bool(form >= 0)
    if _no_minus(form):
        return True
    symbols = form.symbols()
    least = {name: one.least for name, one in symbols.items()}
    if None in least.values():
        return False
    lowest: dict[str, int] = {name: one for name, one in least.items() if one is not None}
    if grows(form):
        return bool(form.evaluate(lowest) >= 0)
    if len(symbols) > 1:
        return False
    ((name, start),) = lowest.items()
    try:
        period, degree = shape(form, name)
    except Outside:
        return False
    if degree > 1 or period > FAR:
        return False
    first = [form.evaluate({name: n}) for n in range(start, start + period + 1)]
    return bool(first[-1] >= first[0] and min(first) >= 0)


def _no_minus(form: Any) -> bool:
    """Whether a dim is a sum of products of what is never negative."""
    if not isinstance(form, Form):
        return bool(form >= 0)
    return all(
        count > 0 and all(_atom_no_minus(atom) for atom, _ in monomial) for monomial, count in form.terms.items()
    )


def _atom_no_minus(atom: Atom) -> bool:
    if isinstance(atom, Symbol):
        return atom.least is not None and atom.least >= 0
    return isinstance(atom, (Floor, Whole)) and all(map(_no_minus, atom.parts))


def grows(form: Form) -> bool:
    """Whether a form surely never falls while its symbols grow."""
    return all(map(_grows, _without_constant(form)))


def _without_constant(form: Form) -> Iterator[tuple[Any, int]]:
    return ((monomial, count) for monomial, count in form.terms.items() if monomial)


def _grows(term: tuple[Any, int]) -> bool:
    """Whether a term never falls while the symbols grow, from values that are not negative."""
    monomial, count = term
    return count > 0 and all(_atom_grows(atom) for atom, _ in monomial)


def _atom_grows(atom: Atom) -> bool:
    if isinstance(atom, Symbol):
        return atom.least is not None and atom.least >= 0
    if isinstance(atom, Whole) or (isinstance(atom, Floor) and isinstance(atom.parts[1], int)):
        inner = atom.parts[0]
        return isinstance(inner, Form) and grows(inner)
    return False


def simplified(function: str, operands: Sequence[Any]) -> Any:
    """A call's value where it is known for all values of the symbols, else None."""
    if function in ("min", "max"):
        kept: list[Any] = []
        for one in operands:
            if any(_better(function, other, one) for other in kept):
                continue
            kept = [other for other in kept if not _better(function, one, other)] + [one]
        if len(kept) == 1:
            return kept[0]
        if len(kept) < len(operands):
            from convcalc.symbolic.forms import atom

            return atom(Call(function, *kept))
        return None
    if function in _REFUTED:
        left, right = operands
        difference = left - right
        if not isinstance(difference, Form):
            from convcalc.expressions import call

            return call(function, difference, 0)
        return _compared(function, difference)
    return None


_REFUTED = frozenset(("==", "!=", "<", "<=", ">", ">="))


def _better(function: str, one: Any, other: Any) -> bool:
    return never_negative(other - one if function == "min" else one - other)


def _compared(function: str, difference: Form) -> int | None:
    above, below = never_negative(difference - 1), never_negative(-difference - 1)
    if function in ("==", "!="):
        return int(function == "!=") if above or below else None
    if function in (">", "<="):
        return int(function == ">") if above else int(function == "<=") if never_negative(-difference) else None
    return int(function == "<") if below else int(function == ">=") if never_negative(difference) else None


class Verdict(NamedTuple):
    """What is known of a claim: ``counterexample`` where it is refuted; ``why`` where it is not decided."""

    proved: bool
    counterexample: dict[str, int] | None = None
    why: str = ""


def equal_where(
    pairs: Sequence[tuple[Any, Any]],
    conditions: Sequence[Demand],
    declared: Mapping[str, int],
    least: Mapping[str, int],
) -> Verdict:
    """Whether the two dims of every pair agree wherever all conditions hold.

    A counterexample has the smallest values, in sum, of the symbols of the first pair that does not agree; the others
    are at their declared values.
    """
    undecided = ""
    hard = [d for d in conditions if d.relation != ">=" or not never_negative(d.left - d.right)]
    for left, right in dict.fromkeys(pairs):
        if left != right:
            verdict = _zero_where(left - right, hard, declared, least)
            if verdict.counterexample is not None:
                return verdict
            undecided = undecided or verdict.why
    return Verdict(not undecided, None, undecided)


def _zero_where(
    difference: Any, conditions: list[Demand], declared: Mapping[str, int], least: Mapping[str, int]
) -> Verdict:
    why = "where the net is valid is not simple"
    names = sorted(difference.symbols() if isinstance(difference, Form) else least)
    own = [demand for demand in conditions if _symbols(demand) <= set(names)]
    doubtful = False

    def refuted(reach: int) -> dict[str, int] | None:
        """The smallest values at which they differ."""
        nonlocal doubtful
        for point in _points(names, least, reach):
            of = evaluator({**declared, **point})
            if of(difference) != 0 and _all_hold(own, of):
                if _all_hold(conditions, of):
                    return point
                doubtful = True
        return None

    # most of what is wrong is wrong at once, and cheaper to see than to decide
    soon = refuted(int(SOON ** (1 / len(names))))
    if soon:
        return Verdict(False, soon)
    try:
        if is_zero(difference.multiplied_out() if isinstance(difference, Form) else difference):
            return Verdict(True)
    except Outside as outside:
        why = f"{_named(outside.atom)} is no quasi-polynomial"
    enough = _enough(difference, own, names[0], least.get(names[0], 0)) if len(names) == 1 else None
    reach = enough or int(FAR ** (1 / len(names)))
    late = refuted(reach)
    if late:
        return Verdict(False, late)
    if enough and not doubtful:
        return Verdict(True)
    return Verdict(False, None, f"{why}: checked up to {reach}")


def _symbols(demand: Demand) -> set[str]:
    sides: tuple[Any, Any] = (demand.left, demand.right)
    return {name for side in sides if isinstance(side, Form) for name in side.symbols()}


def _points(names: Sequence[str], least: Mapping[str, int], reach: int) -> Iterator[dict[str, int]]:
    """Values of the symbols, the smallest in all first."""
    starts = [least.get(name, 0) for name in names]
    grid = product(*[range(start, start + reach) for start in starts])
    points = grid if len(names) == 1 else sorted(grid, key=sum)
    return (dict(zip(names, point, strict=True)) for point in points)


def _all_hold(conditions: list[Demand], of: Any) -> bool:
    """Whether all conditions hold; one that fails comes to the front, for it often fails at the next point too."""
    for place, demand in enumerate(conditions):
        try:
            difference = of(demand.left) - of(demand.right)
        except (Problem, ZeroDivisionError):  # a divisor of 0: no net is there
            return False
        if difference < 0 if demand.relation == ">=" else difference > 0 if demand.relation == "<=" else difference:
            conditions.insert(0, conditions.pop(place))
            return False
    return True


def _enough(difference: Any, conditions: Sequence[Demand], name: str, start: int) -> int | None:
    """How many values from ``start`` tell of all, None where that is not known.

    Once all that is linear in the symbol has taken its sign each residue class is valid for good, or never; after
    that as many periods tell as the difference has coefficients.
    """
    try:
        of_difference = shape(difference, name)
        period = of_difference.period
        settled = start
        for demand in conditions:
            side: Any = demand.left - demand.right
            if not isinstance(side, Form):
                continue
            one = shape(side, name)
            if one.degree > 1 or one.period > FAR:
                return None
            period = lcm(period, one.period)
            values = [side.evaluate({name: n}) for n in range(start, start + one.period + 1)]
            step = abs(values[-1] - values[0])
            if step:
                settled = max(settled, start + (max(map(abs, values)) // step + 1) * one.period)
        points = settled - start + period * (of_difference.degree + 1)
        return points if points <= FAR else None
    except Outside:
        return None


def _named(atom: Atom) -> str:
    from convcalc.symbolic.forms import atom as alone

    return str(alone(atom))
