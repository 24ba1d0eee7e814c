"""``convcalc op``."""

from __future__ import annotations

import re
import sys
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.diagnostics import Misuse

if TYPE_CHECKING:
    from convcalc.graph import Graph
    from convcalc.ops._op import Op

SIZE = 224
"""What a free size is tried at first."""
NAME = re.compile(r"[A-Za-z_]\w*")
SHAPE = re.compile(r"\d+([xX]\w+)+")
"""What stands behind a switch and is not its value."""
CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}


def op(
    kind: Annotated[str, typer.Argument(metavar="OP", help="An operation: conv, max_pool, linear ...")],
    said: Annotated[
        list[str] | None,
        typer.Argument(metavar="CxHxW... [--ATTRIBUTE VALUE]...", help="The shape of each operand, and attributes."),
    ] = None,
    terms: Annotated[
        bool, typer.Option("--terms", help="The op and its gradients as sums of products, term by term.")
    ] = False,
    format_: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="text, markdown or latex.")] = "text",
) -> None:
    """One operation on its own, with its formulas; of sizes with a name, as in 3xHxW, closed forms.

    Every attribute is an option: convcalc op conv 3x224x224 --out-channels 64 --kernel-size 7,5 --no-bias.

    `convcalc ops conv` tells what an op has.
    """
    from convcalc.analysis import analyze
    from convcalc.cli.ops import named
    from convcalc.expand import expand
    from convcalc.explain.net import explanations
    from convcalc.explain.page import write, write_sums
    from convcalc.source import Source
    from convcalc.spec import read_spec

    known = named(kind)
    operands, given = _parsed(known, said or [])
    _count(known, len(operands))
    _refuse_missing(known, given)
    inputs = "".join(f"  x{place}: {_input(known, place, text)}\n" for place, text in enumerate(operands, 1))
    names = ", ".join(f"x{place}" for place in range(1, len(operands) + 1))
    free = _free(known, operands, given)
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


def _count(op: type[Op], count: int) -> None:
    from convcalc.explain.reference import counted

    fewest, most = op.operands
    if count < fewest or (most is not None and count > most):
        shapes = " ".join(["3x8x8"] * max(fewest, 1))
        raise Misuse(f"{op.name} takes {counted(fewest, most)}, {count} given: write their shapes, as in {shapes}")


def _refuse_missing(op: type[Op], given: dict[str, str]) -> None:
    """Raise Misuse, with options to add, where the op must be told more; not where a name may only be misspelt."""
    missing = {key: attribute for key, attribute in op.attributes.items() if attribute.required and key not in given}
    if missing and given.keys() <= op.attributes.keys():
        values = {key: attribute.example().partition(": ")[2] for key, attribute in missing.items()}
        options = " ".join(f"--{key.replace('_', '-')} {quote(value)}" for key, value in values.items())
        raise Misuse(f"{op.name} needs {', '.join(missing)}: add {options}")


def _free(op: type[Op], operands: list[str], given: dict[str, str]) -> dict[str, int]:
    """The names in place of numbers, each with a value at which its form is tried first."""
    from convcalc.ops._attributes import Integer, Integers, Padding, PerAxis

    found = {size: SIZE for text in operands for size in _sizes(text) if not size.isdecimal()}
    for key, value in given.items():
        attribute = op.attributes.get(key)
        if isinstance(attribute, (Integer, PerAxis, Padding, Integers)) and value not in getattr(
            attribute, "words", ()
        ):
            least = int(isinstance(attribute, Integers)) if attribute.minimum is None else attribute.minimum
            found |= {name: least for name in NAME.findall(value) if name not in found}
    return found


def _input(op: type[Op], place: int, text: str) -> str:
    """An operand as a spec declares it; indices are whole numbers."""
    if not _is_shape(text):
        raise Misuse(f"the shape of an operand is like 3x224x224, or 3xHxW, not '{text}'")
    shape = ", ".join(_sizes(text))
    return f"{{shape: [{shape}], dtype: int64}}" if op.indices == place - 1 else f"[{shape}]"


def _is_shape(text: str) -> bool:
    return all(size.isdecimal() or NAME.fullmatch(size) for size in _sizes(text))


def _sizes(text: str) -> list[str]:
    return text.replace("X", "x").replace(",", "x").split("x")


def _parsed(op: type[Op], said: list[str]) -> tuple[list[str], dict[str, str]]:
    """The operands, and the attributes as a spec has them.

    An attribute is ``--key value``, ``--key=value``, ``--key`` for true and ``--no-key`` for false. A shape may stand
    behind them too, if it has a number in it.
    """
    from convcalc.ops._attributes import Flag, Integers, Word

    operands: list[str] = []
    given: dict[str, str] = {}
    waiting = said[::-1]
    while waiting:
        text = waiting.pop()
        if not text.startswith("-") and (not given or (_is_shape(text) and re.search(r"\d", text))):
            operands.append(text)
            continue
        option, equals, value = text.partition("=")
        key = option[2:].replace("-", "_")
        if not option.startswith("--") or not NAME.fullmatch(key):
            raise Misuse(f"'{option}' follows no option: attributes are written as --kernel-size 3")
        attribute = op.attributes.get(key)
        off = not equals and attribute is None and key.startswith("no_") and key[3:] in op.attributes
        switch = isinstance(attribute, (Flag, Word)) and bool(waiting) and SHAPE.fullmatch(waiting[-1])
        if off:
            key, value = key[3:], "false"
        elif not equals:
            value = "true" if switch or not waiting or waiting[-1].startswith("--") else waiting.pop()
        if key in given:
            raise Misuse(f"{key} is given twice: {given[key]}, and {value}")
        listed = "," in value or isinstance(attribute, Integers)
        given[key] = f"[{value}]" if listed and not value.startswith("[") else value
    return operands, given
