"""Difference of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.kernels._axes import same_shape

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def sub(a: Array, b: Array) -> tuple[Array, Vjp]:
    """The first operand less the second, of one shape; nothing is broadcast. Source: torch.sub."""
    same_shape("sub", a.shape, b.shape)

    def vjp(dy: Array) -> Gradients:
        return {0: dy, 1: -dy}

    return a - b, vjp
