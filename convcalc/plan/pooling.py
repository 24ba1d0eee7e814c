"""Max pooling on channels-last maps, one axis after the other, some rows at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcalc.plan.halo import blocks, by_sample
from convcalc.plan.layout import BLOCK, scratch

if TYPE_CHECKING:
    from convcalc.plan.geometry import Geometry
    from convcalc.plan.layout import Array
    from convcalc.plan.threads import Team


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
