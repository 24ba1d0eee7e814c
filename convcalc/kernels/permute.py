"""Axes in another order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Sizes, Vjp


def permute(x: Array, *, dims: Sizes) -> tuple[Array, Vjp]:
    """The axes in the order of ``dims``, the batch axis first. Source: torch.permute."""
    back = np.argsort([dim % x.ndim for dim in dims])

    def vjp(dy: Array) -> Gradients:
        return {0: dy.transpose(back)}

    return x.transpose(dims), vjp
