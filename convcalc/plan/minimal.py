"""Winograd's minimal filtering of 3x3 kernels: fewer multiplications, by tiles of ``m x m`` results.

Source: Lavin & Gray 2015, equations 8 to 12. Both axes are transformed by one product with a Kronecker product, so
that all of the work is matrix products.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcalc.plan.halo import blocks, by_sample, halo
from convcalc.plan.layout import scratch

if TYPE_CHECKING:
    from convcalc.plan.epilogue import Epilogue
    from convcalc.plan.geometry import Geometry, Pair
    from convcalc.plan.layout import Array
    from convcalc.plan.threads import Team

Tables = dict[int, list[list[float]]]

TILE = 3 * 1024 * 1024
"""Bytes of transformed operand at a time."""

# Lavin & Gray 2015, F(2, 3) and F(4, 3): of the operand B^T, of the kernel G, of the results A^T.
OPERAND: Tables = {
    2: [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
    4: [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
}
KERNEL: Tables = {
    2: [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]],
    4: [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
}
RESULT: Tables = {
    2: [[1, 1, 1, 0], [0, 1, -1, -1]],
    4: [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
}


class Minimal:
    """F(m x m, 3 x 3), stride 1, one group."""

    m: int

    def __init__(self, weight: Array, geometry: Geometry) -> None:
        self.geometry = geometry
        self.n = self.m + 2
        one_axis = (np.array(table[self.m], weight.dtype) for table in (OPERAND, KERNEL, RESULT))
        self.operand, self.kernel, self.result = (np.kron(matrix, matrix) for matrix in one_axis)
        self.weight = weight
        self._matrices: Array | None = None

    def transformed(self, *, mirrored: bool = False) -> Array:
        """``[n * n, O, C]``: the kernels, or the mirrored ones, transformed."""
        taps = np.ascontiguousarray(self.weight.transpose(2, 3, 0, 1)).reshape(9, -1)
        kernel = self.kernel[:, ::-1] if mirrored else self.kernel
        transformed: Array = kernel @ taps
        return transformed.reshape(self.n**2, *self.weight.shape[:2])

    def forward(self, x: Array, y: Array, epilogue: Epilogue, team: Team) -> None:
        """``y [N, P, Q, O]`` of ``x [N, H, W, C]``."""
        if self._matrices is None:
            self._matrices = self.transformed()
        self._convolve(x, self._matrices.swapaxes(1, 2), self.geometry, y, epilogue, team)

    def input_gradient(self, dz: Array, dx: Array, epilogue: Epilogue, team: Team) -> None:
        """``dx [N, H, W, C]`` of ``dz [N, P, Q, O]``: a convolution by the mirrored kernel."""
        back = self.geometry.mirrored((dx.shape[1], dx.shape[2]))
        self._convolve(dz, self.transformed(mirrored=True), back, dx, epilogue, team)

    def _convolve(
        self, x: Array, matrices: Array, geometry: Geometry, y: Array, epilogue: Epilogue, team: Team
    ) -> None:
        """Some rows of tiles at a time; or, where the matrices are more to read than the tiles, in three stages.

        In the second stage each thread has some of the matrices then, not all of them.
        """
        channels, outputs = matrices.shape[1:]
        across = -(-y.shape[2] // self.m)
        rows = len(y) * -(-y.shape[1] // self.m)
        fitting = TILE // (self.n**2 * across * max(channels, outputs) * y.dtype.itemsize)

        def products_of(tiles: Array, part: slice, products: Array) -> None:
            np.matmul(tiles[part], matrices[part], out=products[part])

        if team.size > 1 and rows <= 4 * fitting and rows * across <= 2 * channels:
            tiles = scratch("shared tiles", (self.n**2, rows * across, channels), x.dtype)
            products = scratch("shared products", (self.n**2, rows * across, outputs), x.dtype)
            shares = blocks(rows, rows, team.size)
            team.each(lambda part: self._spread(x, geometry, y.shape, *part, _some(tiles, *part, across)), shares)
            points = blocks(self.n**2, self.n, team.size)
            team.each(lambda part: products_of(tiles, slice(*part), products), points)
            team.each(lambda part: self._collect(_some(products, *part, across), y, *part, epilogue), shares)
            return

        def some_rows(part: tuple[int, int]) -> None:
            count = (part[1] - part[0]) * across
            tiles = scratch("tiles", (self.n**2, count, channels), x.dtype)
            self._spread(x, geometry, y.shape, *part, tiles)
            products = scratch("products", (self.n**2, count, outputs), x.dtype)
            products_of(tiles, slice(None), products)
            self._collect(products, y, *part, epilogue)

        team.each(some_rows, blocks(rows, fitting if team.size > 1 else max(fitting, channels // across), team.size))

    def weight_gradient(self, x: Array, dz: Array, kernel: Pair) -> Array:
        """``[O, C, 3, 3]``: the adjoints of the three transforms, the products summed over all tiles."""
        channels, outputs = x.shape[3], dz.shape[3]
        across = -(-dz.shape[2] // self.m)
        rows = len(dz) * -(-dz.shape[1] // self.m)
        fitting = TILE // (self.n**2 * across * max(channels, outputs) * dz.dtype.itemsize)
        total = np.zeros((), dz.dtype)
        for first, last in blocks(rows, max(fitting, channels // across)):
            count = (last - first) * across
            tiles = scratch("tiles", (self.n**2, count, channels), dz.dtype)
            self._spread(x, self.geometry, dz.shape, first, last, tiles)
            products = scratch("products", (self.n**2, count, outputs), dz.dtype)
            np.matmul(self.result.T, self._tiles_of(dz, first, last), out=products.reshape(self.n**2, -1))
            part = products.swapaxes(1, 2) @ tiles
            total = np.add(part, total, out=part) if total.ndim else part
        taps = self.kernel.T @ total.reshape(self.n**2, -1)
        return taps.reshape(*kernel, outputs, channels).transpose(2, 3, 0, 1)

    def _spread(
        self, x: Array, geometry: Geometry, shape: tuple[int, ...], first: int, last: int, tiles: Array
    ) -> None:
        """``tiles [n * n, tiles, C]``: those in rows ``first .. last - 1`` of tiles, transformed."""
        m, n, channels = self.m, self.n, x.shape[3]
        (above, _), (before, _) = geometry.padding
        across = -(-shape[2] // m)
        gathered = scratch("gathered", (n, n, last - first, across, channels), x.dtype)
        for sample, start, stop, where in by_sample(first, last, -(-shape[1] // m)):
            padded = halo(x[sample], start * m - above, (stop - start) * m + 2, -before, across * m + 2)
            row, column, channel = padded.strides
            size, steps = (n, n, stop - start, across, channels), (row, column, m * row, m * column, channel)
            np.copyto(gathered[:, :, where], np.lib.stride_tricks.as_strided(padded, size, steps))
        np.matmul(self.operand, gathered.reshape(n * n, -1), out=tiles.reshape(n * n, -1))

    def _collect(self, products: Array, y: Array, first: int, last: int, epilogue: Epilogue) -> None:
        """The results of rows ``first .. last - 1`` of tiles, from ``[n * n, tiles, O]``."""
        m, rows, outputs = self.m, y.shape[1], y.shape[3]
        results = scratch("results", (m * m, products.shape[1] * outputs), y.dtype)
        np.matmul(self.result, products.reshape(self.n**2, -1), out=results)
        placed = results.reshape(m, m, last - first, -1, outputs)
        for n, start, stop, where in by_sample(first, last, -(-rows // m)):
            for i in range(m):
                for j in range(m):
                    part = y[n, start * m + i : stop * m : m, j::m]
                    part[...] = placed[i, j, where][: part.shape[0], : part.shape[1]]
            epilogue.rows(y.reshape(-1, *y.shape[2:]), n * rows + start * m, n * rows + min(stop * m, rows))

    def _tiles_of(self, y: Array, first: int, last: int) -> Array:
        """``[m * m, tiles * O]`` in rows ``first .. last - 1`` of tiles: the adjoint of ``_collect``'s placing."""
        m, outputs = self.m, y.shape[3]
        across = -(-y.shape[2] // m)
        tiles = scratch("results", (m, m, last - first, across, outputs), y.dtype)
        for n, start, stop, where in by_sample(first, last, -(-y.shape[1] // m)):
            padded = halo(y[n], start * m, (stop - start) * m, 0, across * m)
            row, column, channel = padded.strides
            size, steps = (m, m, stop - start, across, outputs), (row, column, m * row, m * column, channel)
            np.copyto(tiles[:, :, where], np.lib.stride_tricks.as_strided(padded, size, steps))
        return tiles.reshape(m * m, -1)


def _some(tiles: Array, first: int, last: int, across: int) -> Array:
    """The tiles in some rows of tiles, a view."""
    return tiles[:, first * across : last * across]


class Minimal4(Minimal):
    """F(4 x 4, 3 x 3): a quarter of the multiplications, about 1e-5 of error in single precision."""

    m = 4


class Minimal2(Minimal):
    """F(2 x 2, 3 x 3): 4 of 9 multiplications; for small maps, of which tiles of 4 x 4 would waste more."""

    m = 2
