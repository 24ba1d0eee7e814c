"""Another shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Sizes, Vjp


def reshape(x: Array, *, shape: Sizes) -> tuple[Array, Vjp]:
    """``[N, ...]`` as ``[N, *shape]``, in row-major order; one entry may be -1. Source: torch.reshape."""

    def vjp(dy: Array) -> Gradients:
        return {0: dy.reshape(x.shape)}

    return x.reshape(len(x), *shape), vjp
