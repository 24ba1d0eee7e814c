"""Softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def softmax(x: Array, *, dim: int = 1) -> tuple[Array, Vjp]:
    """``exp(x) / sum(exp(x))`` along axis ``dim``, 0 being the batch. Source: torch.nn.Softmax."""
    powers = np.exp(x - x.max(axis=dim, keepdims=True))
    y = powers / powers.sum(axis=dim, keepdims=True)

    def vjp(dy: Array) -> Gradients:
        return {0: y * (dy - (dy * y).sum(axis=dim, keepdims=True))}

    return y, vjp
