"""What a spec claims, held against the analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from convcalc.analysis import Analysis
    from convcalc.diagnostics import Diagnostic


class Claims(NamedTuple):
    """What came of a spec's claims; ``not_run`` are parts that only a run can check.

    Of those that hold, ``proved`` hold for every value of ``variables``; for each other one that mentions a variable
    ``at_values`` says why it was checked at the present values alone.
    """

    hold: int = 0
    proved: int = 0
    variables: tuple[str, ...] = ()
    at_values: tuple[str, ...] = ()
    suspended: int = 0
    failed: tuple[Diagnostic, ...] = ()
    not_run: tuple[str, ...] = ()

    def told(self) -> list[str]:
        """The footer of a report: one sentence a line, nothing where there is nothing to say."""
        lines = []
        if self.hold:
            proved = f"; {self.proved} proved for every {', '.join(self.variables)}" if self.proved else ""
            lines.append(f"{self.hold} expectation{'s' * (self.hold != 1)} hold{'s' * (self.hold == 1)}{proved}")
        if self.at_values:
            why = "; ".join(dict.fromkeys(self.at_values))
            lines.append(f"{len(self.at_values)} checked at these values only: {why}")
        if self.failed:
            lines.append(f"{len(self.failed)} not met, see below")
        if self.suspended:
            lines.append(f"{self.suspended} suspended: said of other values of the variables")
        if self.not_run:
            lines.append(f"{' and '.join(self.not_run)}: not run")
        return lines


def check_claims(analysis: Analysis, *, prove: bool = True) -> Claims:
    """Expectations, budgets and samples of the spec that an analysis came from: they speak of a batch of one.

    With ``prove`` what is said of variables is held for every value of them, which takes longer than the analysis.
    """
    spec = analysis.graph.spec
    if spec is None:
        return Claims()
    if (analysis.batch, analysis.dtype) != (1, "float32"):
        from convcalc.analysis import analyze

        analysis = analyze(analysis.graph)
    failed: list[Diagnostic] = []
    hold = proved = suspended = 0
    variables: tuple[str, ...] = ()
    at_values: tuple[str, ...] = ()
    if analysis.graph.claims or spec.budget:
        from convcalc.checks.expectations import check_expectations

        hold, proved, variables, at_values, suspended, failed = check_expectations(analysis, prove=prove)
    if spec.weights or spec.samples:
        from convcalc.checks.samples import check_samples, moved

        misfit = check_samples(analysis)
        if misfit and moved(analysis.graph):
            suspended += 1
        else:
            failed += misfit
    not_run = tuple(name for name, given in (("weights", spec.weights), ("sample", spec.samples)) if given)
    return Claims(hold, proved, variables, at_values, suspended, tuple(failed), not_run)
