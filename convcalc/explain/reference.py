"""The reference of operations, generated from their classes, as Markdown."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from convcalc import ops
from convcalc.explain.net import explanations
from convcalc.explain.spelled import spelling
from convcalc.explain.writing import formula
from convcalc.loading import load
from convcalc.ops._pointwise import Pointwise

MOST = 6
"""Terms of a sum that is written out."""
_PLAIN = {"C", "F", "r_in", "j_in", "start_in"}
"""What stays as it is in the operand needs no word."""

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.ops._attributes import Attribute
    from convcalc.ops._op import Op

_HEAD = """\
# Operations

Generated from the classes in `convcalc/ops`; do not edit. How an op is written in a spec is in
[spec-format.md](spec-format.md). Names and meanings are PyTorch's, without the rank: `conv` is `Conv1d`, `Conv2d` and
`Conv3d`, and goes up to four spatial axes. *Elsewhere* are names that other frameworks use: convcalc answers
them with "did you mean". A MAC is a multiply-accumulate; costs are those of the forward pass in eval mode.

The formulas are for one sample with two spatial axes: `C`, `H`, `W` are the operand's channels, height and width,
`C_out`, `H_out`, `W_out` the result's, `F` the features of a vector; `r_in`, `j_in` and `start_in` are size, stride and
start of what a position of the operand sees of the input. [explain.md](explain.md) writes them out for any layer.
"""


def reference() -> str:
    """Every op: what it does, its attributes, its cost, where its definition comes from."""
    names = ops.names()
    index = ", ".join(f"[{name}](#{name})" for name in names)
    return "\n".join([_HEAD, index, *(section(ops.find(name)) for name in names)]) + "\n"


def listing() -> list[str]:
    """A line for each op: its name and what it does, in a sentence."""
    names = ops.names()
    width = max(map(len, names))
    return [f"{name:<{width}}  {_plain(ops.find(name)).partition('. ')[0].rstrip('.')}" for name in names]


def section(op: type[Op]) -> str:
    """One op."""
    return "\n".join(["", f"## {op.name}", "", *_section(op)])


def _section(op: type[Op]) -> Iterator[str]:
    meaning, _, source = _plain(op).partition("Source: ")
    yield meaning.strip()
    yield ""
    yield f"- Takes {counted(*op.operands)} with {_axes(*op.spatial)}."
    yield f"- Cost: {_cost(op)}"
    if op.saves:
        yield f"- Backward keeps: {', '.join(op.saves)}."
    if source:
        yield f"- Source: {source.strip()}"
    if op.also:
        yield f"- Elsewhere: {_code(*op.also)}."
    yield from _formulas(op)
    if op.attributes:
        yield ""
        yield "| attribute | is | default | meaning | elsewhere |"
        yield "|---|---|---|---|---|"
        for key, attribute in sorted(op.attributes.items(), key=lambda item: not item[1].required):
            cells = (_code(key), attribute.expected, _default(attribute), attribute.doc, _code(*attribute.also))
            yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _formulas(op: type[Op]) -> Iterator[str]:
    """The arithmetic of a plain layer of the op's own example, on a map with two spatial axes where there is one."""
    analysis = load(op.name).analyze()
    layers = [told for told in explanations(analysis, defaults=True) if told.op.name == op.name]
    told = min(layers, key=lambda told: (abs(len(told.operands[0]) - 3), _words(told.op), len(told.op.given)))
    for step in told.steps:
        written = formula(spelling(step.value), exact=told.exact, most=MOST)
        rounded = "j_in" in written and "floor" in written
        if not (written.isdigit() or written in _PLAIN or rounded):
            yield f"- {step.what[0].upper()}{step.what[1:]}: `{written}`"


def _words(op: Op) -> int:
    """How many words and flags the op is told: they change its formulas."""
    return sum(isinstance(value, (str, bool)) for value in op.given.values())


def _plain(described: Any) -> str:
    """A docstring in one line, with Markdown's single backquotes."""
    return " ".join((inspect.getdoc(described) or "").replace("``", "`").split())


def _cost(op: type[Op]) -> str:
    if not issubclass(op, Pointwise):
        return _plain(op.cost)
    each = [f"{kind} {count}" for kind, count in op.each._asdict().items() if count]
    return f"For each value: {', '.join(each) or 'nothing'}."


def counted(fewest: int, most: int | None) -> str:
    """How many operands an op takes."""
    if most is None:
        return f"{fewest} operands or more"
    if fewest == most:
        return "1 operand" if most == 1 else f"{most} operands"
    return f"{fewest} to {most} operands"


def _axes(fewest: int, most: int) -> str:
    return f"{fewest} to {most} spatial axes"


def _default(attribute: Attribute[Any]) -> str:
    if attribute.required:
        return "required"
    if attribute.default is None:
        return "none"
    return _code(str(attribute.default).lower() if isinstance(attribute.default, bool) else str(attribute.default))


def _code(*texts: str) -> str:
    return ", ".join(f"`{text}`" for text in texts)


def _cell(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|")
