"""Piecewise linear stand-in for sigmoid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def hardsigmoid(x: Array) -> tuple[Array, Vjp]:
    """``min(max(x + 3, 0), 6) / 6``; its derivative at -3 and 3 is 0. Source: torch.nn.Hardsigmoid."""

    def vjp(dy: Array) -> Gradients:
        return {0: dy * ((x > -3) & (x < 3)) / 6}

    return np.clip(x + 3, 0, 6) / 6, vjp
