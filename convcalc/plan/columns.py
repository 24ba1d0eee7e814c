"""Convolution as a matrix product of unrolled windows, some rows of them at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcalc.plan.halo import blocks, by_sample, windows
from convcalc.plan.layout import scratch

if TYPE_CHECKING:
    from convcalc.plan.epilogue import Epilogue
    from convcalc.plan.geometry import Geometry, Pair
    from convcalc.plan.layout import Array
    from convcalc.plan.threads import Team

TILE = 2 * 1024 * 1024
"""Bytes of unrolled windows at a time: what stays in the second cache."""


class Columns:
    """``[windows, kh * kw * C]`` by ``[kh * kw * C, O]``; any kernel, one group."""

    def __init__(self, weight: Array, geometry: Geometry) -> None:
        self.geometry = geometry
        if weight.flags.f_contiguous:
            self.matrix = np.ascontiguousarray(weight.transpose(2, 3, 1, 0)).reshape(-1, len(weight)).T
        else:
            self.matrix = np.ascontiguousarray(weight.transpose(0, 2, 3, 1)).reshape(len(weight), -1)
        """``[O, kh * kw * C]``, the axis behind that lies behind in the weights too."""
        self.weight = self.matrix.reshape(len(weight), *geometry.kernel, -1).transpose(0, 3, 1, 2)

    def forward(self, x: Array, y: Array, epilogue: Epilogue, team: Team) -> None:
        """``y [N, P, Q, O]`` of ``x [N, H, W, C]``."""
        _product(x, self.matrix.T, self.geometry, y, epilogue, team)

    def input_gradient(self, dz: Array, dx: Array, epilogue: Epilogue, team: Team) -> None:
        """``dx [N, H, W, C]`` of ``dz [N, P, Q, O]``.

        A convolution by the mirrored kernel, unless that has more weights to turn around than there are columns.
        """
        kernel, channels = self.geometry.kernel, dx.shape[3]
        if self.geometry.stride == (1, 1) and dz[..., 0].size > len(self.matrix):
            mirrored = self.matrix.reshape(-1, *kernel, channels)[:, ::-1, ::-1].transpose(1, 2, 0, 3)
            back = self.geometry.mirrored((dx.shape[1], dx.shape[2]))
            _product(dz, mirrored.reshape(-1, channels), back, dx, epilogue, team)
            return
        samples, rows, width, outputs = dz.shape
        flat = dz.reshape(-1, width, outputs)
        dx[...] = 0
        for first, last in blocks(len(flat), _fitting(dz, self.matrix.shape[1])):
            part = flat[first:last]
            unrolled = scratch("unrolled", (part[..., 0].size, self.matrix.shape[1]), dz.dtype)
            np.matmul(part.reshape(-1, outputs), self.matrix, out=unrolled)
            taps = unrolled.reshape(*part.shape[:2], *kernel, channels)
            for n, start, _, where in by_sample(first, last, rows):
                self._roll(taps[where], dx[n], start, rows)
        epilogue.rows(dx.reshape(-1, *dx.shape[2:]), 0, samples * dx.shape[1])

    def _roll(self, unrolled: Array, dx: Array, start: int, count: int) -> None:
        """Add every tap of ``[rows, Q, kh, kw, C]`` where it came from."""
        height, width, _ = dx.shape
        stop = start + len(unrolled)
        for i in range(self.geometry.kernel[0]):
            rows, seeing = self.geometry.read(0, i, height, count, start, stop)
            for j in range(self.geometry.kernel[1]):
                columns, across = self.geometry.read(1, j, width, unrolled.shape[1])
                dx[rows, columns] += unrolled[seeing, across, i, j]

    def weight_gradient(self, x: Array, dz: Array, kernel: Pair) -> Array:
        """``[O, C, kh, kw]``."""
        _, rows, width, outputs = dz.shape
        flat = dz.reshape(-1, width, outputs)
        total = np.zeros((), dz.dtype)
        for first, last in blocks(len(flat), _fitting(dz, self.matrix.shape[1])):
            unrolled = scratch("unrolled", ((last - first) * width, self.matrix.shape[1]), dz.dtype)
            _unroll(x, self.geometry, (rows, width), first, last, unrolled)
            part = flat[first:last].reshape(-1, outputs).T @ unrolled
            total = np.add(part, total, out=part) if total.ndim else part
        return total.reshape(outputs, *kernel, -1).transpose(0, 3, 1, 2)


def _product(x: Array, matrix: Array, geometry: Geometry, y: Array, epilogue: Epilogue, team: Team) -> None:
    """Each thread unrolls some rows and takes all of the matrix, or all rows and takes some of its columns.

    The second where the matrix has more columns than there are windows: it is the larger to be read.
    """
    _, rows, width, outputs = y.shape
    flat = y.reshape(-1, width, outputs)
    fitting = _fitting(y, len(matrix))
    if team.size > 1 and len(flat) <= fitting and len(flat) * width <= 2 * outputs:
        unrolled = scratch("shared", (len(flat) * width, len(matrix)), x.dtype)
        team.each(
            lambda part: _unroll(x, geometry, (rows, width), *part, unrolled[part[0] * width : part[1] * width]),
            blocks(len(flat), len(flat), team.size),
        )
        results = flat.reshape(-1, outputs)

        def some_columns(part: tuple[int, int]) -> None:
            some = slice(*part)
            np.matmul(unrolled, matrix[:, some], out=results[:, some])
            epilogue.columns(results, some)

        team.each(some_columns, blocks(outputs, outputs, team.size))
        return

    def some_rows(part: tuple[int, int]) -> None:
        first, last = part
        own = scratch("unrolled", ((last - first) * width, len(matrix)), x.dtype)
        _unroll(x, geometry, (rows, width), first, last, own)
        np.matmul(own, matrix, out=flat[first:last].reshape(-1, outputs))
        epilogue.rows(flat, first, last)

    team.each(some_rows, blocks(len(flat), fitting, team.size))


def _fitting(y: Array, taken: int) -> int:
    """How many rows of windows fit in a tile, each window with ``taken`` values."""
    return TILE // int(y.dtype.itemsize * y.shape[2] * taken)


def _unroll(x: Array, geometry: Geometry, places: Pair, first: int, last: int, unrolled: Array) -> None:
    """The windows in rows ``first .. last - 1`` of all samples as rows of ``unrolled``."""
    taps = unrolled.reshape(last - first, places[1], *geometry.kernel, x.shape[3])
    for n, start, stop, where in by_sample(first, last, places[0]):
        np.copyto(taps[where], windows(x[n], geometry, places, start, stop))
