"""``convcalc lock``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from convcalc.cli._project import ConfigurationFile, Paths, configured, given


def lock(
    paths: Paths = None,
    update: Annotated[
        bool, typer.Option("--update", help="Take over what has changed, and drop specs that are gone.")
    ] = False,
    config: ConfigurationFile = "",
) -> None:
    """Write down what every net is, as a baseline that `convcalc check` then holds it to.

    Without --update nets are added, and none that the baseline has may have changed.
    """
    from convcalc.checks.project import lock_project
    from convcalc.report.findings import print_outcome

    wanted = configured(config)
    locked = lock_project(given(paths, wanted), wanted, update=update)
    if locked.outcome.exit_code:
        print_outcome(locked.outcome, sys.stdout)
        for _, message in locked.outcome.unread:
            print(f"convcalc: {message}", file=sys.stderr)
        raise typer.Exit(locked.outcome.exit_code)
    print(f"{locked.path}: {locked.nets} net{'s' * (locked.nets != 1)}, {locked.told}")
