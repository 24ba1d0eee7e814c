"""Convolution without shared weights."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels import correlation
from convcalc.kernels._axes import agree, agree_axes, given, per_axis
from convcalc.kernels._initial import weights
from convcalc.kernels._sliding import sliding
from convcalc.kernels._tally import tally
from convcalc.kernels._windows import taps

if TYPE_CHECKING:
    from convcalc.kernels._sliding import Sliding
    from convcalc.kernels._types import Array, Generator, Gradients, Sizes, Vjp


def local_conv(
    x: Array,
    *,
    weight: Array,
    bias: Array | bool | None = None,
    kernel_size: Any = None,
    out_channels: int | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    padding_mode: str = "zeros",
    flip: bool = False,
    in_channels: int | None = None,
    wanted: tuple[bool, ...] = (True,),
) -> tuple[Array, Vjp]:
    """``[N, C, *S]`` with weight ``[O, *P, C, *K]``, bias ``[O, *P]`` to ``[N, O, *P]``: each position has its own.

    One tap after the other. Source: Goodfellow et al. 2016, equation 9.9.
    """
    rank = x.ndim - 2
    channels, *kernel = weight.shape[1 + rank :]
    agree("out_channels", out_channels, weight.shape[0])
    agree("in_channels", in_channels, x.shape[1])
    agree("channels of the weight", channels, x.shape[1])
    agree_axes("kernel_size", kernel_size, tuple(kernel))
    shift = given(bias)
    slide = sliding(x.shape[2:], tuple(kernel), stride, padding, dilation, padding_mode)
    starts = _starts(slide, x.shape[2:], tuple(kernel))
    agree("positions of the weight", weight.shape[1 : 1 + rank], tuple(len(first) for first in starts))
    turned = np.flip(weight, tuple(range(-rank, 0))) if flip else weight
    every = list(np.ndindex(*kernel))

    padded = slide.padded(x)
    y = np.zeros((len(x), *weight.shape[: 1 + rank]), x.dtype)
    for j in every:
        y += np.einsum("nc...,o...c->no...", padded[taps(starts, j, slide.dilations)], turned[(..., *j)])
    if shift is not None:
        y += shift
    tally.macs += y.size * channels * len(every)

    def vjp(dy: Array) -> Gradients:
        padded = slide.padded(x)
        dw, dx = np.empty_like(weight), np.zeros_like(padded)
        for j in every:
            own = j if not flip else tuple(k - 1 - i for i, k in zip(j, kernel, strict=True))
            seen = taps(starts, j, slide.dilations)
            dw[(..., *own)] = np.einsum("nc...,no...->o...c", padded[seen], dy)
            if wanted[0]:
                dx[seen] += np.einsum("no...,o...c->nc...", dy, turned[(..., *j)])
        gradients: Gradients = {"weight": dw}
        tally.weight_macs += dy.size * channels * len(every)
        if wanted[0]:
            gradients[0] = slide.gathered(dx)
            tally.input_macs += dy.size * channels * len(every)
        return gradients if shift is None else gradients | {"bias": dy.sum(axis=0)}

    return y, vjp


def _starts(slide: Sliding, sizes: Sizes, kernel: Sizes) -> list[range]:
    """First positions of the windows in the padded operand."""
    padded = tuple(n + before + after for n, (before, after) in zip(sizes, slide.amounts, strict=True))
    return correlation.place(padded, kernel, slide.strides, slide.dilations)


def parameters(
    rng: Generator,
    x_shape: Sizes,
    *,
    out_channels: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    bias: bool = True,
    dtype: Any = np.float32,
    **_: Any,
) -> dict[str, Array]:
    """Weight ``[O, *P, C, *K]`` and bias ``[O, *P]`` for an operand ``[N, C, *S]``."""
    kernel = per_axis(kernel_size, len(x_shape) - 2, "kernel_size")
    slide = sliding(x_shape[2:], kernel, stride, padding, dilation)
    places = (out_channels, *map(len, _starts(slide, x_shape[2:], kernel)))
    return weights(rng, (*places, x_shape[1], *kernel), places, bias, dtype, x_shape[1] * prod(kernel))
