"""Layer normalisation."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._axes import agree
from convcalc.kernels._initial import uniform
from convcalc.kernels._normal import scaled

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Generator, Sizes, Vjp


def layer_norm(
    x: Array,
    *,
    weight: Array | None = None,
    bias: Array | bool | None = None,
    normalized_shape: Any = None,
    eps: float = 1e-5,
    elementwise_affine: bool = True,
) -> tuple[Array, Vjp]:
    """The values over the last axes of ``[N, ...]``, those of ``normalized_shape``, against each other.

    Weight and bias have that shape. Source: torch.nn.LayerNorm; Ba et al. 2016.
    """
    shape = x.shape[1:] if normalized_shape is None else tuple(normalized_shape)
    agree("normalized_shape", shape, x.shape[1:][len(x.shape[1:]) - len(shape) :])
    if elementwise_affine and (weight is None or bias is True):
        raise ValueError("weight or bias is missing")
    shift = None if isinstance(bias, bool) else bias
    return scaled(x, prod(x.shape[: x.ndim - len(shape)]), eps, weight, shift, shape)


def parameters(
    rng: Generator,
    x_shape: Sizes,
    *,
    normalized_shape: Any = None,
    elementwise_affine: bool = True,
    bias: bool = True,
    dtype: Any = np.float32,
    **_: Any,
) -> dict[str, Array]:
    """A scale near 1 and a shift near 0."""
    shape = x_shape[1:] if normalized_shape is None else tuple(normalized_shape)
    if not elementwise_affine:
        return {}
    drawn = {"weight": uniform(rng, shape, 0.9, 1.1, dtype)}
    if bias:
        drawn["bias"] = uniform(rng, shape, -0.1, 0.1, dtype)
    return drawn
