"""Convolution with the channels first inside: many groups, or very few channels, make short vectors channels last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcalc.plan.columns import TILE
from convcalc.plan.halo import blocks, by_sample, windows
from convcalc.plan.layout import scratch

if TYPE_CHECKING:
    from convcalc.plan.epilogue import Epilogue
    from convcalc.plan.geometry import Geometry, Pair
    from convcalc.plan.layout import Array
    from convcalc.plan.threads import Team


class Planes:
    """``[O / g, C / g * kh * kw]`` by ``[C / g * kh * kw, windows]`` for each group."""

    def __init__(self, weight: Array, geometry: Geometry) -> None:
        self.weight = weight
        self.geometry = geometry
        self.matrices = weight.reshape(geometry.groups, len(weight) // geometry.groups, -1)

    def forward(self, x: Array, y: Array, epilogue: Epilogue, team: Team) -> None:
        """``y [N, P, Q, O]`` of ``x [N, H, W, C]``."""
        _, rows, width, outputs = y.shape
        flat = y.reshape(-1, width, outputs)

        def tile(part: tuple[int, int]) -> None:
            for n, start, stop, _ in by_sample(*part, rows):
                unrolled = self._unrolled(x[n], (rows, width), start, stop)
                results = scratch("results", (*self.matrices.shape[:2], unrolled.shape[2]), x.dtype)
                np.matmul(self.matrices, unrolled, out=results)
                y[n, start:stop].reshape(-1, outputs)[...] = results.reshape(outputs, -1).T
            epilogue.rows(flat, *part)

        team.each(tile, blocks(len(flat), self._fitting(y), team.size))

    def input_gradient(self, dz: Array, dx: Array, epilogue: Epilogue, team: Team) -> None:
        """``dx [N, H, W, C]`` of ``dz [N, P, Q, O]``: what each tap gives, added where it came from."""
        samples, rows, width, outputs = dz.shape
        _, height, across, channels = dx.shape
        groups = self.geometry.groups
        matrices = self.matrices.swapaxes(1, 2)

        def sample(n: int) -> None:
            planes = np.zeros((channels, height, across), dx.dtype)
            along = dz[n].reshape(-1, groups, outputs // groups).transpose(1, 2, 0)
            unrolled = np.matmul(matrices, along).reshape(channels, *self.geometry.kernel, rows, width)
            for i in range(self.geometry.kernel[0]):
                down, above = self.geometry.read(0, i, height, rows)
                for j in range(self.geometry.kernel[1]):
                    right, beside = self.geometry.read(1, j, across, width)
                    planes[:, down, right] += unrolled[:, i, j, above, beside]
            dx[n] = planes.transpose(1, 2, 0)

        team.each(sample, range(samples))
        epilogue.rows(dx.reshape(-1, *dx.shape[2:]), 0, dx.shape[0] * dx.shape[1])

    def weight_gradient(self, x: Array, dz: Array, kernel: Pair) -> Array:
        """``[O, C / g, kh, kw]``."""
        _, rows, width, outputs = dz.shape
        groups = self.geometry.groups
        total = np.zeros(self.matrices.shape, dz.dtype)
        for first, last in blocks(len(dz) * rows, self._fitting(dz)):
            for n, start, stop, _ in by_sample(first, last, rows):
                unrolled = self._unrolled(x[n], (rows, width), start, stop)
                part = dz[n, start:stop].reshape(-1, groups, outputs // groups).transpose(1, 2, 0)
                total += part @ unrolled.swapaxes(1, 2)
        return total.reshape(outputs, -1, *kernel)

    def _fitting(self, y: Array) -> int:
        """How many rows of windows fit in a tile."""
        groups, _, taps = self.matrices.shape
        return TILE // int(y.dtype.itemsize * y.shape[2] * groups * taps)

    def _unrolled(self, x: Array, places: Pair, start: int, stop: int) -> Array:
        """``[groups, C / g * kh * kw, windows]``."""
        view = windows(x, self.geometry, places, start, stop).transpose(4, 2, 3, 0, 1)
        unrolled = scratch("unrolled", view.shape, view.dtype)
        np.copyto(unrolled, view)
        return unrolled.reshape(self.geometry.groups, -1, view.shape[3] * view.shape[4])
