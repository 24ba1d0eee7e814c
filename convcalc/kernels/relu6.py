"""Rectified linear unit, capped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def relu6(x: Array) -> tuple[Array, Vjp]:
    """``min(max(x, 0), 6)``; its derivative at 0 and 6 is 0. Source: torch.nn.ReLU6."""
    y = np.minimum(np.maximum(x, 0), 6)

    def vjp(dy: Array) -> Gradients:
        return {0: dy * ((x > 0) & (x < 6))}

    return y, vjp
