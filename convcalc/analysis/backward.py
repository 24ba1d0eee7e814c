"""Multiply-adds of the backward pass: which gradients are asked for, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.ops._op import NO_GRADIENTS

if TYPE_CHECKING:
    from convcalc.analysis.shapes import Applied
    from convcalc.graph import Graph, Node, Ref
    from convcalc.ops._op import Gradients


def backward(graph: Graph, applied: list[Applied], *, input_gradient: bool) -> list[Gradients]:
    """The cost of each node's gradients for one sample, from the gradient of every output of the net.

    Parameters always get one. An operand gets one where a parameter lies behind it, or an input of the net whose
    gradient is asked for: so the first layer computes none for its operand unless ``input_gradient``.
    """
    nodes = graph.nodes
    reached = [False] * len(nodes)
    for ref in graph.results().values():
        reached[ref.node] |= not _is_place(nodes, ref)
    for place in reversed(range(len(nodes))):
        if reached[place]:
            for ref in nodes[place].inputs:
                reached[ref.node] |= not _is_place(nodes, ref)
    asked = leading(graph, applied, input_gradient=input_gradient)
    spent: list[Gradients] = []
    known: dict[tuple[Applied, tuple[bool, ...]], Gradients] = {}
    for node, step, arrives in zip(nodes, applied, reached, strict=True):
        op, wanted = step.op, tuple([asked[ref.node] for ref in node.inputs])
        if op is None or not step.cost.macs or not arrives:
            spent.append(NO_GRADIENTS)
            continue
        if (step, wanted) not in known:
            known[step, wanted] = op.gradients(step.inputs, step.outputs, wanted)
        spent.append(known[step, wanted])
    return spent


def leading(graph: Graph, applied: list[Applied], *, input_gradient: bool) -> list[bool]:
    """Of each node, whether its result has a gradient: a parameter lies behind it, or an input that is asked for."""
    asked: list[bool] = []
    for node, step in zip(graph.nodes, applied, strict=True):
        behind = step.count > 0 or any(asked[ref.node] for ref in node.inputs)
        asked.append(input_gradient if step.op is None else behind)
    return asked


def _is_place(nodes: list[Node], ref: Ref) -> bool:
    """Whether a result says where something stood: that has no gradient."""
    op = nodes[ref.node].op
    return ref.port > 0 and op is not None and op.ports[ref.port] == "indices"
