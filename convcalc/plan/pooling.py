"""Max pooling on channels-last maps, one axis after the other, some rows at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._pool import place
from convcalc.plan.geometry import Geometry
from convcalc.plan.halo import blocks, by_sample
from convcalc.plan.layout import BLOCK, as_map, from_map, scratch

if TYPE_CHECKING:
    from convcalc.graph import Graph
    from convcalc.plan.flow import Flow
    from convcalc.plan.fusion import Group
    from convcalc.plan.layout import Array
    from convcalc.plan.parameters import Parameters
    from convcalc.plan.threads import Team


class MaxPool:
    """The largest values of windows on one or two axes; nobody asks where they stood."""

    def __init__(self, graph: Graph, group: Group, parameters: Parameters) -> None:
        self.group = group
        op = graph.nodes[group.first].op
        self._given: dict[str, Any] = {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False}
        self._given |= op.given if op else {}

    def forward(self, operands: list[Array], team: Team) -> tuple[tuple[Array, ...], Any]:
        """The first port alone."""
        x = as_map(operands[0])
        axes = place(operands[0].shape[2:], **self._given)
        if len(axes) == 1:
            axes = [*place((1,), 1, 1, 0, 1, False), *axes]
        tall, wide = axes
        windows = Geometry(
            (tall.kernel, wide.kernel), (tall.starts.step, wide.starts.step), (tall.dilation, wide.dilation),
            ((tall.before, tall.after), (wide.before, wide.after)), 1,
        )  # fmt: skip
        y = np.empty((len(x), len(tall.starts), len(wide.starts), x.shape[3]), x.dtype)
        max_forward(x, y, windows, team)
        return (from_map(y, operands[0].ndim),), (x, y, windows)

    def backward(self, kept: Any, arriving: Array, flow: Flow) -> None:
        """To the largest value of each window."""
        x, y, windows = kept
        dx = max_backward(x, y, as_map(arriving), windows)
        flow.arrive(self.group.inputs[0], from_map(dx, arriving.ndim))

    def forget(self) -> None:
        """Nothing was made ready."""


def max_forward(x: Array, y: Array, geometry: Geometry, team: Team) -> None:
    """``y [N, P, Q, C]`` of ``x [N, H, W, C]``: the largest value of each window."""
    _, height, width, channels = x.shape
    samples, rows, across, _ = y.shape

    def block(part: tuple[int, int]) -> None:
        for n, start, stop, _ in by_sample(*part, rows):
            tall = scratch("unrolled", (stop - start, width, channels), x.dtype)
            tall[...] = -np.inf
            for i in range(geometry.kernel[0]):
                positions, seeing = geometry.read(0, i, height, rows, start, stop)
                np.maximum(tall[seeing], x[n, positions], out=tall[seeing])
            result = y[n, start:stop]
            result[...] = -np.inf
            for j in range(geometry.kernel[1]):
                positions, seeing = geometry.read(1, j, width, across)
                np.maximum(result[:, seeing], tall[:, positions], out=result[:, seeing])

    team.each(block, blocks(samples * rows, BLOCK // (x.itemsize * width * channels), team.size))


def max_backward(x: Array, y: Array, dy: Array, geometry: Geometry) -> Array:
    """``dx``: each gradient goes to the first position of its window, row by row, that holds the largest value."""
    dx = np.zeros_like(x)
    _, height, width, _ = x.shape
    rows, across = y.shape[1:3]
    open_ = np.ones(y.shape, bool)
    for i in range(geometry.kernel[0]):
        down, above = geometry.read(0, i, height, rows)
        for j in range(geometry.kernel[1]):
            right, beside = geometry.read(1, j, width, across)
            waiting = open_[:, above, beside]
            hit = x[:, down, right] == y[:, above, beside]
            hit &= waiting
            waiting ^= hit
            dx[:, down, right] += dy[:, above, beside] * hit
    return dx
