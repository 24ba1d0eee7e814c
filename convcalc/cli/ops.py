"""``convcalc ops``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from convcalc.ops._op import Op


def ops(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[OP]...", help="Operations to describe; by default all are listed.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Describe every operation, not only list them.")] = False,
) -> None:
    """List the operations, or describe some: attributes, formulas, sources."""
    from convcalc.explain.reference import listing, reference, section

    if all_:
        print(reference(), end="")
    elif names:
        print("\n".join(section(named(name)) for name in names).lstrip("\n"))
    else:
        for line in listing():
            print(line)


def named(name: str) -> type[Op]:
    """An op's class; raises Misuse for a name that is none."""
    from convcalc.diagnostics import Misuse, Problem
    from convcalc.ops import find

    try:
        return find(name)
    except Problem as problem:
        raise Misuse(f"{problem.message}: {problem.fix}") from None
