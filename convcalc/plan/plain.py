"""What has no faster way here: the plain kernels, on channels-last memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc import kernels
from convcalc.kernels._values import WrongValues
from convcalc.witness import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.graph import Graph
    from convcalc.plan.flow import Flow
    from convcalc.plan.fusion import Group
    from convcalc.plan.layout import Array
    from convcalc.plan.parameters import Parameters
    from convcalc.plan.threads import Team


class Plain:
    """Any group by the plain kernels of its nodes, one after the other."""

    def __init__(self, graph: Graph, group: Group, parameters: Parameters) -> None:
        self.group = group
        self._graph = graph
        self._nodes = [graph.nodes[place] for place in group.nodes]
        self._parameters = parameters

    def forward(self, operands: list[Array], team: Team) -> tuple[tuple[Array, ...], Any]:
        """All ports of the last node."""
        vjps = []
        results: tuple[Array, ...] = (operands[0],)
        for place, node in zip(self.group.nodes, self._nodes, strict=True):
            taken = operands if len(self._nodes) == 1 else [results[0]]
            if len(self._nodes) > 1 and node.kind == "add":
                taken = [results[0], operands[1]]
            own = self._parameters.of(place, taken[0].shape, taken[0].dtype)
            try:
                result, vjp = kernels.find(node.kind)(*taken, **{**(node.op.given if node.op else {}), **own})
            except WrongValues as error:
                raise refused(self._graph, node, error) from error
            results = result if isinstance(result, tuple) else (result,)
            vjps.append(vjp)
        return results, vjps

    def backward(self, kept: list[Callable[..., Any]], arriving: Any, flow: Flow) -> None:
        """By the kernels' own ``vjp``; where one node follows another, its first operand's gradient goes there."""
        for place, vjp in zip(reversed(self.group.nodes), reversed(kept), strict=True):
            gradients = vjp(arriving)
            learnt = {key: gradient for key, gradient in gradients.items() if isinstance(key, str)}
            if learnt:
                flow.learn(place, learnt)
            for operand, ref in enumerate(self.group.inputs):
                own = operand > 0 or place == self.group.first
                if own and operand in gradients and flow.wants(ref):
                    flow.arrive(ref, gradients[operand])
            arriving = gradients.get(0)

    def forget(self) -> None:
        """Nothing was made ready."""
