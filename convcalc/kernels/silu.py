"""Sigmoid-weighted linear unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.kernels.sigmoid import sigmoid

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def silu(x: Array) -> tuple[Array, Vjp]:
    """``x * sigmoid(x)``. Source: torch.nn.SiLU; Elfwing et al. 2017."""
    gate, _ = sigmoid(x)

    def vjp(dy: Array) -> Gradients:
        return {0: dy * gate * (1 + x * (1 - gate))}

    return x * gate, vjp
