"""One matrix product: each window unrolled into a column. Source: Chellapilla et al. 2006, section 3.1.

The columns take as many times the operand's memory as the kernel has taps, so they are made in tiles: some samples,
or some of a sample's windows on the first axis.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from convcalc.kernels._tally import tally
from convcalc.kernels._windows import taps
from convcalc.kernels.correlation import counts, grouped, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.kernels._types import Array, Sizes

WORKSPACE = 4 << 20
"""Bytes of the columns of a tile, unless the weights (read once a tile) or one row of windows take more."""


def correlate(x: Array, w: Array, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """``w [O, C * K]`` by columns ``[C * K, P]``, for each sample and group."""
    starts = place(x.shape[2:], w.shape[2:], stride, dilation)
    windows = _windows(x, w.shape[2:], starts, dilation)
    matrix = _matrix(w, groups)
    y = np.empty((len(x), *matrix.shape[:2], prod(counts(starts))), x.dtype)
    for samples, rows, columns in _tiles(windows, len(starts), w.nbytes):
        np.matmul(matrix, _unrolled(windows, samples, rows, groups), out=y[samples, ..., columns])
    tally.product(matrix.shape[1], matrix.shape[2], y.shape[3], len(x) * groups)
    return y.reshape(len(x), -1, *counts(starts))


def input_adjoint(dy: Array, w: Array, sizes: Sizes, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """Columns ``w^T dy``, each value of them added where it came from."""
    kernel = w.shape[2:]
    starts = place(sizes, kernel, stride, dilation)
    dx = np.zeros((len(dy), groups * w.shape[1], *sizes), dy.dtype)
    windows = _windows(dx, kernel, starts, dilation)
    matrix = _matrix(w, groups).swapaxes(1, 2)
    dy = grouped(dy.reshape(*dy.shape[:2], -1), groups, 1)
    for samples, rows, columns in _tiles(windows, len(starts), w.nbytes):
        unrolled = matrix @ dy[samples, ..., columns]
        part = [starts[0][rows], *starts[1:]]
        unrolled = unrolled.reshape(len(unrolled), dx.shape[1], *kernel, *counts(part))
        for j in np.ndindex(*kernel):
            dx[samples][taps(part, j, dilation)] += unrolled[(slice(None), slice(None), *j)]
        del unrolled  # before the next one is made
    tally.product(matrix.shape[1], matrix.shape[2], dy.shape[3], len(dy) * groups)
    tally.additions += windows.size
    return dx


def weight_adjoint(x: Array, dy: Array, kernel: Sizes, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """``dy [O, P]`` by transposed columns ``[P, C * K]``, summed over the samples."""
    starts = place(x.shape[2:], kernel, stride, dilation)
    windows = _windows(x, kernel, starts, dilation)
    dy = grouped(dy.reshape(*dy.shape[:2], -1), groups, 1)
    channels = x.shape[1] // groups
    dw = np.zeros((groups, dy.shape[2], channels * prod(kernel)), x.dtype)
    for samples, rows, columns in _tiles(windows, len(starts), dw.nbytes):
        unrolled = _unrolled(windows, samples, rows, groups).swapaxes(-1, -2)
        for part, seen in zip(dy[samples, ..., columns], unrolled, strict=True):
            dw += part @ seen
    tally.multiplications += dy.size * dw.shape[2]
    tally.additions += dy.size * dw.shape[2]
    return dw.reshape(-1, channels, *kernel)


def _matrix(w: Array, groups: int) -> Array:
    """The weights as ``[groups, O / groups, C / groups * K]``."""
    return grouped(w.reshape(len(w), -1), groups, 0)


def _windows(x: Array, kernel: Sizes, starts: list[range], dilation: Sizes) -> Array:
    """Every tap of every window, ``[N, C, *K, *P]``: a view of ``x``."""
    steps = x.strides[2:]
    return np.lib.stride_tricks.as_strided(
        x,
        (*x.shape[:2], *kernel, *counts(starts)),
        (
            *x.strides[:2],
            *(step * d for step, d in zip(steps, dilation, strict=True)),
            *(step * first.step for step, first in zip(steps, starts, strict=True)),
        ),
    )


def _tiles(windows: Array, rank: int, weights: int) -> Iterator[tuple[slice, slice, slice]]:
    """Samples, windows on the first axis, and the columns that these are."""
    count, rows = len(windows), windows.shape[-rank]
    row = prod(windows.shape[-rank:][1:])
    most = max(max(WORKSPACE, weights) // (windows.itemsize * windows.size // (count * rows)), 1)
    """Rows of windows that fit."""
    samples = max(most // rows, 1)
    for n in range(0, count, samples):
        for r in range(0, rows, min(most, rows)):
            end = min(r + most, rows)
            yield slice(n, n + samples), slice(r, end), slice(r * row, end * row)


def _unrolled(windows: Array, samples: slice, rows: slice, groups: int) -> Array:
    """The columns of a tile, ``[N, groups, C / groups * K, P]``; a copy but for a kernel of one tap."""
    rank = (windows.ndim - 2) // 2
    part = windows[(samples, *(slice(None),) * (1 + rank), rows)]
    channels = windows.shape[1]
    taken = prod(windows.shape[2 : 2 + rank])
    return part.reshape(len(part), groups, channels // groups * taken, -1)
