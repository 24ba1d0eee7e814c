"""The way back from a max pool."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._axes import agree, pairs, per_axis, same_shape
from convcalc.kernels._values import check_whole

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def max_unpool(
    x: Array,
    indices: Array,
    like: Array | None = None,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> tuple[Array, Vjp]:
    """Each value of ``[N, C, *P]`` at its place in a flattened map of zeros: ``[N, C, *S]``.

    The sizes are those of ``like``, or ``output_size``, or as far as the last window reaches. Of several values for
    one place the last stays; a place of -1 is nowhere. Raises WrongValues for
    what is no place. Source: torch.nn.MaxUnpool2d.
    """
    same_shape("max_unpool", x.shape, indices.shape)
    rank = x.ndim - 2
    kernels = per_axis(kernel_size, rank, "kernel_size")
    strides = kernels if stride is None else per_axis(stride, rank, "stride")
    axes = zip(x.shape[2:], kernels, strides, pairs(padding, rank, "padding"), strict=True)
    covered = [range(-before, n * s - before, s)[-1] + k - after for n, k, s, (before, after) in axes]
    """One more than the last position of the last window, less the padding behind."""
    sizes = tuple(covered) if output_size is None else per_axis(output_size, rank, "output_size")
    if like is not None:
        agree("output_size", output_size, None)
        sizes = like.shape[2:]
    if not all(c - s < size < c + s for c, s, size in zip(covered, strides, sizes, strict=True)):
        raise ValueError(f"windows that cover {tuple(covered)} do not make {sizes}")
    if min(sizes) < 1:
        raise ValueError("padding leaves nothing of the result")
    places = prod(sizes)
    check_whole(1, f"indices in {'x'.join(map(str, sizes))}", indices, -1, places - 1)
    maps = len(x) * x.shape[1]
    flat = indices.reshape(maps, -1)
    own = flat + places * np.arange(maps)[:, None]
    y = np.zeros(maps * places, x.dtype)
    y[own[flat >= 0]] = x.reshape(maps, -1)[flat >= 0]
    last = np.full(maps * places, -1)
    numbers = np.arange(x.size).reshape(maps, -1)
    last[own[flat >= 0]] = numbers[flat >= 0]
    stays = (flat >= 0) & (last[np.maximum(own, 0)] == numbers)

    def vjp(dy: Array) -> Gradients:
        """Values that stay take the gradient of their place."""
        return {0: np.where(stays, dy.reshape(-1)[np.maximum(own, 0)], 0).reshape(x.shape).astype(dy.dtype, copy=False)}

    return y.reshape(*x.shape[:2], *sizes), vjp
