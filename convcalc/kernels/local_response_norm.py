"""Local response normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def local_response_norm(
    x: Array, *, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> tuple[Array, Vjp]:
    """``x / (k + alpha / size * sum of squares over size neighbouring channels)^beta`` on ``[N, C, *S]``.

    Channel ``c`` sees ``c - size // 2`` and the ``size - 1`` behind it; there are zeros beyond the first and the last.
    Source: torch.nn.LocalResponseNorm; Krizhevsky et al. 2012, section 3.3.
    """
    before = size // 2
    after = size - 1 - before
    base = k + alpha / size * _neighbours(x * x, before, after)
    scale = base**-beta

    def vjp(dy: Array) -> Gradients:
        """A channel also lowers those that see it, the window mirrored."""
        lowered = _neighbours(dy * x * scale / base, after, before)
        return {0: dy * scale - 2 * alpha * beta / size * x * lowered}

    return x * scale, vjp


def _neighbours(x: Array, before: int, after: int) -> Array:
    """The sum over the channels from ``before`` in front of each to ``after`` behind it."""
    channels = x.shape[1]
    total = np.zeros_like(x)
    for shift in range(-before, after + 1):
        own = range(channels)[max(-shift, 0) : max(channels - max(shift, 0), 0)]
        total[:, own.start : own.stop] += x[:, own.start + shift : own.stop + shift]
    return total
