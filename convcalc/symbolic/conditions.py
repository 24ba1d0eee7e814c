"""What must hold of the free variables, as a person says it: ``H >= 63``, ``H % 16 == 0``."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Problem
from convcalc.symbolic.deciding import grows, never_negative
from convcalc.symbolic.forms import Floor, Form, factors, made, surely_positive
from convcalc.symbolic.periodic import Periodic, size
from convcalc.symbolic.sizes import EVERY, Sizes, TooWide, where
from convcalc.symbolic.wording import condition
from convcalc.symbolic.writing import text

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from convcalc.dims import Demand
    from convcalc.symbolic.carrying import Condition

FARTHEST = 1 << 40
"""Bounds beyond this are not looked for."""


class Domain(NamedTuple):
    """Where closed forms hold: the least value of each variable that is assumed, and every condition.

    ``told`` says all of it: for each variable the set or the bounds that it lies in, then what ties several together.
    """

    conditions: tuple[Demand, ...]
    assumed: dict[str, int | None]
    told: tuple[str, ...]

    def holds(self, of: Callable[[Any], Any]) -> bool:
        """Whether all conditions hold where ``of`` gives the values of forms."""
        try:
            return all(d._replace(left=of(d.left), right=of(d.right)).holds() for d in self.conditions)
        except (Problem, ZeroDivisionError):
            return False


def domain(free: dict[str, Form], conditions: Sequence[Condition]) -> Domain:
    """The conditions, simplified for reading: those on a single variable become the set of its values."""
    assumed = {name: form.symbols()[name].least for name, form in free.items()}
    lowest: dict[str, int] = {}
    highest: dict[str, int] = {}
    sets: dict[str, Sizes] = {}
    others: dict[str, Any] = {}
    known = dict.fromkeys([demand[:3] for _, demand in conditions])
    for left, relation, right in known:
        more = right - left if relation == "<=" else left - right
        if relation != "==":
            if never_negative(more) or _follows(left, relation, right, known):
                continue
            more = _unfloored(more)
            if never_negative(more):
                continue
            if bound := _bound(more):
                name, side, limit = bound
                bounds, choose = (lowest, max) if side == ">=" else (highest, min)
                bounds[name] = choose(limit, bounds.get(name, limit))
                continue
        if not _narrowed(sets, more, "==" if relation == "==" else ">="):
            if relation == "==":
                others[_equality(left, right)] = None
            else:
                others[_inequality(more)] = more
    lows = {name: _least(assumed[name], lowest.get(name), sets.get(name)) for name in free}
    least = {name: low for name, low in lows.items() if low is not None}
    told: list[str] = []
    for name, form in free.items():
        low, high = lowest.get(name, assumed[name]), highest.get(name)
        sides = [(form - low, f"{name} >= {low}")] if low is not None else []
        sides += [(high - form, f"{name} <= {high}")] if high is not None else []
        told += [said for more, said in sides if name not in sets or not _narrowed(sets, more, ">=")]
        if name in sets:
            said = condition(name, sets[name])
            told += [said] if " or " in said else said.split(" and ")
    rest = [said for said, more in others.items() if not _large_enough(more, least)]
    return Domain(tuple(demand for _, demand in conditions), assumed, (*told, *rest))


def _least(*bounds: int | Sizes | None) -> int | None:
    """The least value that keeps to all bounds, where there is any."""
    lows = [bound.above(1) if isinstance(bound, Sizes) else bound for bound in bounds]
    return max((low for low in lows if low is not None), default=None)


def _large_enough(form: Any, least: Mapping[str, int]) -> bool:
    """Whether ``form >= 0`` because it is so at the least values, and never falls from there."""
    if not isinstance(form, Form) or not grows(form) or form.symbols().keys() - least.keys():
        return False
    return bool(form.evaluate(least) >= 0)


def _follows(left: Any, relation: str, right: Any, known: Container[tuple[Any, str, Any]]) -> bool:
    """Whether a product has positions because each of its factors must have some."""
    if (relation, right) != (">=", 1):
        return False
    number, *others = factors(left)
    return (
        len(others) > 1
        and number >= 1
        and all((one, relation, 1) in known or never_negative(one - 1) for one in others)
    )


def _unfloored(more: Any) -> Any:
    """``more >= 0`` without the floor that it hangs on alone: ``floor(n/d) >= m`` is ``n >= m*d`` for ``d > 0``."""
    while isinstance(more, Form):
        (monomial, count), *others = [term for term in more.terms.items() if term[0]]
        ((one, power),) = monomial if len(monomial) == 1 else ((None, 0),)
        if others or power != 1 or not isinstance(one, Floor):
            break
        n, d = one.parts
        if not (isinstance(d, int) or surely_positive(d)):
            break
        # c*floor(n/d) + k >= 0 is floor(n/d) >= -floor(k/c), and for c < 0 floor(n/d) <= floor(k/-c)
        limit = more.constant // abs(count)
        more = n + limit * d if count > 0 else (limit + 1) * d - 1 - n
    return more


def _inequality(more: Any) -> str:
    """``more >= 0`` with what is taken away on the other side."""
    terms = more.terms if isinstance(more, Form) else {}
    left = made({monomial: count for monomial, count in terms.items() if count > 0})
    return f"{text(left)} >= {text(left - more)}"


def _equality(left: Any, right: Any) -> str:
    """The shorter of ``left == right`` and ``left - right == 0``, the latter divided by what its terms share."""
    if isinstance(left, int):
        left, right = right, left
    apart = left - right
    constant, shared = (apart.constant, gcd(*apart.terms.values())) if isinstance(apart, Form) else (0, 1)
    ways = [f"{text(left)} == {text(right)}"]
    ways += [f"{text(sign * (apart - constant) // shared)} == {-sign * constant // shared}" for sign in (1, -1)]
    return min(ways, key=len)


def _narrowed(sets: dict[str, Sizes], form: Any, relation: str) -> bool:
    """Whether it is decided where a form of one symbol is ``>=`` or ``==`` 0: then its set is narrowed to that."""
    symbols = form.symbols() if isinstance(form, Form) else {}
    if len(symbols) != 1:
        return False
    ((name, symbol),) = symbols.items()
    if symbol.least is None or symbol.least < 1:
        return False
    try:
        dim = form.evaluate({name: size(name)})
        if not isinstance(dim, (Periodic, int)):
            return False
        sets[name] = sets.get(name, EVERY) & where(dim, relation)
    except (Problem, TooWide):
        return False
    return True


def _bound(form: Any) -> tuple[str, str, int] | None:
    """``form >= 0`` as a bound of its only symbol, if it has one and always rises, or always falls."""
    symbols = form.symbols() if isinstance(form, Form) else {}
    if len(symbols) != 1:
        return None
    ((name, symbol),) = symbols.items()
    if symbol.least is None:
        return None
    rises = grows(form)
    if not rises and not grows(-form):
        return None

    def beyond(n: int) -> bool:
        """Whether the form has changed its sign."""
        value = form.evaluate({name: n})
        return bool(value >= 0 if rises else value < 0)

    if beyond(symbol.least):
        return name, ">=" if rises else "<=", symbol.least - (not rises)
    low, high = symbol.least, symbol.least + 1
    while not beyond(high):
        low, high = high, 2 * high
        if high > FARTHEST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return (name, ">=", high) if rises else (name, "<=", low)
