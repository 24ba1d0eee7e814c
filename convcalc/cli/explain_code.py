"""``convcalc explain-code``."""

from __future__ import annotations

from typing import Annotated

import typer


def explain_code(
    code: Annotated[
        str, typer.Argument(metavar="[CODE]", help="A finding's code; without one all are listed.", show_default=False)
    ] = "",
) -> None:
    """What a code of a finding means, with a spec that is wrong and one that is right."""
    from convcalc.checks.codes import explain, names

    if code:
        print(explain(code).plain, end="")
        return
    width = max(map(len, names()))
    for name in names():
        print(f"{name:{width}}  {explain(name).summary}")
