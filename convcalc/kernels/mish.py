"""Self-regularised smooth unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcalc.kernels.sigmoid import sigmoid

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def mish(x: Array) -> tuple[Array, Vjp]:
    """``x * tanh(log(1 + exp(x)))``. Source: torch.nn.Mish; Misra 2019."""
    gate = np.tanh(np.logaddexp(0, x))

    def vjp(dy: Array) -> Gradients:
        slope, _ = sigmoid(x)
        return {0: dy * (gate + x * slope * (1 - gate * gate))}

    return x * gate, vjp
