"""Global average pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def global_avg_pool(x: Array) -> tuple[Array, Vjp]:
    """The mean of each channel: ``[N, C, *S]`` to ``[N, C, 1, ...]``. Source: Lin et al. 2013, section 3.2."""
    y = x.mean(axis=tuple(range(2, x.ndim)), keepdims=True)

    def vjp(dy: Array) -> Gradients:
        return {0: np.broadcast_to(dy / (x.size // dy.size), x.shape)}

    return y, vjp
