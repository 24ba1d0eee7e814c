"""Adaptive max pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._adaptive import bins
from convcalc.kernels._pool import flat_places, scatter
from convcalc.kernels._windows import on

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.kernels._types import Array, Gradients


def adaptive_max_pool(
    x: Array, *, output_size: Any
) -> tuple[tuple[Array, Array], Callable[[tuple[Array | None, Array | None]], Gradients]]:
    """The largest value of each bin and, as int64, its place in the flattened map: ``[N, C, *output_size]``.

    Of equal values the first wins. One axis after the other, the last one first. Source: torch.nn.AdaptiveMaxPool2d.
    """
    y, indices = x, flat_places(x.shape[2:], x.shape)
    for axis, parts in reversed(list(enumerate(bins(x.shape[2:], output_size), 2))):
        if parts is None:
            continue
        found = [y[on(axis, part)].argmax(axis=axis, keepdims=True) + part.start for part in parts]
        best = np.concatenate(found, axis=axis)
        y, indices = np.take_along_axis(y, best, axis), np.take_along_axis(indices, best, axis)

    def vjp(dy: tuple[Array | None, Array | None]) -> Gradients:
        return {} if dy[0] is None else {0: scatter(dy[0], indices, x.shape)}

    return (y, indices), vjp
