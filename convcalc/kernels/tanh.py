"""Hyperbolic tangent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def tanh(x: Array) -> tuple[Array, Vjp]:
    """``tanh(x)``. Source: torch.nn.Tanh."""
    y = np.tanh(x)

    def vjp(dy: Array) -> Gradients:
        return {0: dy * (1 - y * y)}

    return y, vjp
