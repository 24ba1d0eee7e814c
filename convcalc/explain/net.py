"""The explanations of a net's layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.analysis.orders import Orders
from convcalc.analysis.receptive import POINT
from convcalc.diagnostics import Misuse, did_you_mean
from convcalc.explain.layer import explain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.analysis import Analysis
    from convcalc.analysis.receptive import Field
    from convcalc.explain.layer import Explanation


def explanations(analysis: Analysis, layer: str = "", *, defaults: bool = False) -> Iterator[Explanation]:
    """Every layer, or those of one name: a layer, all copies of a repeated one, or what a block holds.

    Raises Misuse where nothing bears the name.
    """
    nodes, rows = analysis.graph.nodes, {row.name: row for row in analysis.rows}
    orders = Orders(analysis.graph, analysis.steps())
    places = {node.name: place for place, node in enumerate(nodes)}
    wanted = [node for node in nodes if node.op and (not layer or f"{node.name}/".startswith(f"{layer}/"))]
    if not wanted:
        fix = did_you_mean(layer, [*rows, *(group.name for group in analysis.graph.groups)])
        raise Misuse(f"there is no layer '{layer}': {fix}")
    for node in wanted:
        operands = tuple(analysis.shape(ref) for ref in node.inputs)
        source = nodes[node.inputs[0].node]
        seen: tuple[Field, ...] = (POINT,) * (len(operands[0]) - 1) if source.is_input else rows[source.name].fields
        if orders.disturbed(places[node.name]):
            seen = ()  # it is told in the order of the input's axes, the arithmetic in that of the operand's
        row = rows[node.name]
        if node.op is not None:
            united = () if row.sees_all or len(row.fields) != len(row.shape) - 1 else row.fields
            yield explain(node.name, node.op, operands, seen, united, defaults=defaults)
