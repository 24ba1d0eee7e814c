"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from typing import Annotated

import typer

from convcalc.diagnostics import Misuse, Problem

Specs = Annotated[
    list[str],
    typer.Argument(
        metavar="SPEC...", help="Files, - for standard input, or names of shipped specs.", show_default=False
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Give a variable another value; may be repeated.", show_default=False
    ),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input", metavar="[NAME=]CxHxW", help="Give an input another shape; may be repeated.", show_default=False
    ),
]
File = Annotated[
    str,
    typer.Argument(metavar="SPEC", help="A file, - for standard input, or a shipped spec's name.", show_default=False),
]
Variant = Annotated[str, typer.Option(metavar="NAME", help="Take this variant of the file.", show_default=False)]
Batch = Annotated[int, typer.Option(min=1, metavar="N", help="Samples in a batch.")]


def settings(options: list[str] | None, option_name: str = "--set") -> dict[str, int]:
    """``name=value`` pairs, several with commas; the value is an expression of numbers. Raises Misuse."""
    from convcalc.expressions import evaluate

    values: dict[str, int] = {}
    for option in options or ():
        for pair in option.split(","):
            name, equals, text = pair.partition("=")
            if not equals or not name.strip():
                raise Misuse(f"{option_name} takes name=value, not '{pair}'")
            try:
                values[name.strip()] = evaluate(text, {})
            except Problem as problem:
                raise Misuse(f"{option_name} {pair}: {problem.message}") from None
    return values


def input_shapes(options: list[str] | None, known: list[str]) -> dict[str, list[int]]:
    """``CxHxW`` or ``name=CxHxW``, with x or commas between the axes. Raises Misuse."""
    shapes: dict[str, list[int]] = {}
    for option in options or ():
        name, equals, text = option.rpartition("=")
        if not equals:
            if len(known) != 1:
                raise Misuse(f"--input needs a name before its shape: one of {', '.join(known)}")
            name = known[0]
        sizes = text.lower().strip("[]() ").replace(",", "x").split("x")
        if not all(size.strip().isdecimal() and len(size) < 19 and int(size) > 0 for size in sizes):
            raise Misuse(f"--input takes sizes like 3x224x224, not '{text}'")
        shapes[name] = [int(size) for size in sizes]
    return shapes
