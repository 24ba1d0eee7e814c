"""Several axes into one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def flatten(x: Array, *, start_dim: int = 1, end_dim: int = -1) -> tuple[Array, Vjp]:
    """The axes from ``start_dim`` to ``end_dim`` as one, in row-major order. Source: torch.nn.Flatten."""
    first, last = start_dim % x.ndim, end_dim % x.ndim
    if first > last:
        raise ValueError("start_dim comes after end_dim")

    def vjp(dy: Array) -> Gradients:
        return {0: dy.reshape(x.shape)}

    return x.reshape(*x.shape[:first], -1, *x.shape[last + 1 :]), vjp
