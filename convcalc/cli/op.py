"""``convcalc op``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.diagnostics import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}


def op(
    kind: Annotated[str, typer.Argument(metavar="OP", help="An operation: conv, max_pool, linear ...")],
    said: Annotated[
        list[str],
        typer.Argument(metavar="CxHxW... [--ATTRIBUTE VALUE]...", help="The shape of each operand, then attributes."),
    ],
    terms: Annotated[
        bool, typer.Option("--terms", help="The op and its gradients as sums of products, term by term.")
    ] = False,
    format_: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="text, markdown or latex.")] = "text",
) -> None:
    """One operation on its own, with its formulas.

    Every attribute is an option: convcalc op conv 3x224x224 --out-channels 64 --kernel-size 7,5 --no-bias
    """
    from convcalc.analysis import analyze
    from convcalc.expand import expand
    from convcalc.explain.net import explanations
    from convcalc.explain.page import write, write_sums
    from convcalc.source import Source
    from convcalc.spec import read_spec

    count = next((place for place, text in enumerate(said) if text.startswith("-")), len(said))
    inputs = "".join(f"  x{place}: {_input(kind, place, text)}\n" for place, text in enumerate(said[:count], 1))
    names = ", ".join(f"x{place}" for place in range(1, count + 1))
    layer = f"  - {kind}: {{{', '.join(_attributes(said[count:]))}}}\n    from: [{names}]\n"
    spec = read_spec(Source("<op>", f"input:\n{inputs}layers:\n{layer}"), partial=True)
    told = list(explanations(analyze(expand(spec))))
    (write_sums if terms else write)(format_, told, sys.stdout)


def _input(kind: str, place: int, text: str) -> str:
    """An operand as a spec declares it; indices are whole numbers."""
    from convcalc import ops

    if kind in ops.names() and ops.find(kind).indices == place - 1:
        return f"{{shape: [{_shape(text)}], dtype: int64}}"
    return f"[{_shape(text)}]"


def _shape(text: str) -> str:
    sizes = text.lower().replace(",", "x").split("x")
    if not all(size.isdecimal() for size in sizes):
        raise Misuse(f"the shape of an operand is like 3x224x224, not '{text}'")
    return ", ".join(sizes)


def _attributes(options: list[str]) -> Iterator[str]:
    """``--key value``, ``--key=value``, ``--key`` for true and ``--no-key`` for false, as a spec has them."""
    waiting = options[::-1]
    while waiting:
        option, equals, value = waiting.pop().partition("=")
        if not option.startswith("--"):
            raise Misuse(f"'{option}' follows no option: attributes are written as --kernel-size 3")
        key = option[2:].replace("-", "_")
        if not equals and waiting and not waiting[-1].startswith("--"):
            value = waiting.pop()
        elif not equals:
            key, value = (key[3:], "false") if key.startswith("no_") else (key, "true")
        yield f"{key}: [{value}]" if "," in value and not value.startswith("[") else f"{key}: {value}"
