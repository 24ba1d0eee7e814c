"""Convolution with a fixed kernel."""

from __future__ import annotations

from functools import reduce
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels import correlation
from convcalc.kernels._axes import per_axis
from convcalc.kernels._sliding import sliding
from convcalc.kernels._tally import tally

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp

SIDES = {
    "sobel_x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "sobel_y": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "prewitt_x": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "prewitt_y": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
    "scharr_x": [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]],
    "scharr_y": [[-3, -10, -3], [0, 0, 0], [3, 10, 3]],
    "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "laplacian_8": [[1, 1, 1], [1, -8, 1], [1, 1, 1]],
    "line_horizontal": [[-1, -1, -1], [2, 2, 2], [-1, -1, -1]],
    "line_vertical": [[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]],
    "line_diagonal": [[2, -1, -1], [-1, 2, -1], [-1, -1, 2]],
    "line_antidiagonal": [[-1, -1, 2], [-1, 2, -1], [2, -1, -1]],
}
"""Source: Gonzalez & Woods 2018, figures 3.45, 3.50, 10.6 and 10.14; Scharr 2000 for scharr."""


def filter(  # noqa: A001  # kernels bear the name of their op
    x: Array,
    *,
    kernel: Any,
    kernel_size: Any = 3,
    divisor: float = 1.0,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    padding_mode: str = "zeros",
    flip: bool = False,
) -> tuple[Array, Vjp]:
    """Each channel of ``[N, C, *S]`` by itself correlated with one kernel, which is not learnt.

    Source: Gonzalez & Woods 2018, section 3.4.
    """
    rank, channels = x.ndim - 2, x.shape[1]
    numbers = _numbers(kernel, kernel_size, rank) / divisor
    if numbers.ndim != rank:
        raise ValueError(f"a kernel of {numbers.ndim} axes for {rank}")
    weight = np.broadcast_to(np.flip(numbers) if flip else numbers, (channels, 1, *numbers.shape)).astype(x.dtype)
    slide = sliding(x.shape[2:], numbers.shape, stride, padding, dilation, padding_mode)
    core = correlation.find("direct")
    moved = (slide.strides, slide.dilations, channels)
    padded = slide.padded(x)
    sizes = padded.shape[2:]
    y = core.correlate(padded, weight, *moved)
    tally.macs += y.size * numbers.size

    def vjp(dy: Array) -> Gradients:
        tally.input_macs += dy.size * numbers.size
        return {0: slide.gathered(core.input_adjoint(dy, weight, sizes, *moved))}

    return y, vjp


def _numbers(kernel: Any, kernel_size: Any, rank: int) -> Array:
    if not isinstance(kernel, str):
        return np.array(kernel, float)
    if kernel in SIDES:
        return np.array(SIDES[kernel], float)
    if kernel not in ("gaussian", "box"):
        raise ValueError(f"no filter is called {kernel!r}")
    lines = [_line(kernel, k) for k in per_axis(kernel_size, rank, "kernel_size")]
    return reduce(np.multiply.outer, lines)


def _line(kernel: str, size: int) -> Array:
    """Binomial coefficients, the nearest whole numbers come to a Gaussian, or ones; they add up to 1."""
    if kernel == "box":
        return np.full(size, 1 / size)
    return np.array([comb(size - 1, j) / 2 ** (size - 1) for j in range(size)])
