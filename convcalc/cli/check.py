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
    from convcalc.checks.specs import check_spec, spec_files
    from convcalc.diagnostics import Unreadable
    from convcalc.report.findings import print_findings

    findings, unread, nets, files = [], [], 0, 0
    for path in spec_files(paths):
        try:
            checked = check_spec(path)
        except Unreadable as error:
            unread.append(str(error))
            continue
        files += 1
        nets += checked.nets
        findings += checked.findings
    if findings:
        print_findings(findings, sys.stdout)
    for message in unread:
        print(f"convcalc: {message}", file=sys.stderr)
    if files and not findings:
        print(f"{files} spec{'s' * (files != 1)}, {nets} net{'s' * (nets != 1)}: no findings")
    if findings or unread:
        raise typer.Exit(2 if unread else 1)
