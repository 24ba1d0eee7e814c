"""Whether what takes the indices of a pool is given them, and those of a map of its own size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.diagnostics import Problem, times
from convcalc.dims import Demand

if TYPE_CHECKING:
    from convcalc.analysis.shapes import Applied
    from convcalc.dims import Shape
    from convcalc.graph import Graph, Node


def misplaced(graph: Graph, applied: list[Applied | None], node: Node, place: int, result: Shape) -> list[Problem]:
    """What is wrong with the operand at ``place`` as indices that make ``result``: they count the places of a map."""
    ref = node.inputs[place]
    source, step = graph.nodes[ref.node], applied[ref.node]
    if source.op is None:
        if "int" in source.dtype:
            return []
        told = f"the second operand holds indices, the input {source.name} is {source.dtype}"
        return [
            Problem(
                "no-indices", told, f"give the input {source.name} the dtype int64, or name the port indices of a pool"
            )
        ]
    if source.op.ports[ref.port] != "indices":
        told = f"the second operand holds indices, and {source.name} gives values"
        return [Problem("no-indices", told, "name the port indices of a pool, such as max_pool_1.indices")]
    seen = step.inputs[0] if step is not None else result
    if all(demand.holds() for demand in same_map(seen, result)):
        return []
    told = f"the indices of {source.name} are those of {times(seen[1:])}, the result would be {times(result[1:])}"
    fix = f"write output_size: {list(seen[1:])}" if len(node.inputs) == 2 else "name the operand of that pool third"
    return [Problem("indices-of-another-size", told, fix)]


def same_map(seen: Shape, result: Shape) -> list[Demand]:
    """Indices count the places of the map that was ``seen``, and they are meant for ``result``."""
    reason = "the indices are those of a map of {left} positions on an axis, the result has {right}"
    pairs = zip(seen[1:], result[1:], strict=True)
    return [Demand(n, "==", m, "indices-of-another-size", reason) for n, m in pairs]
