"""Values less the mean of their group, over its deviation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.kernels._types import Array, Gradients, Sizes, Vjp


def normal(x: Array, groups: int, eps: float) -> tuple[Array, Callable[[Array], Array]]:
    """``(x - mean) / sqrt(var + eps)`` (biased variance) for each of ``groups`` runs of values, and the way back."""
    rows = x.reshape(groups, -1)
    centred = rows - rows.mean(axis=1, keepdims=True)
    inverse = 1 / np.sqrt((centred * centred).mean(axis=1, keepdims=True) + eps)
    y = centred * inverse

    def back(dy: Array) -> Array:
        dy = dy.reshape(rows.shape)
        along = (dy * y).mean(axis=1, keepdims=True)
        dx = (dy - dy.mean(axis=1, keepdims=True) - y * along) * inverse
        returned: Array = dx.reshape(x.shape)
        return returned

    return y.reshape(x.shape), back


def scaled(
    x: Array, groups: int, eps: float, weight: Array | None, bias: Array | None, shape: Sizes
) -> tuple[Array, Vjp]:
    """The same, scaled by ``weight`` and shifted by ``bias``, which are spread over ``x`` from ``shape``."""
    y, back = normal(x, groups, eps)
    factor = None if weight is None else weight.reshape(shape)
    result = y if factor is None else y * factor
    if bias is not None:
        result = result + bias.reshape(shape)

    def vjp(dy: Array) -> Gradients:
        gradients: Gradients = {0: back(dy if factor is None else dy * factor)}
        if weight is not None:
            gradients["weight"] = _folded(dy * y, shape).reshape(weight.shape)
        if bias is not None:
            gradients["bias"] = _folded(dy, shape).reshape(bias.shape)
        return gradients

    return result, vjp


def _folded(dy: Array, shape: Sizes) -> Array:
    """The sum over the axes on which ``shape``, aligned at the end, is spread."""
    lead = dy.ndim - len(shape)
    axes = tuple(axis for axis in range(dy.ndim) if axis < lead or shape[axis - lead] == 1)
    total: Array = dy.sum(axis=axes, keepdims=True)
    return total
