"""Leaky rectified linear unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def leaky_relu(x: Array, *, negative_slope: float = 0.01) -> tuple[Array, Vjp]:
    """``x`` where it is positive, else ``negative_slope * x``. Source: torch.nn.LeakyReLU."""
    slope = np.where(x > 0, 1, negative_slope).astype(x.dtype)

    def vjp(dy: Array) -> Gradients:
        return {0: dy * slope}

    return x * slope, vjp
