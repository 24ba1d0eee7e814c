"""Convolution by one position at a time: a matrix product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcalc.plan.halo import blocks, by_sample
from convcalc.plan.layout import BLOCK, scratch

if TYPE_CHECKING:
    from convcalc.plan.epilogue import Epilogue
    from convcalc.plan.geometry import Geometry, Pair
    from convcalc.plan.layout import Array
    from convcalc.plan.threads import Team


class Pointwise:
    """``[positions, C]`` by ``[C, O]``; with a stride, the positions that it leaves are gathered first."""

    def __init__(self, weight: Array, geometry: Geometry) -> None:
        self.weight = weight
        self.matrix = weight.reshape(len(weight), -1)
        self.step = geometry.stride

    def forward(self, x: Array, y: Array, epilogue: Epilogue, team: Team) -> None:
        """``y [N, P, Q, O]`` of ``x [N, H, W, C]``."""
        product(_seen(x, self.step), self.matrix.T, y, epilogue, team)

    def input_gradient(self, dz: Array, dx: Array, epilogue: Epilogue, team: Team) -> None:
        """``dx [N, H, W, C]`` of ``dz [N, P, Q, O]``."""
        if self.step == (1, 1):
            product(dz, self.matrix, dx, epilogue, team)
            return
        part = np.empty((*dz.shape[:3], dx.shape[3]), dx.dtype)
        product(dz, self.matrix, part, type(epilogue)(), team)
        dx[...] = 0
        _seen(dx, self.step)[...] = part
        epilogue.rows(dx.reshape(-1, *dx.shape[2:]), 0, dx.shape[0] * dx.shape[1])

    def weight_gradient(self, x: Array, dz: Array, kernel: Pair) -> Array:
        """``[O, C, 1, 1]``."""
        seen = np.ascontiguousarray(_seen(x, self.step))
        gradient: Array = dz.reshape(-1, dz.shape[-1]).T @ seen.reshape(-1, x.shape[-1])
        return gradient.reshape(*gradient.shape, *kernel)


def _seen(x: Array, step: Pair) -> Array:
    return x if step == (1, 1) else x[:, :: step[0], :: step[1]]


def product(x: Array, matrix: Array, y: Array, epilogue: Epilogue, team: Team) -> None:
    """``y [N, P, Q, O]`` of ``x [N, P, Q, C]`` and ``matrix [C, O]``.

    Parted by rows, or by results where the matrix is the larger operand, so that no thread reads all of it.
    """
    _, rows, width, channels = x.shape
    outputs = matrix.shape[1]
    flat = y.reshape(-1, width, outputs)
    positions = len(flat) * width
    whole = x.flags.c_contiguous
    if positions < outputs and team.size > 1:
        operand, results = x.reshape(positions, channels), y.reshape(positions, outputs)

        def some_columns(part: tuple[int, int]) -> None:
            some = slice(*part)
            np.matmul(operand, matrix[:, some], out=results[:, some])
            epilogue.columns(results, some)

        team.each(some_columns, blocks(outputs, outputs, team.size))
        return

    def some_rows(part: tuple[int, int]) -> None:
        first, last = part
        if whole:
            seen = x.reshape(-1, channels)[first * width : last * width]
        else:
            seen = scratch("gathered", ((last - first) * width, channels), x.dtype)
            for n, start, stop, where in by_sample(first, last, rows):
                seen.reshape(-1, width, channels)[where] = x[n, start:stop]
        np.matmul(seen, matrix, out=flat[first:last].reshape(-1, outputs))
        epilogue.rows(flat, first, last)

    team.each(some_rows, blocks(len(flat), BLOCK // (y.itemsize * width * outputs), team.size))
