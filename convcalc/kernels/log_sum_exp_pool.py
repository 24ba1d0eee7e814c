"""Soft-maximum pooling."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._pool import place
from convcalc.kernels._windows import pad, taps, unpad

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def log_sum_exp_pool(
    x: Array,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool | str = False,
    sharpness: float = 1.0,
    mean: bool = False,
) -> tuple[Array, Vjp]:
    """``log(sum of exp(r x)) / r`` of each window, or with ``mean`` of the mean: ``[N, C, *S]`` to ``[N, C, *P]``.

    Padding is left out; a window of padding alone is -inf. The largest value is taken off before, and added after.
    Source: Pinheiro & Collobert 2015, equation 6.
    """
    windows = place(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    amounts = [(window.before, window.after) for window in windows]
    starts, apart = [window.starts for window in windows], tuple(window.dilation for window in windows)
    parts = [taps(starts, j, apart) for j in product(*(range(window.kernel) for window in windows))]
    padded = pad(x, amounts, -np.inf)
    top = padded[parts[0]].copy()
    for part in parts[1:]:
        np.maximum(top, padded[part], out=top)
    top = np.where(np.isfinite(top), top, np.zeros((), x.dtype))
    total, count = np.zeros_like(top), np.zeros_like(top)
    for part in parts:
        total += np.exp(sharpness * (padded[part] - top))
        count += padded[part] != -np.inf
    if mean:
        total /= np.maximum(count, 1)
    with np.errstate(divide="ignore"):
        y = top + np.log(total) / sharpness

    def vjp(dy: Array) -> Gradients:
        """Each value takes its share of the sum."""
        whole = np.maximum(total * np.maximum(count, 1) if mean else total, np.finfo(x.dtype).tiny)
        dx = np.zeros_like(padded)
        for part in parts:
            dx[part] += dy * np.exp(sharpness * (padded[part] - top)) / whole
        return {0: unpad(dx, amounts)}

    return y, vjp
