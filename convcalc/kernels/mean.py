"""Mean over axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Sizes, Vjp


def mean(x: Array, *, dim: int | Sizes, keepdim: bool = False) -> tuple[Array, Vjp]:
    """The mean over one axis or several, which go away unless ``keepdim``. Source: torch.mean."""
    y: Array = x.mean(axis=dim, keepdims=keepdim)

    def vjp(dy: Array) -> Gradients:
        dy = dy if keepdim else np.expand_dims(dy, dim)
        return {0: np.broadcast_to(dy / (x.size // dy.size), x.shape)}

    return y, vjp
