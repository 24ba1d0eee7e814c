"""``convcalc check``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def check(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...", help="Specs, folders of specs, or names of shipped specs.", show_default=False
        ),
    ],
) -> None:
    """Check specs: syntax, graph, shapes, expectations and budgets, in every variant."""
    from convcalc.checks.outcome import Outcome, Unread
    from convcalc.checks.specs import check_spec, spec_files
    from convcalc.diagnostics import Unreadable
    from convcalc.report.findings import print_outcome

    files, unread = [], []
    for path in spec_files(paths):
        try:
            files.append(check_spec(path))
        except Unreadable as error:
            unread.append(Unread(path, str(error)))
    outcome = Outcome(tuple(files), tuple(unread))
    print_outcome(outcome, sys.stdout)
    for _, message in unread:
        print(f"convcalc: {message}", file=sys.stderr)
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)
