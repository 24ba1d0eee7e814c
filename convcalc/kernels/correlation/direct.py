"""The textbook sum, one tap of the kernel after the other. Source: Dumoulin & Visin 2016, section 2."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from convcalc.kernels._tally import tally
from convcalc.kernels._windows import taps
from convcalc.kernels.correlation import counts, grouped, place

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Sizes


def correlate(x: Array, w: Array, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """``y[o, p] += w[o, c, j] * x[c, stride * p + dilation * j]``, summed over ``c``, for each tap ``j``."""
    kernel = w.shape[2:]
    starts = place(x.shape[2:], kernel, stride, dilation)
    w = grouped(w, groups, 0)
    y = np.zeros((len(x), groups, w.shape[1], prod(counts(starts))), x.dtype)
    for j in np.ndindex(*kernel):
        seen = x[taps(starts, j, dilation)]
        y += w[(..., *j)] @ grouped(_flat(seen), groups, 1)
        _count(y, w)
    return y.reshape(len(x), -1, *counts(starts))


def input_adjoint(dy: Array, w: Array, sizes: Sizes, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """``dx[c, stride * p + dilation * j] += w[o, c, j] * dy[o, p]``, summed over ``o``, for each tap ``j``."""
    kernel = w.shape[2:]
    starts = place(sizes, kernel, stride, dilation)
    dx = np.zeros((len(dy), groups * w.shape[1], *sizes), dy.dtype)
    w = grouped(w, groups, 0)
    dy = grouped(_flat(dy), groups, 1)
    for j in np.ndindex(*kernel):
        seen = dx[taps(starts, j, dilation)]
        seen += (w[(..., *j)].swapaxes(-1, -2) @ dy).reshape(seen.shape)
        _count(dy, w)
    return dx


def weight_adjoint(x: Array, dy: Array, kernel: Sizes, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """``dw[o, c, j] = x[c, stride * p + dilation * j] * dy[o, p]``, summed over ``p`` and the batch."""
    starts = place(x.shape[2:], kernel, stride, dilation)
    dy = grouped(_flat(dy), groups, 1)
    dw = np.empty((groups, dy.shape[2], x.shape[1] // groups, *kernel), x.dtype)
    for j in np.ndindex(*kernel):
        seen = grouped(_flat(x[taps(starts, j, dilation)]), groups, 1)
        dw[(..., *j)] = (dy @ seen.swapaxes(-1, -2)).sum(axis=0)
        _count(dy, dw)
        tally.additions -= dw[(..., *j)].size  # this sum starts from a product
    return dw.reshape(-1, *dw.shape[2:])


def _flat(x: Array) -> Array:
    """``[N, C, *S]`` as ``[N, C, P]``."""
    return x.reshape(*x.shape[:2], -1)


def _count(y: Array, w: Array) -> None:
    """One tap: every output with every channel of its group, multiplied and added to a sum."""
    tally.multiplications += y.size * w.shape[2]
    tally.additions += y.size * w.shape[2]
