"""Seeded initial values, drawn in float32 whatever the dtype: a net is the same in every precision."""

from __future__ import annotations

from math import prod, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Generator, Sizes


def uniform(rng: Generator, shape: Sizes, low: float, high: float, dtype: Any = np.float32) -> Array:
    """Values between ``low`` and ``high``."""
    values = rng.random(shape, dtype=np.float32)
    values *= high - low
    values += low
    return values.astype(dtype, copy=False)


def weights(
    rng: Generator, shape: Sizes, outputs: int | Sizes, bias: Any, dtype: Any, fan_in: float | None = None
) -> dict[str, Array]:
    """Weights ``[outputs, ...]`` of variance ``2 / fan_in`` (He et al. 2015, equation 10); ``outputs`` small biases."""
    fan_in = fan_in or prod(shape[1:])
    limit = sqrt(6 / fan_in)
    drawn = {"weight": uniform(rng, shape, -limit, limit, dtype)}
    if bias:
        limit = 1 / sqrt(fan_in)
        drawn["bias"] = uniform(rng, (outputs,) if isinstance(outputs, int) else outputs, -limit, limit, dtype)
    return drawn
