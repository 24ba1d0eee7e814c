"""Conditions on what comes out, as ``output.H=7`` or ``stage3.W>=14``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from convcalc.diagnostics import Misuse, did_you_mean
from convcalc.dims import Demand, Free
from convcalc.graph import Ref
from convcalc.symbolic.carrying import Condition
from convcalc.symbolic.knobs import AXES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convcalc.graph import Graph
    from convcalc.symbolic.carrying import Carried

_WANT = re.compile(r" *(?P<name>[^=<>]+?)\.(?P<axis>[A-Z]) *(?P<relation>==?|[<>]=?) *(?P<size>[0-9]{1,18}) *")


def wanted(carried: Carried, texts: Iterable[str]) -> list[Condition]:
    """The conditions on axes of results; raises Misuse for what there is not."""
    return [_condition(carried, text) for text in texts]


def _condition(carried: Carried, text: str) -> Condition:
    match = _WANT.fullmatch(text)
    if match is None:
        told = f"--want takes a layer, an axis and a size, as in output.H=7, not '{text}'"
        raise Misuse(f"{told}; a metric, as in params<=5M, goes with --over width=1:128")
    ref = _result(carried.graph, match["name"])
    shape = carried.steps[ref.node].outputs[ref.port]
    letters = "C" + AXES.get(len(shape) - 1, "")
    if match["axis"] not in letters[: len(shape)]:
        told = f"--want {text}: {match['name']} has the axes {', '.join(letters[: len(shape)])}"
        raise Misuse(told + _instead(carried, match["axis"]))
    size = int(match["size"])
    relation, size = {
        "=": ("==", size), "==": ("==", size), "<=": ("<=", size), ">=": (">=", size),
        "<": ("<=", size - 1), ">": (">=", size + 1),
    }[match["relation"]]  # fmt: skip
    reason = f"{match['name']}.{match['axis']} is {{left}}, wanted is {relation} {{right}}"
    return Condition(ref.node, Demand(shape[letters.index(match["axis"])], relation, size, "wanted", reason))


def _instead(carried: Carried, axis: str) -> str:
    """The last layer whose size on an axis is open: a block, if it ends one."""
    graph, steps, _ = carried
    for place in reversed(range(len(graph.nodes))):
        shape = steps[place].outputs[0]
        letters = "C" + AXES.get(len(shape) - 1, "")
        if axis in letters and isinstance(shape[letters.index(axis)], Free):
            names = [group.name for group in graph.groups if group.output == Ref(place)]
            return f"; the last that has {axis} open is {min([graph.nodes[place].name, *names], key=len)}"
    return ""


def _result(graph: Graph, name: str) -> Ref:
    """An output by name, the only output as ``output``, a layer, or a block's last layer."""
    results = graph.results()
    known = {node.name: Ref(place) for place, node in enumerate(graph.nodes)}
    known |= {group.name: group.output for group in graph.groups} | results
    if len(results) == 1:
        known.setdefault("output", next(iter(results.values())))
    if name not in known:
        raise Misuse(f"there is no layer '{name}': {did_you_mean(name, known)}")
    return known[name]
