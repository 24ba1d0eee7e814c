"""``convcalc lock``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from convcalc.cli._project import ConfigurationFile, Paths, configured, given, tell_unread


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
    from convcalc.report.outcome import write_outcome

    wanted = configured(config)
    locked = lock_project(given(paths, wanted), wanted, update=update)
    if locked.outcome.exit_code:
        write_outcome("text", locked.outcome, sys.stdout)
        tell_unread(locked.outcome)
        raise typer.Exit(locked.outcome.exit_code)
    print(f"{locked.path}: {locked.nets} net{'s' * (locked.nets != 1)}, {locked.told}")
