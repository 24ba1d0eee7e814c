"""Max pooling."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._pool import Window, place, scatter
from convcalc.kernels._windows import on, pad, tap

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.kernels._types import Array, Gradients, Sizes


def max_pool(
    x: Array,
    *,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool | str = False,
) -> tuple[tuple[Array, Array], Callable[[tuple[Array | None, Array | None]], Gradients]]:
    """The largest value of each window and, as int64, its place in the flattened map: ``[N, C, *S]`` to ``[N, C, *P]``.

    Of equal values the first wins, padding never does: a window of padding alone is -inf, or the lowest finite number
    with ``ceil_mode`` ``caffe``, at place -1. A window with a NaN is NaN. One axis after the other, the last one first.
    Source: torch.nn.MaxPool2d; Caffe's pooling layer.
    """
    sizes = x.shape[2:]
    windows = place(sizes, kernel_size, stride, padding, dilation, ceil_mode)
    y = pad(x, [(window.before, window.after) for window in windows], -np.inf)
    ranks = np.ones((1,) * x.ndim, np.min_scalar_type(prod(window.kernel for window in windows)))
    """The tap that each value of ``y`` comes from, the last one being 1: of equal values the largest rank wins."""
    inner = 1
    for axis in reversed(range(2, x.ndim)):
        y, ranks = _along(y, ranks, inner, axis, sizes[axis - 2], windows[axis - 2])
        inner *= windows[axis - 2].kernel
    indices = _places(ranks, sizes, windows)
    if ceil_mode == "caffe":
        # A NaN has no place either, and stays what it is.
        y[(indices < 0) & (y == -np.inf)] = np.finfo(y.dtype).min

    def vjp(dy: tuple[Array | None, Array | None]) -> Gradients:
        return {} if dy[0] is None else {0: scatter(dy[0], indices, x.shape)}

    return (y, indices), vjp


def _along(y: Array, ranks: Array, inner: int, axis: int, n: int, window: Window) -> tuple[Array, Array]:
    """The largest values on one axis, and the ranks of their taps, ``inner`` apart on this axis; 0 for padding."""
    ranks = np.broadcast_to(ranks, y.shape)
    parts = [on(axis, tap(window.starts, window.dilation * j)) for j in range(window.kernel)]
    best = y[parts[0]].copy()
    for part in parts[1:]:
        np.maximum(best, y[part], out=best)
    found = np.zeros(best.shape, ranks.dtype)
    for j, part in enumerate(parts):
        wins = (y[part] == best) & (ranks[part] > 0)
        if window.before or window.after:
            at = _axis(window, y.ndim - axis, j)
            wins &= (at >= 0) & (at < n)
        own = ranks[part] + ranks.dtype.type(inner * (window.kernel - 1 - j))
        np.maximum(found, own * wins, out=found)
    return best, found


def _places(ranks: Array, sizes: Sizes, windows: list[Window]) -> Array:
    """The place in the flattened map of the taps with these ranks, -1 of padding."""
    taps = ranks.dtype.type(prod(window.kernel for window in windows)) - ranks
    flat = np.zeros(ranks.shape, np.int64)
    step = 1
    for axis in reversed(range(2, ranks.ndim)):
        window = windows[axis - 2]
        taps, j = np.divmod(taps, ranks.dtype.type(window.kernel))
        flat += step * (_axis(window, ranks.ndim - axis, 0) + window.dilation * j.astype(np.int64))
        step *= sizes[axis - 2]
    flat[ranks == 0] = -1
    return flat


def _axis(window: Window, trailing: int, j: int) -> Array:
    """Where tap ``j`` of each window stands, along the first of ``trailing`` axes."""
    first = np.array(window.starts) - window.before
    return (first + window.dilation * j).reshape(-1, *(1,) * (trailing - 1))
