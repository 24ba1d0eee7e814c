"""Rectified linear unit with a learnt slope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._axes import agree
from convcalc.kernels._initial import uniform

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Generator, Gradients, Sizes, Vjp


def prelu(x: Array, *, weight: Array, num_parameters: int | None = None) -> tuple[Array, Vjp]:
    """``x`` where it is positive, else ``weight * x``; the weight is ``[1]``, or ``[C]`` for one a channel.

    Source: torch.nn.PReLU; He et al. 2015, "Delving deep into rectifiers".
    """
    agree("num_parameters", num_parameters, weight.size)
    if weight.size not in (1, x.shape[1]):
        raise ValueError(f"{weight.size} weights for {x.shape[1]} channels")
    slope = np.where(x > 0, 1, weight.reshape(-1, *(1,) * (x.ndim - 2))).astype(x.dtype, copy=False)

    def vjp(dy: Array) -> Gradients:
        along = dy * np.minimum(x, 0)
        axes = (0, *range(2, x.ndim)) if weight.size > 1 else None
        return {0: dy * slope, "weight": along.sum(axis=axes).reshape(weight.shape)}

    return x * slope, vjp


def parameters(
    rng: Generator, x_shape: Sizes, *, num_parameters: int = 1, dtype: Any = np.float32, **_: Any
) -> dict[str, Array]:
    """Slopes around PyTorch's 0.25."""
    return {"weight": uniform(rng, (num_parameters,), 0.2, 0.3, dtype)}
