"""``convcalc schema``."""

from __future__ import annotations

from typing import Annotated

import typer


def schema(
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write to this file, not to standard output.", show_default=False
        ),
    ] = "",
) -> None:
    """JSON schema (draft-07) of the spec format, for editors.

    Named in a spec's first line, "# yaml-language-server: $schema=FILE", it completes and explains.
    """
    from convcalc.schema import text

    if not output:
        print(text(), end="")
        return
    from convcalc.replacing import replacing

    with replacing(output) as file:
        file.write(text().encode())
