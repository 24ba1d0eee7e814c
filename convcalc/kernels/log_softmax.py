"""Logarithm of softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def log_softmax(x: Array, *, dim: int = 1) -> tuple[Array, Vjp]:
    """``x - log(sum(exp(x)))`` along axis ``dim``, 0 being the batch. Source: torch.nn.LogSoftmax."""
    lowered = x - x.max(axis=dim, keepdims=True)
    y = lowered - np.log(np.exp(lowered).sum(axis=dim, keepdims=True))

    def vjp(dy: Array) -> Gradients:
        return {0: dy - np.exp(y) * dy.sum(axis=dim, keepdims=True)}

    return y, vjp
