"""Group normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._axes import agree
from convcalc.kernels._initial import uniform
from convcalc.kernels._normal import scaled

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Generator, Sizes, Vjp


def group_norm(
    x: Array,
    *,
    num_groups: int,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
    affine: bool = True,
    num_channels: int | None = None,
) -> tuple[Array, Vjp]:
    """The channels ``[N, C, *S]`` in groups, each against itself; weight and bias are ``[C]``.

    Source: torch.nn.GroupNorm; Wu & He 2018.
    """
    channels = x.shape[1]
    agree("num_channels", num_channels, channels)
    if channels % num_groups:
        raise ValueError(f"{channels} channels do not divide into {num_groups} groups")
    if affine and (weight is None or bias is None):
        raise ValueError("weight or bias is missing")
    return scaled(x, len(x) * num_groups, eps, weight, bias, (channels, *(1,) * (x.ndim - 2)))


def parameters(
    rng: Generator, x_shape: Sizes, *, affine: bool = True, dtype: Any = np.float32, **_: Any
) -> dict[str, Array]:
    """Both ``[C]``: a scale near 1 and a shift near 0."""
    if not affine:
        return {}
    channels = (x_shape[1],)
    return {"weight": uniform(rng, channels, 0.9, 1.1, dtype), "bias": uniform(rng, channels, -0.1, 0.1, dtype)}
