"""Winograd's minimal filtering of kernels of 3, on as many axes as there are: F(2, 3) and F(4, 3).

Overlapping tiles of ``m + 2`` values and the kernel are transformed, multiplied value by value, and transformed back
to ``m`` results on each axis: ``m + 2`` multiplications where the definition has ``3 m``. The transforms add, subtract
and multiply by constants; each row of one is worked out by itself (Lavin & Gray share sums between rows, and so count
fewer), a 1 or a -1 is not multiplied, a zero is left out. The adjoints are the transposed transforms, in turn.

Sources: Winograd 1980, "Arithmetic Complexity of Computations", V; Lavin & Gray 2015, equations 6 to 12.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convcalc.kernels._tally import tally
from convcalc.kernels.correlation import NotApplicable, counts, place

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Sizes

LARGE = 28
"""A map that has so many results on every axis is worth tiles of 4; a smaller one would waste more on the rim.

Tiles of 4 lose about ten times the precision of tiles of 2: some 1e-5 of the largest value in single precision.
"""


class Transforms(NamedTuple):
    """The constants of F(m, 3)."""

    operand: Array
    """``[m + 2, m + 2]``, the paper's B^T."""
    kernel: Array
    """``[m + 2, 3]``, G."""
    result: Array
    """``[m, m + 2]``, A^T."""


TRANSFORMS = {
    2: Transforms(
        np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]),
        np.array([[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]]),
        np.array([[1, 1, 1, 0], [0, 1, -1, -1]]),
    ),
    4: Transforms(
        np.array([
            [4, 0, -5, 0, 1, 0],
            [0, -4, -4, 1, 1, 0],
            [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0],
            [0, 2, -1, -2, 1, 0],
            [0, 4, 0, -5, 0, 1],
        ]),
        np.array([
            [1 / 4, 0, 0],
            [-1 / 6, -1 / 6, -1 / 6],
            [-1 / 6, 1 / 6, -1 / 6],
            [1 / 24, 1 / 12, 1 / 6],
            [1 / 24, -1 / 12, 1 / 6],
            [0, 0, 1],
        ]),
        np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]),
    ),
}  # fmt: skip


