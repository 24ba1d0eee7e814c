"""``convcalc op``."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.diagnostics import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.graph import Graph

SIZE = 224
"""What a free size is tried at first."""
NAME = re.compile(r"[A-Za-z_]\w*")
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
    """One operation on its own, with its formulas; of sizes with a name, as in 3xHxW, closed forms.

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
    given = dict(_attributes(said[count:]))
    free = _free(kind, said[:count], given)
    variables = ", ".join(f"{name}: {value}" for name, value in free.items())
    layer = f"  - {kind}: {{{', '.join(f'{key}: {value}' for key, value in given.items())}}}\n    from: [{names}]\n"
    text = f"vars: {{{variables}}}\n" * bool(free) + f"input:\n{inputs}layers:\n{layer}"
    graph = expand(read_spec(Source("<op>", text), partial=True))
    if free:
        if terms:
            raise Misuse("--terms writes products out one by one: give every size a number")
        _write_forms(graph, list(free), "table" if format_ == "text" else format_)
        return
    told = list(explanations(analyze(graph)))
    (write_sums if terms else write)(format_, told, sys.stdout)


def _write_forms(graph: Graph, free: list[str], name: str) -> None:
    from convcalc.report.forms import check_form_format, form_columns, write_forms
    from convcalc.symbolic.closed import check, closed_forms

    check_form_format(name)
    closed = closed_forms(graph, *free)
    write_forms(name, [(closed, check(closed, graph))], form_columns(""), 0, sys.stdout)


def _free(kind: str, operands: list[str], given: dict[str, str]) -> dict[str, int]:
    """The names in place of numbers, each with a value at which its form is tried first."""
    from convcalc import ops
    from convcalc.ops._attributes import Integer, Integers, Padding, PerAxis

    found = {size: SIZE for text in operands for size in _sizes(text) if not size.isdecimal()}
    known = ops.find(kind).attributes if kind in ops.names() else {}
    for key, value in given.items():
        attribute = known.get(key)
        if isinstance(attribute, (Integer, PerAxis, Padding, Integers)) and value not in getattr(
            attribute, "words", ()
        ):
            found |= {name: max(1, attribute.minimum or 1) for name in NAME.findall(value) if name not in found}
    return found


def _input(kind: str, place: int, text: str) -> str:
    """An operand as a spec declares it; indices are whole numbers."""
    from convcalc import ops

    if kind in ops.names() and ops.find(kind).indices == place - 1:
        return f"{{shape: [{_shape(text)}], dtype: int64}}"
    return f"[{_shape(text)}]"


def _shape(text: str) -> str:
    sizes = _sizes(text)
    if not all(size.isdecimal() or NAME.fullmatch(size) for size in sizes):
        raise Misuse(f"the shape of an operand is like 3x224x224, or 3xHxW, not '{text}'")
    return ", ".join(sizes)


def _sizes(text: str) -> list[str]:
    return text.replace("X", "x").replace(",", "x").split("x")


def _attributes(options: list[str]) -> Iterator[tuple[str, str]]:
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
        yield key, f"[{value}]" if "," in value and not value.startswith("[") else value
