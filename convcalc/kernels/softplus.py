"""Smooth rectifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcalc.kernels.sigmoid import sigmoid

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def softplus(x: Array, *, beta: float = 1.0, threshold: float = 20.0) -> tuple[Array, Vjp]:
    """``log(1 + exp(beta * x)) / beta``, and ``x`` where ``beta * x`` is above ``threshold``.

    Source: torch.nn.Softplus.
    """
    straight = x * beta > threshold
    y = np.where(straight, x, np.logaddexp(0, x * beta) / beta)

    def vjp(dy: Array) -> Gradients:
        slope, _ = sigmoid(x * beta)
        return {0: dy * np.where(straight, 1, slope)}

    return y, vjp