def correlate(x: Array, w: Array, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """``A^T [(G w) * (B^T x)]``, summed over the channels before the last transform."""
    places = _places(x.shape[2:], w.shape[2:], stride, dilation)
    m, transforms = _chosen(places)
    tiles = _points(_transform(transforms.operand, _tiles(x, places, m), places), places, groups)
    products = _product(_kernels(w, transforms, groups), tiles)
    results = _transform(transforms.result, _unpoints(products, len(x), places, m), places)
    return _placed(results, places)


def input_adjoint(dy: Array, w: Array, sizes: Sizes, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """``B [(G w)^T * (A dy)]``, overlapping tiles added."""
    places = _places(sizes, w.shape[2:], stride, dilation)
    m, transforms = _chosen(places)
    spread = _points(_transform(transforms.result.T, _unplaced(dy, m), places), places, groups)
    products = _product(_kernels(w, transforms, groups).swapaxes(-1, -2), spread)
    tiles = _transform(transforms.operand.T, _unpoints(products, len(dy), places, m), places)
    return _untiled(tiles, sizes, places, m)


def weight_adjoint(x: Array, dy: Array, kernel: Sizes, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """``G^T [(A dy) * (B^T x)]``, summed over the tiles before the last transform."""
    places = _places(x.shape[2:], kernel, stride, dilation)
    m, transforms = _chosen(places)
    tiles = _points(_transform(transforms.operand, _tiles(x, places, m), places), places, groups)
    spread = _points(_transform(transforms.result.T, _unplaced(dy, m), places), places, groups)
    products = _product(spread, tiles.swapaxes(-1, -2))
    dw = _transform(transforms.kernel.T, products.reshape(*(m + 2,) * len(kernel), dy.shape[1], -1), places)
    return np.ascontiguousarray(np.moveaxis(dw, (-2, -1), (0, 1)))


def _places(sizes: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Sizes:
    """How many results there are, by axis; raises NotApplicable for what the transforms are not made for."""
    for name, values, wanted in (("kernel", kernel, 3), ("stride", stride, 1), ("dilation", dilation, 1)):
        if any(value != wanted for value in values):
            raise NotApplicable(f"its {name} is {'x'.join(map(str, values))}, not {wanted} on every axis")
    return counts(place(sizes, kernel, stride, dilation))


def _chosen(places: Sizes) -> tuple[int, Transforms]:
    m = 4 if min(places) >= LARGE else 2
    return m, TRANSFORMS[m]


def _transform(matrix: Array, x: Array, places: Sizes) -> Array:
    """The matrix on each of the first axes, as many as ``places``."""
    for axis in range(len(places)):
        x = np.moveaxis(_rows(matrix, np.moveaxis(x, axis, 0)), 0, axis)
    return x


def _rows(matrix: Array, x: Array) -> Array:
    """``matrix @ x`` on the first axis, row by row, without the zeros."""
    result = np.empty((len(matrix), *x.shape[1:]), x.dtype)
    for row, y in zip(matrix, result, strict=True):
        for count, j in enumerate(np.flatnonzero(row)):
            term = x[j] if abs(row[j]) == 1 else abs(row[j]).astype(x.dtype) * x[j]
            tally.multiplications += x[j].size if abs(row[j]) != 1 else 0
            if count:
                tally.additions += x[j].size
                (np.add if row[j] > 0 else np.subtract)(y, term, out=y)
            else:
                np.copyto(y, term if row[j] > 0 else -term)
    return result


def _product(left: Array, right: Array) -> Array:
    """A product of matrices at each point of a tile, for each group: ``[points, groups, rows, columns]``."""
    result: Array = left @ right
    rows, inner = left.shape[-2:]
    tally.product(rows, inner, right.shape[-1], len(left) * left.shape[1])
    return result


def _kernels(w: Array, transforms: Transforms, groups: int) -> Array:
    """``[points, groups, O / groups, C / groups]``, transformed."""
    outputs, channels, *kernel = w.shape
    points = _transform(transforms.kernel, np.moveaxis(w, (0, 1), (-2, -1)), tuple(kernel))
    return points.reshape(-1, groups, outputs // groups, channels)


def _points(tiles: Array, places: Sizes, groups: int) -> Array:
    """``[*T, C, N, tiles]`` as ``[points, groups, C / groups, N * tiles]``."""
    rank = len(places)
    return tiles.reshape(prod(tiles.shape[:rank]), groups, tiles.shape[rank] // groups, -1)


def _unpoints(products: Array, samples: int, places: Sizes, m: int) -> Array:
    """The inverse of ``_points``, the tiles by axis: ``[*T, C, N, *tiles]``."""
    return products.reshape(*(m + 2,) * len(places), -1, samples, *_tiled(places, m))


def _tiled(places: Sizes, m: int) -> Sizes:
    """Tiles that cover the results, by axis."""
    return tuple(len(range(0, n, m)) for n in places)


def _tiles(x: Array, places: Sizes, m: int) -> Array:
    """``[*T, C, N, *tiles]``: ``m + 2`` values on each axis, every ``m``, zeros behind the operand."""
    count = _tiled(places, m)
    padded = np.zeros((*x.shape[:2], *(n * m + 2 for n in count)), x.dtype)
    padded[_corner(x.shape[2:])] = x
    sample, channel, *steps = padded.strides
    return np.lib.stride_tricks.as_strided(
        padded,
        (*(m + 2,) * len(count), x.shape[1], len(x), *count),
        (*steps, channel, sample, *(m * step for step in steps)),
    )


def _untiled(tiles: Array, sizes: Sizes, places: Sizes, m: int) -> Array:
    """The adjoint of ``_tiles``: every value added where it came from."""
    rank, count = len(places), _tiled(places, m)
    padded = np.zeros((tiles.shape[rank + 1], tiles.shape[rank], *(n * m + 2 for n in count)), tiles.dtype)
    for i in np.ndindex(*tiles.shape[:rank]):
        own = (slice(first, first + n * m, m) for first, n in zip(i, count, strict=True))
        padded[(slice(None), slice(None), *own)] += tiles[i].swapaxes(0, 1)
    tally.additions += tiles.size
    return np.ascontiguousarray(padded[_corner(sizes)])


def _placed(results: Array, places: Sizes) -> Array:
    """``[*m, O, N, *tiles]`` as ``[N, O, *P]``."""
    rank = len(places)
    order = [axis for a in range(rank) for axis in (rank + 2 + a, a)]
    spread = results.transpose(rank + 1, rank, *order)
    merged = spread.reshape(*spread.shape[:2], *map(prod, zip(spread.shape[2::2], spread.shape[3::2], strict=True)))
    return np.ascontiguousarray(merged[_corner(places)])


def _unplaced(dy: Array, m: int) -> Array:
    """The adjoint of ``_placed``: zeros where a tile reaches beyond the results."""
    count = _tiled(dy.shape[2:], m)
    padded = np.zeros((*dy.shape[:2], *(n * m for n in count)), dy.dtype)
    padded[_corner(dy.shape[2:])] = dy
    split = padded.reshape(*dy.shape[:2], *(size for n in count for size in (n, m)))
    rank = len(count)
    return split.transpose(*(3 + 2 * a for a in range(rank)), 1, 0, *(2 + 2 * a for a in range(rank)))


def _corner(sizes: Sizes) -> tuple[slice, ...]:
    """An index that takes the first ``sizes`` positions of ``[N, C, *S]``."""
    return (slice(None), slice(None), *map(slice, sizes))
