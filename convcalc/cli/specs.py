"""``convcalc specs``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def specs(
    folder: Annotated[str, typer.Argument(metavar="[FOLDER]", help="models, lectures or ops; by default all.")] = "",
    format_: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="table, csv or markdown.")] = "table",
) -> None:
    """The specs that come with convcalc, by name, with the totals of every net."""
    from convcalc.report.catalogue import write_catalogue

    write_catalogue(format_, folder, sys.stdout)
