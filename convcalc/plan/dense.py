"""A dense layer, for each thread some of its results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.plan.halo import blocks

if TYPE_CHECKING:
    from convcalc.graph import Graph
    from convcalc.plan.flow import Flow
    from convcalc.plan.fusion import Group
    from convcalc.plan.layout import Array
    from convcalc.plan.parameters import Parameters
    from convcalc.plan.threads import Team


class Linear:
    """A dense layer, its results parted between threads: a vector by a matrix only reads memory."""

    def __init__(self, graph: Graph, group: Group, parameters: Parameters) -> None:
        self.group = group
        self._parameters = parameters

    def forward(self, operands: list[Array], team: Team) -> tuple[tuple[Array, ...], Any]:
        """``x W^T + b`` on the last axis."""
        own = self._parameters.of(self.group.first, operands[0].shape, operands[0].dtype)
        weight, bias = own["weight"], own.get("bias")
        x = operands[0].reshape(-1, weight.shape[1])
        y = np.empty((len(x), len(weight)), x.dtype)

        def part(ends: tuple[int, int]) -> None:
            some = slice(*ends)
            np.matmul(x, weight[some].T, out=y[:, some])
            if bias is not None:
                y[:, some] += bias[some]

        team.each(part, blocks(len(weight), len(weight), team.size))
        return (y.reshape(*operands[0].shape[:-1], -1),), (x, operands[0].shape, own)

    def backward(self, kept: Any, arriving: Array, flow: Flow) -> None:
        """Two matrix products."""
        x, shape, own = kept
        weight = own["weight"]
        dy = arriving.reshape(-1, len(weight))

        def learn() -> None:
            gradients = {"weight": dy.T @ x}
            if "bias" in own:
                gradients["bias"] = dy.sum(axis=0)
            flow.learn(self.group.first, gradients)

        flow.later.add(learn)
        if flow.wants(self.group.inputs[0]):
            flow.arrive(self.group.inputs[0], (dy @ weight).reshape(shape))

    def forget(self) -> None:
        """Nothing was made ready."""
