"""Pooling by a power mean."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._pool import place
from convcalc.kernels._windows import pad, taps, unpad

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def lp_pool(
    x: Array,
    *,
    norm_type: float,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool | str = False,
) -> tuple[Array, Vjp]:
    """``(sum of x^p)^(1/p)`` of each window, p being ``norm_type``: ``[N, C, *S]`` to ``[N, C, *P]``.

    A window that reaches beyond the padded operand counts as if it were full of its mean; where the sum is 0 the
    gradient is, too. Source: torch.nn.LPPool2d.
    """
    windows = place(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    amounts = [(window.before, window.after) for window in windows]
    starts, apart = [window.starts for window in windows], tuple(window.dilation for window in windows)
    parts = [taps(starts, j, apart) for j in product(*(range(window.kernel) for window in windows))]
    padded = pad(x, amounts)
    within = pad(np.ones((1, 1, *x.shape[2:]), x.dtype), [(w.before, w.after - w.beyond) for w in windows], 1)
    within = pad(within, [(0, w.beyond) for w in windows])
    fullness = sum(within[part] for part in parts) / len(parts)
    with np.errstate(invalid="ignore"):
        total = sum(padded[part] ** norm_type for part in parts) / np.where(fullness > 0, fullness, 1)
        y = total ** (1 / norm_type)

    def vjp(dy: Array) -> Gradients:
        """``(x / y)^(p - 1)`` for each value."""
        dx = np.zeros_like(padded)
        live = total != 0
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = np.where(live, dy * np.where(live, y, 1) ** (1 - norm_type), 0) / np.where(
                fullness > 0, fullness, 1
            )
            for part in parts:
                dx[part] += np.where(live, slope * padded[part] ** (norm_type - 1), 0)
        return {0: unpad(dx, amounts)}

    return y, vjp
