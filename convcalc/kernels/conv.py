"""Convolution."""

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
    from convcalc.kernels._types import Array, Generator, Gradients, Sizes, Vjp


def conv(
    x: Array,
    *,
    weight: Array,
    bias: Array | bool | None = None,
    kernel_size: Any = None,
    out_channels: int | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    flip: bool = False,
    in_channels: int | None = None,
    algorithm: str = "im2col",
    wanted: tuple[bool, ...] = (True,),
) -> tuple[Array, Vjp]:
    """Cross-correlation: ``[N, C, *S]`` with weight ``[O, C / groups, *K]`` to ``[N, O, *P]``.

    ``bias`` is ``[O]``, or False for none. ``flip`` turns the kernel around on all its axes: a true convolution.
    ``wanted`` says for each operand whether its gradient is asked for: not in front of the first layer that learns.
    Source: torch.nn.Conv2d; Dumoulin & Visin 2016, section 2.
    """
    outputs, channels, *kernel = weight.shape
    agree("out_channels", out_channels, outputs)
    agree("in_channels", in_channels, x.shape[1])
    agree("channels of the weight", channels * groups, x.shape[1])
    agree_axes("kernel_size", kernel_size, tuple(kernel))
    slide = sliding(x.shape[2:], tuple(kernel), stride, padding, dilation, padding_mode)
    core = correlation.find(algorithm)
    moved = (slide.strides, slide.dilations, groups)

    turned = reversed_axes(weight) if flip else weight
    y = core.correlate(slide.padded(x), turned, *moved)
    y = shifted(y, bias)
    tally.macs += y.size * weight[0].size

    def vjp(dy: Array) -> Gradients:
        padded = slide.padded(x)
        dw = core.weight_adjoint(padded, dy, tuple(kernel), *moved)
        gradients: Gradients = {"weight": reversed_axes(dw) if flip else dw}
        tally.weight_macs += dy.size * weight[0].size
        if wanted[0]:
            dx = core.input_adjoint(dy, turned, padded.shape[2:], *moved)
            gradients[0] = slide.gathered(dx)
            tally.input_macs += dy.size * weight[0].size
        return gradients | bias_gradient(dy, bias)

    return y, vjp


def reversed_axes(weight: Array) -> Array:
    """The kernels ``[O, C, *K]`` turned around on all spatial axes."""
    return np.flip(weight, tuple(range(2, weight.ndim)))


def shifted(y: Array, bias: Array | bool | None) -> Array:
    """``y [N, O, *P]`` with a constant added to each channel, in place."""
    shift = given(bias)
    if shift is not None:
        y += shift.reshape(-1, *(1,) * (y.ndim - 2))
    return y


def bias_gradient(dy: Array, bias: Array | bool | None) -> Gradients:
    """Each constant is added to all values of its channel."""
    return {} if given(bias) is None else {"bias": dy.sum(axis=(0, *range(2, dy.ndim)))}


def parameters(
    rng: Generator,
    x_shape: Sizes,
    *,
    out_channels: int,
    kernel_size: Any,
    groups: int = 1,
    bias: bool = True,
    dtype: Any = np.float32,
    **_: Any,
) -> dict[str, Array]:
    """Weight ``[O, C / groups, *K]`` and bias ``[O]`` for an operand ``[N, C, *S]``."""
    kernel = per_axis(kernel_size, len(x_shape) - 2, "kernel_size")
    channels = x_shape[1] // groups
    return weights(rng, (out_channels, channels, *kernel), out_channels, bias, dtype, channels * prod(kernel))
