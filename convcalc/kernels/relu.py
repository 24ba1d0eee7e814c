"""Rectified linear unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def relu(x: Array) -> tuple[Array, Vjp]:
    """``max(x, 0)``; its derivative at 0 is 0. Source: torch.nn.ReLU."""
    y = np.maximum(x, 0)

    def vjp(dy: Array) -> Gradients:
        return {0: dy * (y > 0)}

    return y, vjp
