"""Exponential linear unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def elu(x: Array, *, alpha: float = 1.0) -> tuple[Array, Vjp]:
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)``. Source: torch.nn.ELU; Clevert et al. 2015."""
    below = np.expm1(np.minimum(x, 0))

    def vjp(dy: Array) -> Gradients:
        return {0: dy * np.where(x > 0, 1, alpha * (below + 1))}

    return np.maximum(x, 0) + alpha * below, vjp
