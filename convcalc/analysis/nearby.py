"""Input sizes near the present ones at which a node fits that does not fit now, out of all that do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.analysis.trials import FITS
from convcalc.diagnostics import times
from convcalc.symbolic.carrying import follow
from convcalc.symbolic.domains import domain, opened
from convcalc.symbolic.knobs import spatial, turned
from convcalc.symbolic.wording import box

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convcalc.analysis.trials import Trials
    from convcalc.graph import Graph
    from convcalc.symbolic.domains import Domain
    from convcalc.symbolic.knobs import Knob

COST = 10
"""Nodes that are as much work to look at as one is over open sizes."""


def sizes_that_fit(trials: Trials, name: str, axes: Sequence[int]) -> tuple[str, str]:
    """A fix like ``set H to 80 or 96`` for a node, tried, and ``valid when H % 16 == 0; nearest 80, 96``.

    Where sizes are compared with each other, one alone is changed, first of the ``axes`` that are to be mended. Both
    are empty where no size makes the node fit without breaking what was right, or it cannot be decided.
    """
    knobs = spatial(trials.graph)
    trials.refill()
    alone = sorted(([knob] for knob in knobs if knobs[1:]), key=lambda one: one[0].axis not in axes)
    for chosen in (knobs, *alone):
        found = _nearest(trials, name, chosen) if chosen and trials.spend(COST * len(trials.graph.nodes)) else None
        if found:
            return found
    return "", ""


def _nearest(trials: Trials, name: str, knobs: list[Knob]) -> tuple[str, str] | None:
    graph = trials.graph
    solved = _fitting(trials, name, knobs)
    turns = list(_turns(solved, knobs)) if solved else []
    found = [turn for turn in turns if trials.rebuilt(name, turned(graph, turn)) == FITS]
    if solved is None or not found:
        return None
    nearest = ", ".join(dict.fromkeys(times(dict.fromkeys(turn.values())) for turn in found))
    changed = {knob.name for knob in found[0]}
    sets = [each if solved.boxes[1:] else {s: each[s] for s in each if s in changed} for each in solved.boxes]
    valid = "; or ".join(box(each, plain=True) for each in sets)
    return _told(graph, found), "" if solved.undecided else f"valid when {valid}; nearest {nearest}"


def _fitting(trials: Trials, name: str, knobs: list[Knob]) -> Domain | None:
    """The sizes at which the node fits, and all others but those that fail already; None if none are known."""
    carried, _ = follow(opened(trials.graph, knobs))
    nodes = carried.graph.nodes
    failed = trials.before.failed - {name}
    conditions = [each for each in carried.conditions if nodes[each.node].name not in failed]
    if name not in {nodes[each.node].name for each in conditions}:
        return None
    return domain(carried._replace(conditions=conditions), [knob.name for knob in knobs]) or None


def _turns(solved: Domain, knobs: list[Knob]) -> Iterator[dict[Knob, int]]:
    """The nearest sizes below and above: one for all that must change; where they hang on each other, the closest."""
    present = {knob.name: knob.size for knob in knobs}
    if len(solved.boxes) > 1:
        closest = solved.closest(present)
        yield {knob: closest[knob.name] for knob in knobs if closest[knob.name] != knob.size}
        return
    sizes = solved.boxes[0]
    wrong = [knob for knob in knobs if knob.size not in sizes[knob.name]]
    if not wrong:
        return
    common = sizes[wrong[0].name]
    for knob in wrong[1:]:
        common &= sizes[knob.name]
    for n in (common.below(min(knob.size for knob in wrong)), common.above(max(knob.size for knob in wrong))):
        if n is not None:
            yield dict.fromkeys(wrong, n)


def _told(graph: Graph, turns: list[dict[Knob, int]]) -> str:
    """Turns of the same knobs as one sentence, in the words of a spec."""
    knobs = list(turns[0])
    if not knobs[0].input:
        if len(set(turns[0].values())) > 1:
            return f"set {' and '.join(f'{knob.name} to {n}' for knob, n in turns[0].items())}"
        return (
            f"set {' and '.join(knob.name for knob in knobs)} to {' or '.join(str(turn[knobs[0]]) for turn in turns)}"
        )
    shapes: dict[str, list[str]] = {}
    for turn in turns:
        for name in dict.fromkeys(knob.input for knob in knobs):
            shape = list(graph.nodes[graph.inputs[name].node].shape or ())
            for knob, n in turn.items():
                if knob.input == name:
                    shape[knob.axis] = n
            shapes.setdefault(name, []).append(str(shape))
    return " and ".join(f"write {name}: {' or '.join(each)}" for name, each in shapes.items())
