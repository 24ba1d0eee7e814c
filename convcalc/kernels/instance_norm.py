"""Instance normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels import group_norm as groups
from convcalc.kernels._axes import agree

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Generator, Sizes, Vjp


def instance_norm(
    x: Array,
    *,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
    affine: bool = False,
    num_features: int | None = None,
) -> tuple[Array, Vjp]:
    """Each channel of each sample of ``[N, C, *S]`` against itself; weight and bias are ``[C]``.

    Source: torch.nn.InstanceNorm2d; Ulyanov et al. 2016.
    """
    agree("num_features", num_features, x.shape[1])
    if x[0, 0].size < 2:
        raise ValueError(f"instance norm needs more than 1 position, not {x.shape}")
    return groups.group_norm(x, num_groups=x.shape[1], weight=weight, bias=bias, eps=eps, affine=affine)


def parameters(
    rng: Generator, x_shape: Sizes, *, affine: bool = False, dtype: Any = np.float32, **_: Any
) -> dict[str, Array]:
    """Both ``[C]``: a scale near 1 and a shift near 0."""
    return groups.parameters(rng, x_shape, affine=affine, dtype=dtype)
