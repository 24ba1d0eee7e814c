"""Adaptive average pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._adaptive import bins
from convcalc.kernels._windows import on

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def adaptive_avg_pool(x: Array, *, output_size: Any) -> tuple[Array, Vjp]:
    """The mean of each bin: ``[N, C, *S]`` to ``[N, C, *output_size]``, one axis after the other.

    Source: torch.nn.AdaptiveAvgPool2d.
    """
    axes = [(axis, parts) for axis, parts in enumerate(bins(x.shape[2:], output_size), 2) if parts is not None]
    y = x
    for axis, parts in axes:
        y = np.stack([y[on(axis, part)].mean(axis=axis) for part in parts], axis=axis)

    def vjp(dy: Array) -> Gradients:
        for axis, parts in reversed(axes):
            wide = np.zeros((*dy.shape[:axis], x.shape[axis], *dy.shape[axis + 1 :]), dy.dtype)
            for i, part in enumerate(parts):
                wide[on(axis, part)] += dy[on(axis, slice(i, i + 1))] / (part.stop - part.start)
            dy = wide
        return {0: dy}

    return y, vjp
