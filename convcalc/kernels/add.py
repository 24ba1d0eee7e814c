"""Sum of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.kernels._axes import same_shape

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def add(*xs: Array) -> tuple[Array, Vjp]:
    """The sum of operands of one shape; nothing is broadcast. Source: torch.add."""
    same_shape("add", *(x.shape for x in xs))
    y = xs[0] + xs[1]
    for x in xs[2:]:
        y += x

    def vjp(dy: Array) -> Gradients:
        return dict.fromkeys(range(len(xs)), dy)

    return y, vjp
