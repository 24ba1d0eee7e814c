"""Global max pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcalc.kernels._pool import scatter

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def global_max_pool(x: Array) -> tuple[Array, Vjp]:
    """The largest value of each channel: ``[N, C, *S]`` to ``[N, C, 1, ...]``; of equal values the first wins.

    Source: torch.nn.AdaptiveMaxPool2d(1); ONNX GlobalMaxPool.
    """
    flat = x.reshape(*x.shape[:2], -1)
    best = flat.argmax(axis=2, keepdims=True)
    y = np.take_along_axis(flat, best, 2).reshape(*x.shape[:2], *(1,) * (x.ndim - 2))

    def vjp(dy: Array) -> Gradients:
        return {0: scatter(dy, best, x.shape)}

    return y, vjp
