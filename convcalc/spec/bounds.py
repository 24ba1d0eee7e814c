"""The values of ``budget``: ``<= 26M``, ``>= 427``, ``< 100 MiB``."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Problem, did_you_mean
from convcalc.expressions import LIMIT

if TYPE_CHECKING:
    from fractions import Fraction

UNITS = {
    "": 1, "k": 10**3, "M": 10**6, "G": 10**9,
    "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9,
    "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
}  # fmt: skip

_RELATIONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}

_BOUND = re.compile(r"(<=|>=|<|>) *([0-9]+(?:_[0-9]+)*)(?:\.([0-9]+))? *([A-Za-z]*)")
_EXAMPLE = 'write a relation, a number and perhaps a unit, as in "<= 26M"'


class Bound(NamedTuple):
    """What a metric must keep to; ``limit`` is exact, ``text`` is as written."""

    relation: str
    limit: int | Fraction
    text: str

    def holds(self, value: Any) -> bool:
        """Whether a number keeps to it."""
        return bool(_RELATIONS[self.relation](value, self.limit))


def bound(text: str) -> Bound:
    """Read a bound; raises Problem (``bound``) with an example of one that can be read."""
    match = _BOUND.fullmatch(text.strip()) if len(text) < 60 else None
    if match is None:
        bare = _BOUND.fullmatch("<=" + text.strip()) if len(text) < 60 else None
        fix = f'put a relation before it: "<= {text.strip()}"' if bare and bare[4] in UNITS else _EXAMPLE
        raise Problem("bound", "a bound is a relation (<, <=, > or >=) and a number", fix)
    relation, whole, decimals, unit = match.groups(default="")
    if unit not in UNITS:
        raise Problem("bound", f"'{unit}' is not a unit", did_you_mean(unit, [u for u in UNITS if u]))
    digits = int(whole + decimals) * UNITS[unit]
    scale = 10 ** len(decimals)
    if digits >= LIMIT * scale:
        raise Problem("too-large", "the bound does not fit in 63 bits", "write a smaller number")
    if digits % scale == 0:
        return Bound(relation, digits // scale, text)
    from fractions import Fraction  # slow to import, rarely needed

    return Bound(relation, Fraction(digits, scale), text)


def of_a_budget(key: str, text: str) -> Problem | None:
    """What is wrong with a claim that is written as a bound, or with a unit: those are for budgets; else None."""
    exact = text[:1] not in ("<", ">")
    if exact and not text[-1:].isalpha():
        return None
    try:
        said = bound(f"<= {text}" if exact else text)
    except Problem:
        return None
    if exact:
        return Problem(
            "bound", f"what is expected of {key} is exact, without a unit", f"write {key}: {int(said.limit)}"
        )
    return Problem("bound", f"{key} is expected to be one number, and '{text}' is a bound", "put it under budget")
