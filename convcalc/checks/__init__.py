"""What a spec claims, held against the analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.checks.claims import Claims

if TYPE_CHECKING:
    from convcalc.analysis import Analysis

__all__ = ["Claims", "check_claims"]


def check_claims(analysis: Analysis, *, prove: bool = True) -> Claims:
    """Expectations, budgets and samples of the spec that an analysis came from: they speak of a batch of one.

    With ``prove`` what is said of variables is held for every value of them, which takes longer than the analysis.
    """
    spec = analysis.graph.spec
    claims = Claims()
    if spec is None:
        return claims
    if (analysis.batch, analysis.dtype) != (1, "float32"):
        from convcalc.analysis import analyze

        analysis = analyze(analysis.graph)
    if analysis.graph.claims or spec.budget:
        from convcalc.checks.expectations import check_expectations

        claims = check_expectations(analysis, prove=prove)
    if spec.weights or spec.samples:
        from convcalc.checks.samples import check_samples, moved

        misfit = check_samples(analysis)
        if misfit and moved(analysis.graph):
            claims = claims._replace(suspended=claims.suspended + 1)
        else:
            claims = claims._replace(failed=(*claims.failed, *misfit))
    not_run = (("weights", spec.weights), ("sample", spec.samples))
    return claims._replace(not_run=tuple(name for name, given in not_run if given))
