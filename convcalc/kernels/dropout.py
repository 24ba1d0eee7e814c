"""Dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Generator, Gradients, Vjp


def dropout(x: Array, *, p: float = 0.5, training: bool = False, rng: Generator | None = None) -> tuple[Array, Vjp]:
    """``x`` itself; in ``training`` each value is zeroed with probability ``p``, or divided by ``1 - p``.

    Source: torch.nn.Dropout; Srivastava et al. 2014.
    """
    if not training or p == 0:
        return x, lambda dy: {0: dy}
    if rng is None:
        raise ValueError("dropout in training needs a random generator")
    kept = rng.random(x.shape, dtype=np.float32) >= p
    scale = 1 / (1 - p) if p < 1 else 0.0

    def vjp(dy: Array) -> Gradients:
        return {0: dy * kept * scale}

    return x * kept * scale, vjp
