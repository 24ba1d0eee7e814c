"""Upsampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._axes import agree, per_axis

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def upsample(x: Array, *, scale_factor: Any = None, size: Any = None, mode: str = "nearest") -> tuple[Array, Vjp]:
    """Every position repeated ``scale_factor`` times by axis, or position ``floor(o * n / size)`` for each ``o``.

    Source: torch.nn.Upsample.
    """
    agree("mode", mode, "nearest")
    rank = x.ndim - 2
    if (size is None) == (scale_factor is None):
        raise ValueError("upsample takes a size or a scale_factor")
    if size is None:
        scales = per_axis(scale_factor, rank, "scale_factor")
        sources = [np.arange(n).repeat(scale) for n, scale in zip(x.shape[2:], scales, strict=True)]
    else:
        goals = per_axis(size, rank, "size")
        sources = [np.arange(goal) * n // goal for n, goal in zip(x.shape[2:], goals, strict=True)]
    y = x
    for axis, source in enumerate(sources, 2):
        y = y.take(source, axis=axis)

    def vjp(dy: Array) -> Gradients:
        """The sum over each run of outputs with one source."""
        for axis, source in reversed(list(enumerate(sources, 2))):
            read, first = np.unique(source, return_index=True)
            dx = np.zeros((*dy.shape[:axis], x.shape[axis], *dy.shape[axis + 1 :]), dy.dtype)
            dx.swapaxes(0, axis)[read] = np.add.reduceat(dy, first, axis=axis).swapaxes(0, axis)
            dy = dx
        return {0: dy}

    return y, vjp
