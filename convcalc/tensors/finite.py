"""Where an array is not finite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array


def first_not_finite(array: Array) -> tuple[tuple[int, ...], float] | None:
    """The index and the value of the first NaN or infinity; None where every number is finite."""
    if array.dtype.kind not in "fc":
        return None
    # The sum of finite numbers may overflow, but that of others is never finite: a quick way to say yes.
    with np.errstate(all="ignore"):
        if np.isfinite(array.sum()):
            return None
    wrong = ~np.isfinite(array)
    if not wrong.any():
        return None
    index = tuple(int(place) for place in np.unravel_index(int(wrong.argmax()), array.shape))
    return index, float(array[index])


def converted(array: Array, dtype: str) -> Array:
    """The array in another dtype, contiguous; what does not fit becomes infinite, without a warning."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=dtype).reshape(array.shape)
