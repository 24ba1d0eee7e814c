"""One product with the matrix of the whole map: doubly blocked Toeplitz in 2-D, one block more for each axis.

Every entry of a weight stands on a diagonal of its own, everything else is zero; the zeros are multiplied like any
number. Sources: Dumoulin & Visin 2016, section 4.1; Gray 2006, "Toeplitz and Circulant Matrices", section 1.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._axes import pairs, per_axis
from convcalc.kernels._border import gathered
from convcalc.kernels._tally import tally
from convcalc.kernels._windows import pad, paddings, reach, unpad
from convcalc.kernels.correlation import NotApplicable, counts, place

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Sizes

LARGEST = 1 << 24
"""Entries of a matrix: 64 MiB in single precision."""


def correlate(x: Array, w: Array, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """The matrix by each sample."""
    places = counts(place(x.shape[2:], w.shape[2:], stride, dilation))
    y = x.reshape(len(x), -1) @ matrix(w, x.shape[2:], stride, dilation, groups).T
    tally.product(len(x), x[0].size, y.shape[1])
    return y.reshape(len(x), len(w), *places)


def input_adjoint(dy: Array, w: Array, sizes: Sizes, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """The transposed matrix by each sample."""
    dx = dy.reshape(len(dy), -1) @ matrix(w, sizes, stride, dilation, groups)
    tally.product(len(dy), dy[0].size, dx.shape[1])
    return dx.reshape(len(dy), -1, *sizes)


def weight_adjoint(x: Array, dy: Array, kernel: Sizes, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """The gradient of the matrix, ``dy x^T``, summed along each weight's diagonal."""
    outputs, places = dy.shape[1], dy.shape[2:]
    _check(dy[0].size, x[0].size)
    full = dy.reshape(len(dy), -1).T @ x.reshape(len(x), -1)
    tally.product(len(full), len(x), full.shape[1])
    lines = _diagonals(full, (outputs, *places), x.shape[1:], kernel, stride, dilation, groups)
    dw: Array = lines.sum(axis=tuple(range(-len(places), 0)))
    tally.additions += lines.size - dw.size
    return dw.reshape(outputs, -1, *kernel)


def matrix(w: Array, sizes: Sizes, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """``[O * prod(P), C * prod(sizes)]`` for weights ``[O, C / groups, *K]``; raises NotApplicable where too large.

    Rows and columns stand in the order of the values in ``[O, *P]`` and ``[C, *sizes]``.
    """
    outputs, channels, *kernel = w.shape
    rows = (outputs, *counts(place(sizes, tuple(kernel), stride, dilation)))
    columns = (channels * groups, *sizes)
    _check(prod(rows), prod(columns))
    full = np.zeros((prod(rows), prod(columns)), w.dtype)
    lines = _diagonals(full, rows, columns, tuple(kernel), stride, dilation, groups)
    lines[...] = w.reshape(*lines.shape[: 3 + len(kernel)], *(1,) * len(kernel))
    return full


def layer_matrix(name: str, x_shape: Sizes, weight: Array, options: dict[str, Any]) -> Array:
    """The matrix of a ``conv`` or ``conv_transpose`` of ``[C, *S]``, by the attributes that its kernel takes.

    Columns of zeros in the padding are left out, those of copies added to what is copied; rows that a transposed
    convolution cuts off are left out, too.
    """
    sizes, kernel = x_shape[1:], weight.shape[2:]
    rank, groups = len(sizes), options.get("groups", 1)
    stride, dilation = (per_axis(options.get(key, 1), rank, key) for key in ("stride", "dilation"))
    spans = [reach(k, d) for k, d in zip(kernel, dilation, strict=True)]
    if name == "conv":
        amounts = paddings(options.get("padding", 0), sizes, spans, stride)
        padded = tuple(n + before + after for n, (before, after) in zip(sizes, amounts, strict=True))
        turned = np.flip(weight, tuple(range(2, weight.ndim))) if options.get("flip") else weight
        full = matrix(turned, padded, stride, dilation, groups).reshape(-1, x_shape[0], *padded)
        return gathered(full, amounts, options.get("padding_mode", "zeros")).reshape(len(full), -1)
    reached = tuple(range(0, n * s, s)[-1] + span + 1 for n, s, span in zip(sizes, stride, spans, strict=True))
    full = matrix(weight, reached, stride, dilation, groups)
    behind = [(0, more) for more in per_axis(options.get("output_padding", 0), rank, "output_padding")]
    kept = pad(full.reshape(len(full), -1, *reached), behind)
    return unpad(kept, pairs(options.get("padding", 0), rank, "padding")).reshape(len(full), -1).T


def _diagonals(
    full: Array, rows: Sizes, columns: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes, groups: int
) -> Array:
    """The entries ``[groups, O / groups, C / groups, *K, *P]`` that hold a weight: a view of the matrix.

    A step to the next window goes down one row and right by the stride, a step to the next tap right by the dilation.
    """
    (outputs, *places), (channels, *sizes) = rows, columns
    each = outputs // groups, channels // groups
    split = full.reshape(groups, each[0], *places, groups, each[1], *sizes)
    rank = len(kernel)
    down, right = split.strides[: 2 + rank], split.strides[2 + rank :]
    return np.lib.stride_tricks.as_strided(
        split,
        (groups, *each, *kernel, *places),
        (
            down[0] + right[0],
            down[1],
            right[1],
            *(step * d for step, d in zip(right[2:], dilation, strict=True)),
            *(row + step * s for row, step, s in zip(down[2:], right[2:], stride, strict=True)),
        ),
    )


def _check(rows: int, columns: int) -> None:
    if rows * columns > LARGEST:
        raise NotApplicable(f"its matrix would have {rows} x {columns} entries, more than {LARGEST}")
