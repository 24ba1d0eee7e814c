"""``convcalc check``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from convcalc.cli._outputs import Outputs, check_outputs, default_format, write_outputs


def check(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...", help="Specs, folders of specs, or names of shipped specs.", show_default=False
        ),
    ],
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="text, json, github, sarif, junit, gitlab or markdown; github within GitHub Actions, else text.",
            show_default=False,
        ),
    ] = "",
    output: Outputs = None,
) -> None:
    """Check specs: syntax, graph, shapes, expectations and budgets, in every variant."""
    from convcalc.checks.outcome import Outcome, Unread
    from convcalc.checks.specs import check_spec, spec_files
    from convcalc.diagnostics import Unreadable
    from convcalc.report.outcome import FORMATS, write_outcome

    wanted = check_outputs(format_ or default_format(), output, FORMATS)
    files, unread = [], []
    for path in spec_files(paths):
        try:
            files.append(check_spec(path))
        except Unreadable as error:
            unread.append(Unread(path, str(error)))
    outcome = Outcome(tuple(files), tuple(unread))
    write_outputs(wanted, lambda name, file: write_outcome(name, outcome, file))
    if wanted[0][0] == "github":
        from convcalc.report.outcome.github import add_summary

        add_summary(outcome)
    else:
        for _, message in unread:
            print(f"convcalc: {message}", file=sys.stderr)
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)
