"""Product of tensors."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from convcalc.kernels._axes import same_shape

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Sizes, Vjp


def mul(*xs: Array) -> tuple[Array, Vjp]:
    """The product, value by value; an operand with one position on every spatial axis scales whole channels.

    Source: torch.mul; the gate of Hu et al. 2017, equation 4.
    """
    same_shape("mul", *(x.shape[:2] for x in xs))
    same_shape("mul", *{x.shape for x in xs if not _scales(x.shape)})
    y = reduce(np.multiply, xs)

    def vjp(dy: Array) -> Gradients:
        gradients: Gradients = {}
        for place, x in enumerate(xs):
            dx = reduce(np.multiply, (other for index, other in enumerate(xs) if index != place), dy)
            if x.shape != y.shape:
                dx = dx.sum(axis=tuple(range(2, x.ndim)), keepdims=True)
            gradients[place] = dx
        return gradients

    return y, vjp


def _scales(shape: Sizes) -> bool:
    return len(shape) > 2 and set(shape[2:]) == {1}
