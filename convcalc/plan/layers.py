"""Which way a group of layers is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.plan.convolution import Convolution
from convcalc.plan.dense import Linear
from convcalc.plan.plain import Plain
from convcalc.plan.pooling import MaxPool

if TYPE_CHECKING:
    from convcalc.graph import Graph, Node
    from convcalc.plan.flow import Layer
    from convcalc.plan.fusion import Group
    from convcalc.plan.parameters import Parameters


def layer(graph: Graph, group: Group, parameters: Parameters, rank: int) -> Layer:
    """The way to run a group whose first operand has ``rank`` axes, batch and channels included."""
    kind = graph.nodes[group.first].kind
    if kind == "conv" and rank in (3, 4) and _is_ordinary(graph.nodes[group.first]):
        return Convolution(graph, group, parameters)
    if kind == "max_pool" and rank in (3, 4) and not _asks_more_than_the_largest(graph, group.first):
        return MaxPool(graph, group, parameters)
    if kind == "linear":
        return Linear(graph, group, parameters)
    return Plain(graph, group, parameters)


def _is_ordinary(node: Node) -> bool:
    """Whether zeros lie around the operand, and the kernel is not turned around."""
    given = node.op.given if node.op else {}
    return given.get("padding_mode", "zeros") == "zeros" and not given.get("flip", False)


def _asks_more_than_the_largest(graph: Graph, place: int) -> bool:
    """Whether somebody asks where the largest values stood, or Caffe's value of windows without any."""
    op = graph.nodes[place].op
    if op and op.given.get("ceil_mode") == "caffe":
        return True
    refs = [ref for node in graph.nodes for ref in node.inputs] + list(graph.results().values())
    return any(ref.node == place and ref.port > 0 for ref in refs)
