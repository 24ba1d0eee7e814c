"""What must hold of the free variables, as a person says it: ``H >= 63``, ``H % 16 == 0``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Problem
from convcalc.symbolic.deciding import grows, never_negative
from convcalc.symbolic.forms import Form, factors
from convcalc.symbolic.writing import text

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from convcalc.dims import Demand
    from convcalc.symbolic.carrying import Condition

FARTHEST = 1 << 40
"""Bounds beyond this are not looked for."""


class Domain(NamedTuple):
    """Where closed forms hold: the least value of each variable that is assumed, and every condition.

    ``told`` says all of it, the simple bounds first, each other condition with the layer that makes it.
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
    """The conditions, simplified for reading where they bound a single variable."""
    assumed = {name: form.symbols()[name].least for name, form in free.items()}
    lowest: dict[str, int] = {}
    highest: dict[str, int] = {}
    others: dict[str, int] = {}
    first: dict[tuple[Any, str, Any], int] = {}
    for node, demand in conditions:
        first.setdefault(demand[:3], node)
    for (left, relation, right), node in first.items():
        if relation == "==":
            others.setdefault(_equality(left, right), node)
            continue
        more = left - right if relation == ">=" else right - left
        if never_negative(more) or _follows(left, relation, right, first):
            continue
        bound = _bound(more)
        if bound is None:
            others.setdefault(_inequality(left, relation, right), node)
        elif bound[1] == ">=":
            lowest[bound[0]] = max(bound[2], lowest.get(bound[0], bound[2]))
        else:
            highest[bound[0]] = min(bound[2], highest.get(bound[0], bound[2]))
    told = []
    for name, least in assumed.items():
        low = lowest.get(name, least)
        if low is not None:
            told.append(f"{name} >= {low}")
        if name in highest:
            told.append(f"{name} <= {highest[name]}")
    return Domain(tuple(demand for _, demand in conditions), assumed, (*told, *others))


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


def _inequality(left: Any, relation: str, right: Any) -> str:
    """``left >= right`` with a number on the right alone."""
    if isinstance(left, Form) and isinstance(right, int):
        left, right = left - left.constant, right - left.constant
    return f"{text(left)} {relation} {text(right)}"


def _equality(left: Any, right: Any) -> str:
    """The shorter of ``left == right`` and ``left - right == 0``, a constant on the right."""
    if isinstance(left, int):
        left, right = right, left
    apart = left - right
    constant = apart.constant if isinstance(apart, Form) else 0
    ways = [f"{text(left)} == {text(right)}"]
    ways += [f"{text(sign * (apart - constant))} == {-sign * constant}" for sign in (1, -1)]
    return min(ways, key=len)


def _bound(form: Any) -> tuple[str, str, int] | None:
    """``form >= 0`` as a bound of its only symbol, if it has one and always rises, or always falls."""
    symbols = form.symbols()
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
