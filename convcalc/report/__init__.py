"""Analyses as text, one module a format."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from convcalc.diagnostics import Misuse, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.analysis import Analysis
    from convcalc.checks.claims import Claims

FORMATS = ("table", "json", "csv", "markdown")


def check_format(name: str) -> None:
    """Raise Misuse for a format that there is not."""
    if name not in FORMATS:
        raise Misuse(f"there is no format '{name}': {did_you_mean(name, FORMATS)}")


def write(
    name: str,
    analyses: Sequence[tuple[Analysis, Claims]],
    file: TextIO,
    *,
    columns: str = "",
    backward: bool = False,
    headline: str = "",
    depth: int = 0,
) -> None:
    """Write one net layer by layer, or several side by side by their totals.

    ``backward`` adds its columns, ``headline`` names a convention to show in place of MACs.
    """
    if name == "json":
        from convcalc.report.json import write_json

        write_json(analyses, file)
        return
    from convcalc.report.columns import chosen

    names = chosen(columns, backward=backward, headline=headline)
    if len(analyses) > 1:
        from convcalc.report.comparison import write_comparison

        write_comparison(name, [analysis for analysis, _ in analyses], file)
        return
    from convcalc.report.lines import folds, lines

    ((analysis, claims),) = analyses
    shown = lines(analysis, depth)
    if name == "csv":
        from convcalc.report.csv import write_csv

        write_csv(analysis, lines(analysis, folds(analysis.graph)), names, file)
    elif name == "markdown":
        from convcalc.report.markdown import write_markdown

        write_markdown(analysis, shown, names, file)
    else:
        from convcalc.report.text import write_analysis

        footer = claims.told()
        if depth < folds(analysis.graph):
            footer.append(f"blocks are folded: --depth {depth + 1} opens them")
        write_analysis(analysis, shown, names, footer, file)
