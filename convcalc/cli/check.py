"""``convcalc check``."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from convcalc.cli._outputs import Outputs, check_outputs, default_format, write_outputs
from convcalc.cli._project import ConfigurationFile, Paths, codes, configured, given, tell_unread


def check(
    paths: Paths = None,
    select: Annotated[
        str, typer.Option(metavar="CODES", help="Apply these rules alone, with commas.", show_default=False)
    ] = "",
    ignore: Annotated[
        str, typer.Option(metavar="CODES", help="Leave these rules out, with commas.", show_default=False)
    ] = "",
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Hold all specs to this target's budget; may be repeated.", show_default=False
        ),
    ] = None,
    run: Annotated[
        bool, typer.Option("--run", help="Run every net on arrays too, as small as it admits, and compare.")
    ] = False,
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
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit with 0 even if there are findings.")] = False,
    config: ConfigurationFile = "",
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=0, metavar="N", help="Processes; 0: one a core.")] = 1,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Use again what was found in unchanged specs.")
    ] = True,
) -> None:
    """Check specs: syntax, graph, shapes, expectations, budgets, lints and baselines, in every variant.

    `convcalc explain-code CODE` tells of a code. Exit codes: 0 nothing is wrong, 1 findings, 2 could not run.
    """
    from convcalc.checks.cache import Cache
    from convcalc.checks.project import check_project
    from convcalc.checks.rules import Rules
    from convcalc.report.outcome import FORMATS, write_outcome

    outputs = check_outputs(format_ or default_format(), output, FORMATS)
    project = configured(config)
    rules = Rules(
        codes("--select", select) or project.select, (*project.ignore, *codes("--ignore", ignore)), project.severity
    )
    outcome = check_project(
        given(paths, project), project, rules=rules, targets=target or (), run=run, jobs=jobs or os.cpu_count() or 1,
        cache=Cache() if cache else None,
    )  # fmt: skip
    write_outputs(outputs, lambda name, file: write_outcome(name, outcome, file))
    if outputs[0][0] == "github":
        from convcalc.report.outcome.github import add_summary

        add_summary(outcome)
    else:
        tell_unread(outcome)
    if outcome.exit_code == 2 or (outcome.exit_code and not exit_zero):
        raise typer.Exit(outcome.exit_code)
