"""A spec held against itself, in every variant, and against what a project wants of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.analysis import examine
from convcalc.checks import check_claims
from convcalc.checks.expectations import budget
from convcalc.checks.lints import Linter
from convcalc.checks.lock import drift
from convcalc.checks.outcome import Checked
from convcalc.checks.rules import Rules, rules, silenced
from convcalc.diagnostics import Diagnostic, Note, Problem, SpecError, in_order
from convcalc.expand import expand
from convcalc.loading import open_source, spec_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.analysis import Analysis
    from convcalc.checks.configuration import Budget
    from convcalc.source import Source
    from convcalc.spec import Spec


MOST = 200_000
"""Layers of all variants together; more take longer to check than anybody waits."""


class Wants(NamedTuple):
    """What is wanted of one spec: rules, budgets beside its own, its part of a baseline at ``lock``, whether to run."""

    rules: Rules = Rules()
    budgets: tuple[Budget, ...] = ()
    lock: str = ""
    locked: Any = None
    run: bool = False


class Task(NamedTuple):
    """A spec to check: its text, the variant that was named if one was, and what is wanted of it."""

    source: Source
    named: str = ""
    wants: Wants = Wants()


def check_spec(argument: str, wants: Wants | None = None) -> Checked:
    """Everything that is wrong with a spec, as its file declares it and in each of its variants.

    Raises Unreadable where there is nothing to read.
    """
    return check_task(Task(*open_source(argument), wants or Wants()))


def check_task(task: Task) -> Checked:
    """The same of a text that was read, or of one of its variants."""
    source, named, wants = task
    try:
        spec = spec_of(source, named)
    except SpecError as error:
        found, nets = list(error.diagnostics), 0
    else:
        found, nets = _findings(spec, named, wants)
    told, ignored = silenced(source, wants.rules.applied(found), wants.rules)
    return Checked(source.path, in_order(told), nets, ignored)


def nets_of(spec: Spec, named: str = "") -> list[str]:
    """The variants to check: the one that was named, or the file as it stands, ``""``, and all of its variants."""
    return [named] if named else ["", *spec.variants]


def _findings(spec: Spec, named: str, wants: Wants) -> tuple[list[Diagnostic], int]:
    """What is found in all nets of a spec, each finding once, and how many nets there are."""
    found_in: dict[Diagnostic, list[str]] = {}
    asked = nets_of(spec, named)
    linter = Linter(spec)
    layers = 0
    for variant in nets_of(spec):
        graph = expand(spec, variant=variant)
        layers += len(graph.nodes)
        if variant and layers > MOST:
            told = f"the variants make more than {MOST:,} layers in all"
            place = spec.marks.key(("variants", variant))
            found_in[Diagnostic("too-many-layers", told, "split the file", spec.source, place)] = asked
            break
        analysis, found = examine(graph)
        if analysis is not None:
            linter.look(analysis)
            found = list(_of_net(analysis, wants)) if variant in asked else []
        for finding in dict.fromkeys(found):
            found_in.setdefault(finding, []).append(variant)
    if all(finding.code in rules() for finding in found_in):  # what a mistake leaves unread would look unused
        found_in |= linter.findings(asked)
    # A lint is so in all nets of a file or in none, so that those not asked for were looked at too.
    kept = [(finding, names) for finding, names in found_in.items() if set(names) & set(asked)]
    return [f._replace(variants=() if "" in names else tuple(names)) for f, names in kept], len(asked)


def _of_net(analysis: Analysis, wants: Wants) -> Iterator[Diagnostic]:
    """What is found in one net that could be analysed."""
    yield from check_claims(analysis).failed
    for wanted in wants.budgets:
        yield from _over(analysis, wanted)
    if wants.lock and (changed := drift(analysis, wants.locked, wants.lock)):
        yield changed
    if wants.run:
        from convcalc.checks.observed import observe

        yield from observe(analysis)


def _over(analysis: Analysis, wanted: Budget) -> Iterator[Diagnostic]:
    """A finding where a net is over a budget of the project."""
    spec = analysis.graph.spec
    try:
        told = budget(analysis, wanted.metric, wanted.bound)
    except Problem as problem:
        told = problem
    if told and spec:
        message = f"target {wanted.target}: {told.message}" if wanted.target else told.message
        notes = (Note(f"the budget is set in {wanted.where}"),)
        yield Diagnostic(told.code, message, told.fix, spec.source, spec.marks.key(("layers",)), notes)
