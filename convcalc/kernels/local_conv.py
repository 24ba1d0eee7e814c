"""Convolution without shared weights."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels import correlation
from convcalc.kernels._axes import agree, agree_axes, per_axis
from convcalc.kernels._border import gathered, surrounded
from convcalc.kernels._initial import weights
from convcalc.kernels._tally import tally
from convcalc.kernels._windows import paddings, reach, taps

if TYPE_CHECKING:
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
    if bias is True:
        raise ValueError("the bias is missing")
    shift = bias if isinstance(bias, np.ndarray) else None
    dilations = per_axis(dilation, rank, "dilation")
    starts, amounts = _placed(x.shape[2:], tuple(kernel), stride, padding, dilation)
    agree("positions of the weight", weight.shape[1 : 1 + rank], tuple(len(first) for first in starts))
    turned = np.flip(weight, tuple(range(-rank, 0))) if flip else weight
    every = list(np.ndindex(*kernel))

    padded = surrounded(x, amounts, padding_mode)
    y = np.zeros((len(x), *weight.shape[: 1 + rank]), x.dtype)
    for j in every:
        y += np.einsum("nc...,o...c->no...", padded[taps(starts, j, dilations)], turned[(..., *j)])
    if shift is not None:
        y += shift
    tally.macs += y.size * channels * len(every)

    def vjp(dy: Array) -> Gradients:
        padded = surrounded(x, amounts, padding_mode)
        dw, dx = np.empty_like(weight), np.zeros_like(padded)
        for j in every:
            own = j if not flip else tuple(k - 1 - i for i, k in zip(j, kernel, strict=True))
            seen = taps(starts, j, dilations)
            dw[(..., *own)] = np.einsum("nc...,no...->o...c", padded[seen], dy)
            if wanted[0]:
                dx[seen] += np.einsum("no...,o...c->nc...", dy, turned[(..., *j)])
        gradients: Gradients = {"weight": dw}
        tally.weight_macs += dy.size * channels * len(every)
        if wanted[0]:
            gradients[0] = gathered(dx, amounts, padding_mode)
            tally.input_macs += dy.size * channels * len(every)
        return gradients if shift is None else gradients | {"bias": dy.sum(axis=0)}

    return y, vjp


def _placed(
    sizes: Sizes, kernel: Sizes, stride: Any, padding: Any, dilation: Any
) -> tuple[list[range], list[tuple[int, int]]]:
    """First positions of the windows in the padded operand, and the padding."""
    rank = len(sizes)
    strides, dilations = per_axis(stride, rank, "stride"), per_axis(dilation, rank, "dilation")
    amounts = paddings(padding, sizes, [reach(k, d) for k, d in zip(kernel, dilations, strict=True)], strides)
    padded = tuple(n + before + after for n, (before, after) in zip(sizes, amounts, strict=True))
    return correlation.place(padded, kernel, strides, dilations), amounts


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
    starts, _amounts = _placed(x_shape[2:], kernel, stride, padding, dilation)
    places = (out_channels, *map(len, starts))
    return weights(rng, (*places, x_shape[1], *kernel), places, bias, dtype, x_shape[1] * prod(kernel))
