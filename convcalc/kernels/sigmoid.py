"""Logistic function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def sigmoid(x: Array) -> tuple[Array, Vjp]:
    """``1 / (1 + exp(-x))``, as ``exp(-log(1 + exp(-x)))``, which overflows nowhere. Source: torch.nn.Sigmoid."""
    y = np.exp(-np.logaddexp(0, -x))

    def vjp(dy: Array) -> Gradients:
        return {0: dy * y * (1 - y)}

    return y, vjp
