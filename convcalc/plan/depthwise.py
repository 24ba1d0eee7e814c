"""Convolution of each channel by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcalc.plan.halo import blocks, by_sample, windows
from convcalc.plan.layout import BLOCK, scratch

if TYPE_CHECKING:
    from convcalc.plan.epilogue import Epilogue
    from convcalc.plan.geometry import Geometry, Pair
    from convcalc.plan.layout import Array
    from convcalc.plan.threads import Team

LONG = 2048
"""At stride 1, neighbouring results are one vector of at most so many values, the weights repeated along it."""


class Depthwise:
    """A sum of products over the taps, channel by channel, no matrix product."""

    def __init__(self, weight: Array, geometry: Geometry) -> None:
        self.weight = weight
        self.geometry = geometry
        self.taps = np.ascontiguousarray(weight[:, 0].transpose(1, 2, 0))
        """``[kh, kw, C]``."""

    def forward(self, x: Array, y: Array, epilogue: Epilogue, team: Team) -> None:
        """``y [N, P, Q, C]`` of ``x [N, H, W, C]``."""
        _, rows, width, channels = y.shape
        flat = y.reshape(-1, width, channels)
        joined = _joined(width, channels) if self.geometry.stride[1] == 1 else 1
        taps = np.tile(self.taps, joined)

        def block(part: tuple[int, int]) -> None:
            for n, start, stop, _ in by_sample(*part, rows):
                view = _together(windows(x[n], self.geometry, (rows, width), start, stop), joined)
                results = y[n, start:stop].reshape(stop - start, width // joined, joined * channels)
                np.einsum("pqijc,ijc->pqc", view, taps, out=results)
            epilogue.rows(flat, *part)

        team.each(block, blocks(len(flat), self._fitting(y), team.size))

    def input_gradient(self, dz: Array, dx: Array, epilogue: Epilogue, team: Team) -> None:
        """``dx [N, H, W, C]`` of ``dz [N, P, Q, C]``: by the mirrored kernel, or tap by tap."""
        if self.geometry.stride == (1, 1):
            weight = self.taps[::-1, ::-1].transpose(2, 0, 1)[:, None]
            mirrored = Depthwise(weight, self.geometry.mirrored((dx.shape[1], dx.shape[2])))
            mirrored.forward(dz, dx, epilogue, team)
            return
        dx[...] = 0
        (height, width), (tall, wide) = dx.shape[1:3], dz.shape[1:3]
        for i in range(self.geometry.kernel[0]):
            rows, above = self.geometry.read(0, i, height, tall)
            for j in range(self.geometry.kernel[1]):
                columns, across = self.geometry.read(1, j, width, wide)
                seen = dz[:, above, across]
                part = np.multiply(seen, self.taps[i, j], out=scratch("unrolled", seen.shape, dz.dtype))
                dx[:, rows, columns] += part
        epilogue.rows(dx.reshape(-1, *dx.shape[2:]), 0, dx.shape[0] * dx.shape[1])

    def weight_gradient(self, x: Array, dz: Array, kernel: Pair) -> Array:
        """``[C, 1, kh, kw]``."""
        _, rows, width, channels = dz.shape
        total = np.zeros((*kernel, channels), dz.dtype)
        for first, last in blocks(len(dz) * rows, self._fitting(dz)):
            for n, start, stop, _ in by_sample(first, last, rows):
                view = windows(x[n], self.geometry, (rows, width), start, stop)
                total += np.einsum("pqijc,pqc->ijc", view, dz[n, start:stop])
        return total.transpose(2, 0, 1)[:, None]

    def _fitting(self, y: Array) -> int:
        """How many rows of results fit in a block."""
        return BLOCK // int(y[0, 0].nbytes)


def _joined(width: int, channels: int) -> int:
    """How many neighbouring results make a vector: a divisor of ``width``."""
    most = max(LONG // channels, 1)
    return max(count for count in range(1, min(width, most) + 1) if width % count == 0)


def _together(view: Array, joined: int) -> Array:
    """Windows ``[rows, Q, kh, kw, C]`` at stride 1 as ``[rows, Q / joined, kh, kw, joined * C]``."""
    rows, width, down, across, channels = view.shape
    row, column, *taps = view.strides
    return np.lib.stride_tricks.as_strided(
        view, (rows, width // joined, down, across, joined * channels), (row, joined * column, *taps)
    )
