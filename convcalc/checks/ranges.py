"""For which values of a variable a net keeps to a bound: ``params<=5M`` over ``width=1:128``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.analysis import examine
from convcalc.checks.metrics import NET_NAMES, of_net
from convcalc.diagnostics import Misuse, Problem, did_you_mean
from convcalc.spec.bounds import bound
from convcalc.symbolic.carrying import follow
from convcalc.symbolic.sizes import Sizes, of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.graph import Graph
    from convcalc.spec.bounds import Bound

MOST = 10_000
"""Values that are looked at, each as a net of its own."""

_OVER = re.compile(r" *([A-Za-z_]\w*) *= *([0-9]{1,18}) *: *([0-9]{1,18}) *")
_METRIC = re.compile(r" *([a-z_]+) *([<>].*)")


class Kept(NamedTuple):
    """The values of a variable at which the net is valid and every bound holds, and the metrics at some of them."""

    variable: str
    first: int
    last: int
    values: Sizes
    metrics: dict[int, dict[str, Any]]
    """At the smallest and the largest value, and one beyond each within the range."""


def keeping(graph: Graph, over: str, conditions: Sequence[str]) -> Kept:
    """Look at every value of the range, so that no metric need grow with it; raises Misuse for what there is not."""
    match = _OVER.fullmatch(over)
    if match is None:
        raise Misuse(f"--over takes a variable and its range, as in width=1:128, not '{over}'")
    name, first, last = match[1], int(match[2]), int(match[3])
    if name not in graph.values:
        raise Misuse(f"--over: there is no variable '{name}': {did_you_mean(name, graph.values)}")
    if not 0 <= last - first < MOST:
        raise Misuse(f"--over {over}: a range has 1 to {MOST:,} values, this has {max(last - first + 1, 0):,}")
    bounds = [_bound(text) for text in conditions]
    known: dict[int, dict[str, Any]] = {}
    kept = []
    for value in range(max(first, 1), last + 1):
        turned = graph.bind({name: value})
        if follow(turned)[1]:
            continue
        analysis, _ = examine(turned)
        if analysis is None:
            continue
        known[value] = {metric: of_net(analysis, metric) for metric, _ in bounds}
        if all(_holds(known[value][metric], limit) for metric, limit in bounds):
            kept.append(value)
    shown = {n for n in (kept[0] - 1, kept[0], kept[-1], kept[-1] + 1) if n in known} if kept else set()
    return Kept(name, first, last, of(kept), {n: known[n] for n in sorted(shown)})


def _bound(text: str) -> tuple[str, Bound]:
    match = _METRIC.fullmatch(text)
    if match is None or match[1] not in NET_NAMES:
        metric = re.split(r"[<>=]", text)[0].strip()
        raise Misuse(f"--want {text}: {did_you_mean(metric, NET_NAMES) or 'a metric, a relation and a number'}")
    try:
        return match[1], bound(match[2])
    except Problem as problem:
        raise Misuse(f"--want {text}: {problem.message} ({problem.fix})") from None


def _holds(found: Any, limit: Bound) -> bool:
    return all(limit.holds(value) for value in (found if isinstance(found, tuple) else (found,)))
