"""How far a net may change: ``params>+2%``, ``macs>+10M``, ``receptive_field<400``, ``changes>0``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.checks.metrics import NET_NAMES
from convcalc.diagnostics import Misuse, Problem, did_you_mean
from convcalc.spec.bounds import bound

if TYPE_CHECKING:
    from convcalc.checks.difference import Difference
    from convcalc.spec.bounds import Bound

CHANGES = "changes"
"""The metric that counts the layers that differ."""

_LIMIT = re.compile(
    r"(?P<metric>\w+)\s*(?P<relation><=|>=|<|>)\s*(?P<sign>[+-]?)\s*(?P<amount>\w[\w. ]*?)\s*(?P<percent>%?)"
)
_EXAMPLE = "write a metric, a relation and a change, as in 'params>+2%' or 'macs>+10M'"


class Limit(NamedTuple):
    """What fails: the new value where there is no sign, else the change, as a number or in percent of the old value."""

    metric: str
    bound: Bound
    sign: str
    percent: bool
    text: str


def limit(text: str) -> Limit:
    """Read a limit; raises Misuse with an example of one that can be read."""
    match = _LIMIT.fullmatch(text.strip()) if len(text) < 100 else None
    if match is None:
        raise Misuse(f"--fail-on: '{text[:100]}' is no limit: {_EXAMPLE}")
    known = (*NET_NAMES, CHANGES)
    if match["metric"] not in known:
        raise Misuse(f"--fail-on: there is nothing called '{match['metric']}': {did_you_mean(match['metric'], known)}")
    try:
        read = bound(f"{match['relation']} {match['amount']}")
    except Problem as problem:
        raise Misuse(f"--fail-on {text}: {problem.message}: {problem.fix}") from None
    if match["percent"] and not re.fullmatch("[0-9_.]+", match["amount"]):
        raise Misuse(f"--fail-on {text}: percent have no unit: {_EXAMPLE}")
    return Limit(match["metric"], read, match["sign"], bool(match["percent"]), text.strip())


def exceeded(limit: Limit, difference: Difference) -> bool:
    """Whether a limit is passed, on any axis; a change between nets of different rank passes every limit."""
    was, now = values(limit, difference)
    if not (limit.sign or limit.percent):
        return any(map(limit.bound.holds, now))
    if len(was) != len(now):
        return True
    sign = -1 if limit.sign == "-" else 1
    for old, new in zip(was, now, strict=True):
        grown, allowed = new - old, sign * limit.bound.limit
        if limit.percent:
            grown, allowed = 100 * grown, allowed * old
        if limit.bound._replace(limit=allowed).holds(grown):
            return True
    return False


def values(limit: Limit, difference: Difference) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The old and the new value of the metric, by axis."""
    if limit.metric == CHANGES:
        return (0,), (len(difference.changed),)
    was, now = difference.totals[limit.metric]
    return (was, now) if isinstance(was, tuple) else ((was,), (now,))
