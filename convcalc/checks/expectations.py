"""Whether what a spec expects and budgets is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc.checks.claims import Claims
from convcalc.checks.metrics import COUNTS, LAYER, LAYER_BUDGETS, LAYER_NAMES, NET_NAMES, count, of_layer, of_net
from convcalc.diagnostics import Diagnostic, Problem, did_you_mean, times
from convcalc.expressions import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convcalc.analysis import Analysis
    from convcalc.graph import Claim, Graph
    from convcalc.spec import Bound, Path


NOT_ASKED = "convcalc check proves them"
"""Why claims are not proved where numbers for present values are wanted at once."""


def check_expectations(analysis: Analysis, *, prove: bool) -> Claims:
    """Compare every claim and budget of the spec with the analysis; with ``prove`` for every value of variables too."""
    graph = analysis.graph
    hold = suspended = 0
    failed: list[Diagnostic] = []
    general: list[Claim] = []
    for claim in graph.claims:
        if claim.suspended:
            suspended += 1
            continue
        try:
            told = _claim(analysis, claim)
        except Problem as problem:
            failed.append(_diagnostic(analysis, claim.path, problem))
            continue
        if told is None:
            hold += 1
            if claim.variables:
                general.append(claim)
        else:
            if prove and claim.variables:
                told.fix = _general(graph, claim) or told.fix
            failed.append(_diagnostic(analysis, claim.path, told))
    for key, bound in (graph.spec.budget if graph.spec else {}).items():
        try:
            told = budget(analysis, key, bound)
        except Problem as problem:
            told = problem
        hold += told is None
        if told:
            failed.append(_diagnostic(analysis, ("budget", key), told))
    proved, why = 0, [] if prove else [NOT_ASKED] * len(general)
    variables: dict[str, None] = {}
    if general and prove:
        from convcalc.checks import proofs

        for proof in proofs.prove(graph, general):
            if proof.wrong:
                hold -= 1
                failed.append(_diagnostic(analysis, proof.claim.path, proof.wrong))
            elif proof.proved:
                proved += 1
                variables.update(dict.fromkeys(proof.variables))
            else:
                why.append(proof.why)
    names = tuple(name for name in graph.values if name in variables)
    return Claims(hold, proved, names, tuple(why), suspended, tuple(dict.fromkeys(failed)))


def _general(graph: Graph, claim: Claim) -> str:
    """The fix of a claim that speaks of every value of a variable, if that has a form."""
    from convcalc.checks import proofs

    said = proofs.written(graph, claim)
    key = "" if claim.key in ("shape", "output") else f"{claim.key}: "
    return said and f"write {key}{said}, or mend the layers"


def _diagnostic(analysis: Analysis, path: Path, problem: Problem) -> Diagnostic:
    spec = analysis.graph.spec
    span = spec.marks.key((*path, *problem.key)) if spec else None
    return Diagnostic(problem.code, problem.message, problem.fix, spec.source if spec else None, span)


def _claim(analysis: Analysis, claim: Claim) -> Problem | None:
    """None where the claim holds, else what is so instead; raises Problem where it cannot be read."""
    whole = not claim.title
    key = claim.key
    if whole and key == "output":
        return _shape("output", claim.said, claim.scope, _only_output(analysis))
    if whole and key == "outputs":
        return _outputs(analysis, claim)
    known = NET_NAMES if whole else LAYER_NAMES
    if key not in known:
        names = (*known, "output", "outputs") if whole else known
        raise Problem("unknown-metric", f"there is nothing called '{key}' to expect", did_you_mean(key, names))
    if whole:
        return _compare("", key, claim.said, claim.scope, of_net(analysis, key))
    rows = _rows(analysis, claim)
    if key in COUNTS:
        return _compare(claim.title, key, claim.said, claim.scope, count(rows, key))
    last = next(
        (row for row in reversed(rows) if claim.output and row.name == analysis.graph.nodes[claim.output.node].name),
        None,
    )
    if last is None:
        raise Problem(
            "unknown-metric",
            f"{claim.title} has no layer of its own that is on",
            "move the claim to a layer that is on",
        )
    if key == "shape":
        return _shape(claim.title, claim.said, claim.scope, last.shape)
    return _compare(claim.title, key, claim.said, claim.scope, LAYER[key](last))


def _rows(analysis: Analysis, claim: Claim) -> tuple[Any, ...]:
    # A spec's inputs are the first nodes, and have no rows.
    inputs = len(analysis.graph.inputs)
    return analysis.rows[claim.start - inputs : claim.stop - inputs]


def _only_output(analysis: Analysis) -> tuple[int, ...]:
    if len(analysis.outputs) != 1:
        names = ", ".join(analysis.outputs)
        raise Problem(
            "unknown-metric",
            f"the net has {len(analysis.outputs)} outputs",
            f"write outputs: with a shape for each of {names}",
        )
    return next(iter(analysis.outputs.values()))


def _outputs(analysis: Analysis, claim: Claim) -> Problem | None:
    for name, said in claim.said.items():
        if name not in analysis.outputs:
            fix = did_you_mean(name, analysis.outputs)
            raise Problem("unknown-layer", f"there is no output '{name}'", fix, (name,))
        told = _shape(f"output {name}", said, claim.scope, analysis.outputs[name])
        if told:
            told.key = (name,)
            return told
    return None


def _shape(title: str, said: Any, scope: Mapping[str, Any], found: tuple[int, ...]) -> Problem | None:
    if not isinstance(said, list):
        raise Problem("wrong-type", f"a shape is a list of sizes, not {said}", "write it as [64, 56, 56]")
    expected = tuple(evaluate(size, scope) if isinstance(size, str) else size for size in said)
    if expected == found:
        return None
    return Problem(
        "expectation",
        f"{title}: expected {times(expected)}, found {times(found)}",
        f"write {list(found)}, or mend the layers",
    )


def _compare(title: str, key: str, said: Any, scope: Mapping[str, Any], found: Any) -> Problem | None:
    """A number, or one an axis: a single number must then be that of every axis."""
    values = said if isinstance(said, list) else [said]
    expected = tuple(evaluate(value, scope) if isinstance(value, str) else value for value in values)
    actual = found if isinstance(found, tuple) else (found,)
    wide = expected * len(actual) if len(expected) == 1 else expected
    if wide == actual:
        return None
    name = f"{title}: {key}" if title else key
    said_as = f"{said} = " if isinstance(said, str) and not said.isdigit() else ""
    numbers = said_as + _told(expected)
    return Problem(
        "expectation",
        f"{name}: expected {numbers}, found {_told(actual)}",
        f"write {key}: {_written(actual)}, or mend the layers",
    )


def _told(values: tuple[Any, ...]) -> str:
    return "x".join(f"{value:,}" if isinstance(value, int) else str(value) for value in dict.fromkeys(values)) or "none"


def _written(values: tuple[Any, ...]) -> str:
    return str(values[0]) if len(set(values)) == 1 else str(list(values))


def budget(analysis: Analysis, key: str, bound: Bound) -> Problem | None:
    """None where a metric of the net, or ``layer.metric`` of a layer or a block, keeps to its bound on every axis.

    Raises Problem where there is no such metric or layer.
    """
    layer, _, metric = key.rpartition(".")
    known = LAYER_BUDGETS if layer else NET_NAMES
    if metric not in known:
        names = [f"{layer}.{name}" for name in known] if layer else known
        raise Problem("unknown-metric", f"there is nothing called '{key}' to budget", did_you_mean(key, names))
    found = of_layer(analysis, layer, metric) if layer else of_net(analysis, metric)
    values = found if isinstance(found, tuple) else (found,)
    if all(map(bound.holds, values)):
        return None
    allowed = f"<= {max(values)}" if "<" in bound.relation else f">= {min(values)}"
    fix = f'change the net, or write {key}: "{allowed}"'
    return Problem("budget", f"{key} is {_told(values)}, the budget is {bound.text}", fix)
