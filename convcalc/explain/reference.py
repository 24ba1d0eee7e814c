"""The reference of operations, generated from their classes, as Markdown."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from convcalc import ops
from convcalc.diagnostics import Problem, SpecError
from convcalc.explain.net import explanations
from convcalc.explain.spelled import spelling
from convcalc.explain.writing import formula
from convcalc.graph import Graph, Node
from convcalc.loading import load
from convcalc.ops._pointwise import Pointwise

MOST = 6
"""Terms of a sum that is written out."""
_PLAIN = {
    "channels": "C", "features": "F", "length": "L", "height": "H", "width": "W", "height, width": "H",
    "receptive field": "r_in", "its stride": "j_in", "its start": "start_in",
}  # fmt: skip
"""What stays as it is in the operand needs no word."""

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from convcalc.dims import Shape
    from convcalc.explain.layer import Explanation
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
start of what a position of the operand sees of the input; `C_1`, `C_2` belong to the first and second of several
operands. They are those of the layer after *Formulas of*, or of the op without attributes; any other attribute keeps
its default, and a number stands under its name. [explain.md](explain.md) writes them out for any layer.
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
    """The arithmetic of the plainest layer of the op's example, on a map with two spatial axes where there is one."""
    told = min(
        _examples(op),
        key=lambda told: (_optional(told.op), abs(len(told.operands[0]) - 3), _lists(told.op), len(told.steps)),
    )
    formulas = [(step.what, formula(spelling(step.value), exact=told.exact, most=MOST)) for step in told.steps]
    worth = [
        f"- {what[0].upper()}{what[1:]}: `{written}`"
        for what, written in formulas
        if not (written.isdigit() or written == _PLAIN.get(what) or ("j_in" in written and "floor" in written))
    ]
    if worth and told.op.given:
        yield f"- Formulas of: `{told.op!r}`"
    yield from worth


def _examples(op: type[Op]) -> Iterator[Explanation]:
    """The layers of the op's own example, told no more than they must be, or as they are where that does not do."""
    analysis = load(op.name).analyze()
    for node in analysis.graph.nodes:
        if node.op and node.op.name == op.name:
            needed = {key: value for key, value in node.op.given.items() if op.attributes[key].required}
            shapes = [analysis.shape(ref) for ref in node.inputs]
            try:
                yield _alone(op, shapes, needed)
            except (Problem, SpecError):
                yield _alone(op, shapes, node.op.given)


def _alone(op: type[Op], shapes: list[Shape], given: Mapping[str, Any]) -> Explanation:
    """A net of one layer on operands of these shapes. Raises Problem or SpecError where it is none."""
    alone = op(**given)
    alone.check()
    graph = Graph()
    dtypes = ["int64" if place == op.indices else "float32" for place in range(len(shapes))]
    inputs = [graph.input(shape, f"x{place}", dtypes[place]) for place, shape in enumerate(shapes)]
    graph.append(Node(op.name, op.name, alone, tuple(inputs)))
    (told,) = explanations(graph.analyze(), defaults=True)
    return told


def _optional(op: Op) -> int:
    """How many attributes the op is told that it need not be told."""
    return sum(not op.attributes[key].required for key in op.given)


def _lists(op: Op) -> int:
    """How many attributes differ by axis."""
    return sum(isinstance(value, tuple) for value in op.given.values())


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
