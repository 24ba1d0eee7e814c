"""Unpooling without memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._axes import per_axis
from convcalc.kernels.upsample import upsample

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def unpool(x: Array, *, kernel_size: Any, mode: str = "nearest") -> tuple[Array, Vjp]:
    """Each position of ``[N, C, *S]`` as a block, full of it or with it in the first corner and zeros around.

    Source: Dosovitskiy et al. 2014, section 4.
    """
    if mode == "nearest":
        return upsample(x, scale_factor=kernel_size)
    if mode != "bed_of_nails":
        raise ValueError(f"no mode is called {mode!r}")
    blocks = per_axis(kernel_size, x.ndim - 2, "kernel_size")
    nails = (slice(None), slice(None), *(slice(None, None, block) for block in blocks))
    y = np.zeros((*x.shape[:2], *(n * block for n, block in zip(x.shape[2:], blocks, strict=True))), x.dtype)
    y[nails] = x

    def vjp(dy: Array) -> Gradients:
        return {0: dy[nails].copy()}

    return y, vjp
