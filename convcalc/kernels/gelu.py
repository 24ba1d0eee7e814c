"""Gaussian error linear unit."""

from __future__ import annotations

from math import erf, pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def gelu(x: Array, *, approximate: str = "none") -> tuple[Array, Vjp]:
    """``x * P(X <= x)`` for a standard normal ``X``, or with ``tanh`` in place of its error function.

    Source: torch.nn.GELU; Hendrycks & Gimpel 2016.
    """
    if approximate == "tanh":
        bend = np.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))
        share = (1 + bend) / 2
        density = (1 - bend * bend) / 2 * sqrt(2 / pi) * (1 + 3 * 0.044715 * x * x)
    else:
        share = (1 + _erf(x / sqrt(2))) / 2
        density = np.exp(-x * x / 2) / sqrt(2 * pi)

    def vjp(dy: Array) -> Gradients:
        return {0: dy * (share + x * density)}

    return x * share, vjp


def _erf(x: Array) -> Array:
    """The error function, which NumPy lacks."""
    return np.fromiter(map(erf, x.ravel().tolist()), x.dtype, x.size).reshape(x.shape)
