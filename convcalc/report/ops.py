"""The reference of operations, generated from their classes, as Markdown."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from convcalc import ops
from convcalc.ops._pointwise import Pointwise

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
"""


def reference() -> str:
    """Every op: what it does, its attributes, its cost, where its definition comes from."""
    names = ops.names()
    index = ", ".join(f"[{name}](#{name})" for name in names)
    return "\n".join([_HEAD, index, *(section(ops.find(name)) for name in names)]) + "\n"


def section(op: type[Op]) -> str:
    """One op."""
    return "\n".join(["", f"## {op.name}", "", *_section(op)])


def _section(op: type[Op]) -> Iterator[str]:
    meaning, _, source = _plain(op).partition("Source: ")
    yield meaning.strip()
    yield ""
    yield f"- Takes {_operands(*op.operands)} with {_axes(*op.spatial)}."
    yield f"- Cost: {_cost(op)}"
    if op.saves:
        yield f"- Backward keeps: {', '.join(op.saves)}."
    if source:
        yield f"- Source: {source.strip()}"
    if op.also:
        yield f"- Elsewhere: {_code(*op.also)}."
    if op.attributes:
        yield ""
        yield "| attribute | is | default | meaning | elsewhere |"
        yield "|---|---|---|---|---|"
        for key, attribute in sorted(op.attributes.items(), key=lambda item: not item[1].required):
            cells = (_code(key), attribute.expected, _default(attribute), attribute.doc, _code(*attribute.also))
            yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _plain(described: Any) -> str:
    """A docstring in one line, with Markdown's single backquotes."""
    return " ".join((inspect.getdoc(described) or "").replace("``", "`").split())


def _cost(op: type[Op]) -> str:
    if not issubclass(op, Pointwise):
        return _plain(op.cost)
    each = [f"{kind} {count}" for kind, count in op.each._asdict().items() if count]
    return f"For each value: {', '.join(each) or 'nothing'}."


def _operands(fewest: int, most: int | None) -> str:
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
