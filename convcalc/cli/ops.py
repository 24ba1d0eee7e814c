"""``convcalc ops``."""

from __future__ import annotations

from typing import Annotated

import typer


def ops(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[OP]...", help="Operations to describe; all without.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Describe every operation, not only list them.")] = False,
) -> None:
    """List the operations, or describe some: attributes, formulas, sources."""
    from convcalc import ops as known
    from convcalc.diagnostics import Misuse, Problem
    from convcalc.explain.reference import listing, reference, section

    if all_:
        print(reference(), end="")
    elif names:
        try:
            print("\n".join(section(known.find(name)) for name in names).lstrip("\n"))
        except Problem as problem:
            raise Misuse(f"{problem.message}: {problem.fix}") from None
    else:
        for line in listing():
            print(line)
