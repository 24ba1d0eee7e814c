"""Piecewise stand-in for silu."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def hardswish(x: Array) -> tuple[Array, Vjp]:
    """``x * min(max(x + 3, 0), 6) / 6``; its derivative at -3 is 0, at 3 it is 1. Source: torch.nn.Hardswish."""
    gate = np.clip(x + 3, 0, 6) / 6

    def vjp(dy: Array) -> Gradients:
        return {0: dy * (gate + x * ((x > -3) & (x < 3)) / 6)}

    return x * gate, vjp
