"""``--format`` to the standard output and ``--output FORMAT:FILE`` to files, several at once."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.diagnostics import Misuse, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TextIO

Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "--output", metavar="FORMAT:FILE", help="Write another format to a file; may be repeated.", show_default=False
    ),
]


def default_format() -> str:
    """What is read by whoever runs the command: GitHub Actions says so, everybody else reads text."""
    return "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"


def check_outputs(format_: str, outputs: Sequence[str] | None, known: Sequence[str]) -> list[tuple[str, str]]:
    """Formats with the files they go to, that of ``--format`` to none; raises Misuse."""
    wanted = [(format_, "")]
    for output in outputs or ():
        name, colon, path = output.partition(":")
        if not colon or not path:
            raise Misuse(f"--output takes FORMAT:FILE, as in {known[-1]}:report.{known[-1]}, not '{output}'")
        wanted.append((name, path))
    for name, _ in wanted:
        if name not in known:
            raise Misuse(f"there is no format '{name}': {did_you_mean(name, known)}")
    return wanted


def write_outputs(wanted: Sequence[tuple[str, str]], write: Callable[[str, TextIO], None]) -> None:
    """Write every format where it goes, files first, each whole or not at all; raises OSError."""
    from convcalc.replacing import replacing

    for name, path in wanted[1:]:
        with replacing(path) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
            write(name, text)
            text.flush()
            text.detach()
    if wanted[0][0] != "text" and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # as in files: programs read it, and nothing need be escaped
    write(wanted[0][0], sys.stdout)
