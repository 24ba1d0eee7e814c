"""Average pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._pool import place
from convcalc.kernels._windows import on, pad, tap, unpad

if TYPE_CHECKING:
    from convcalc.kernels._pool import Window
    from convcalc.kernels._types import Array, Gradients, Vjp


def avg_pool(
    x: Array,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool | str = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> tuple[Array, Vjp]:
    """The sum of each window over its divisor: ``[N, C, *S]`` to ``[N, C, *P]``.

    The divisor is the number of positions in the window, those that it reaches beyond the padded operand left out,
    and without ``count_include_pad`` the padding too; or ``divisor_override``. A window of padding alone is 0.
    Source: torch.nn.AvgPool2d.
    """
    windows = place(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    amounts = [(window.before, window.after) for window in windows]
    divisors = np.ones((), x.dtype)
    for n, window in zip(x.shape[2:], windows, strict=True):
        divisors = np.multiply.outer(divisors, _members(n, window, count_include_pad)).astype(x.dtype)
    if divisor_override is not None:
        divisors = np.full_like(divisors, divisor_override)
    divisors = np.maximum(divisors, 1)

    y = pad(x, amounts)
    for axis, window in enumerate(windows, 2):
        total = y[on(axis, tap(window.starts, 0))].copy()
        for j in range(1, window.kernel):
            total += y[on(axis, tap(window.starts, window.dilation * j))]
        y = total
    y /= divisors
    sizes = [n + sum(amount) for n, amount in zip(x.shape[2:], amounts, strict=True)]

    def vjp(dy: Array) -> Gradients:
        dx = dy / divisors
        for axis in reversed(range(2, x.ndim)):
            window = windows[axis - 2]
            wide = np.zeros((*dx.shape[:axis], sizes[axis - 2], *dx.shape[axis + 1 :]), dx.dtype)
            for j in range(window.kernel):
                wide[on(axis, tap(window.starts, window.dilation * j))] += dx
            dx = wide
        return {0: unpad(dx, amounts)}

    return y, vjp


def _members(n: int, window: Window, count_include_pad: bool) -> list[int]:
    """How many positions of each window count."""
    positions = range(window.before + n + window.after - window.beyond)
    if not count_include_pad:
        positions = range(window.before, window.before + n)
    reads = range(0, window.dilation * window.kernel, window.dilation)
    return [sum(start + offset in positions for offset in reads) for start in window.starts]
