"""Shapes through the graph, and what fails on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.diagnostics import Diagnostic, Problem
from convcalc.dims import prod
from convcalc.ops._op import FREE

if TYPE_CHECKING:
    from convcalc.dims import Demand, Shape
    from convcalc.graph import Graph, Node
    from convcalc.ops._op import Op



class Applied:
    """An op on operands of these shapes, and all that is predicted of it for one sample.

    Layers that are alike share one. An input is applied to nothing: its op is None.
    """

    __slots__ = ("buffers", "cost", "count", "inputs", "op", "outputs", "parameters", "taps")

    def __init__(self, op: Op | None, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> None:
        self.op = op
        self.inputs = inputs
        self.outputs = outputs
        self.parameters = op.parameters(*inputs) if op else {}
        self.count = sum(map(prod, self.parameters.values()))
        self.buffers = sum(map(prod, op.buffers(*inputs).values())) if op else 0
        self.cost = op.cost(inputs, outputs) if op else FREE
        self.taps = op.taps(*inputs) if op else ()


def infer(graph: Graph) -> tuple[list[Applied | None], list[Diagnostic]]:
    """What happens at every node, None where a mistake leaves it unknown, and a diagnostic for each mistake.

    A node whose operands are unknown is passed over, so that one mistake is told once.
    """
    applied: list[Applied | None] = []
    diagnostics: list[Diagnostic] = []
    known: dict[tuple[Op, tuple[Shape, ...]], Applied] = {}
    for node in graph.nodes:
        op = node.op
        if op is None:
            applied.append(None if node.shape is None else Applied(None, (), (node.shape,)))
            continue
        operands = [applied[ref.node] for ref in node.inputs]
        if None in operands:
            applied.append(None)
            continue
        inputs = tuple(operand.outputs[ref.port] for operand, ref in zip(operands, node.inputs, strict=True))  # type: ignore[union-attr]  # none is None
        result = known.get((op, inputs))
        if result is None:
            result, found = _apply(graph, applied, node, op, inputs)
            diagnostics += found
            if result is not None and not found:
                known[op, inputs] = result
        if result is not None and node.shares is not None:
            diagnostics += _shared(graph, node, result, applied[node.shares])
        applied.append(result)
    return applied, diagnostics


def _apply(
    graph: Graph, applied: list[Applied | None], node: Node, op: Op, inputs: tuple[Shape, ...]
) -> tuple[Applied | None, list[Diagnostic]]:
    """One op on its operands, or None where the result can't be known, and its failed demands."""
    try:
        _check_rank(op, inputs)
        outputs, demands = op.infer(*inputs)
    except Problem as problem:
        return None, [_located(graph, node, problem)]
    failed = {demand.code: demand for demand in reversed(demands) if not demand.holds()}
    empty = min(map(min, outputs)) < 1
    if failed:
        found = [_explain(graph, applied, node, op, demand, inputs) for demand in reversed(failed.values())]
        settled = len(inputs) == 1 and not empty
        return (Applied(None, inputs, outputs) if settled else None), found
    if empty:
        told = "x".join(map(str, outputs[0]))
        problem = Problem("empty-result", f"the result would be empty: {told}", "give it a larger operand")
        return None, [_located(graph, node, problem)]
    return Applied(op, inputs, outputs), []


def _shared(graph: Graph, node: Node, own: Applied, owner: Applied | None) -> list[Diagnostic]:
    """Shared parameters have the shapes that both layers need."""
    if owner is None or owner.op is None or own.op is None or own.parameters == owner.parameters:
        return []
    told = [", ".join(f"{name} {'x'.join(map(str, s))}" for name, s in step.parameters.items()) for step in (own, owner)]
    message = f"{node.name}: it needs {told[0]}, the layer it shares with has {told[1]}"
    fix = "give both layers the same arguments and operands of the same channels"
    source = graph.spec.source if graph.spec else None
    return [Diagnostic("shared-parameters", message, fix, source, graph.span(node))]


def _check_rank(op: Op, inputs: tuple[Shape, ...]) -> None:
    fewest, most = op.spatial
    for x in inputs:
        if not fewest <= len(x) - 1 <= most:
            told = "x".join(map(str, x))
            wanted = f"{fewest} to {most}" if fewest < most else str(fewest)
            fix = "use linear, or move it before the flatten" if len(x) == 1 else "bring the operand to fewer axes"
            raise Problem("wrong-rank", f"{op.name} takes {wanted} spatial axes, its operand is {told}", fix)


def _explain(
    graph: Graph, applied: list[Applied | None], node: Node, op: Op, demand: Demand, inputs: tuple[Shape, ...]
) -> Diagnostic:
    if demand.code == "shapes-disagree":
        from convcalc.analysis.disagreement import disagreement

        return disagreement(graph, applied, node, demand)
    told = _located(graph, node, Problem(demand.code, demand.sentence(), op.mend(demand, *inputs), demand.key))
    if demand.code == "wrong-in-features":
        from convcalc.analysis.disagreement import flattened

        return flattened(graph, applied, node, demand, told)
    return told


def _located(graph: Graph, node: Node, problem: Problem) -> Diagnostic:
    source = graph.spec.source if graph.spec else None
    return Diagnostic(problem.code, f"{node.name}: {problem.message}", problem.fix, source, graph.span(node, *problem.key))
