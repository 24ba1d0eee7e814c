"""Convolution that cycles through several kernels."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels import correlation
from convcalc.kernels._axes import agree, agree_axes, given, per_axis
from convcalc.kernels._initial import weights
from convcalc.kernels._sliding import sliding
from convcalc.kernels._tally import tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.kernels._types import Array, Generator, Gradients, Sizes, Vjp


def tiled_conv(
    x: Array,
    *,
    weight: Array,
    tiles: Any,
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
    """``[N, C, *S]`` with weight ``[O, *T, C, *K]``, bias ``[O, *T]`` to ``[N, O, *P]``: position p uses tile p % T.

    Every tile is a convolution of its own, with T times the stride. Source: Goodfellow et al. 2016, equation 9.10.
    """
    rank = x.ndim - 2
    count, (channels, *kernel) = weight.shape[1 : 1 + rank], weight.shape[1 + rank :]
    agree("out_channels", out_channels, weight.shape[0])
    agree("in_channels", in_channels, x.shape[1])
    agree("channels of the weight", channels, x.shape[1])
    agree_axes("kernel_size", kernel_size, tuple(kernel))
    agree_axes("tiles", tiles, count)
    shift = given(bias)
    slide = sliding(x.shape[2:], tuple(kernel), stride, padding, dilation, padding_mode)
    strides, dilations = slide.strides, slide.dilations
    turn = tuple(range(-rank, 0))
    turned = np.flip(weight, turn) if flip else weight
    core = correlation.find("im2col")
    moved = tuple(s * t for s, t in zip(strides, count, strict=True)), dilations, 1

    padded = slide.padded(x)
    places = correlation.counts(correlation.place(padded.shape[2:], tuple(kernel), strides, dilations))
    y = np.empty((len(x), len(weight), *places), x.dtype)
    for mine, outputs, seen in _parts(count, places, strides):
        y[outputs] = core.correlate(padded[seen], turned[mine], *moved)
        if shift is not None:
            y[outputs] += shift[mine].reshape(-1, *(1,) * rank)
    tally.macs += y.size * channels * prod(kernel)

    def vjp(dy: Array) -> Gradients:
        padded = slide.padded(x)
        dw, dx = np.zeros_like(weight), np.zeros_like(padded)
        db = None if shift is None else np.zeros_like(shift)
        for mine, outputs, seen in _parts(count, places, strides):
            dw[mine] = core.weight_adjoint(padded[seen], dy[outputs], tuple(kernel), *moved)
            if db is not None:
                db[mine] = dy[outputs].sum(axis=(0, *range(2, dy.ndim)))
            if wanted[0]:
                dx[seen] += core.input_adjoint(dy[outputs], turned[mine], dx[seen].shape[2:], *moved)
        gradients: Gradients = {"weight": np.flip(dw, turn) if flip else dw}
        tally.weight_macs += dy.size * channels * prod(kernel)
        if wanted[0]:
            gradients[0] = slide.gathered(dx)
            tally.input_macs += dy.size * channels * prod(kernel)
        return gradients if db is None else gradients | {"bias": db}

    return y, vjp


def _parts(count: Sizes, places: Sizes, strides: Sizes) -> Iterator[tuple[Any, Any, Any]]:
    """For each tile that is used: its weights, its outputs, and the part of the operand that begins at its first."""
    for tile in np.ndindex(*(min(t, p) for t, p in zip(count, places, strict=True))):
        outputs = (slice(None), slice(None), *(slice(i, None, t) for i, t in zip(tile, count, strict=True)))
        seen = (slice(None), slice(None), *(slice(i * s, None) for i, s in zip(tile, strides, strict=True)))
        yield (slice(None), *tile), outputs, seen


def parameters(
    rng: Generator,
    x_shape: Sizes,
    *,
    out_channels: int,
    kernel_size: Any,
    tiles: Any,
    bias: bool = True,
    dtype: Any = np.float32,
    **_: Any,
) -> dict[str, Array]:
    """Weight ``[O, *T, C, *K]`` and bias ``[O, *T]`` for an operand ``[N, C, *S]``."""
    rank = len(x_shape) - 2
    tiled = (out_channels, *per_axis(tiles, rank, "tiles"))
    own = (x_shape[1], *per_axis(kernel_size, rank, "kernel_size"))
    return weights(rng, (*tiled, *own), tiled, bias, dtype, prod(own))
