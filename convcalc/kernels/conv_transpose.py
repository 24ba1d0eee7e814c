"""Transposed convolution."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels import correlation
from convcalc.kernels._axes import agree, agree_axes, pairs, per_axis
from convcalc.kernels._initial import weights
from convcalc.kernels._tally import tally
from convcalc.kernels._windows import pad, reach, unpad
from convcalc.kernels.conv import bias_gradient, shifted

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Generator, Gradients, Sizes, Vjp


def conv_transpose(
    x: Array,
    *,
    weight: Array,
    bias: Array | bool | None = None,
    kernel_size: Any = None,
    out_channels: int | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
    in_channels: int | None = None,
    algorithm: str = "im2col",
    wanted: tuple[bool, ...] = (True,),
) -> tuple[Array, Vjp]:
    """The adjoint of a convolution: ``[N, C, *P]`` with weight ``[C, O / groups, *K]`` to ``[N, O, *S]``.

    Input ``i`` adds its kernel at ``i * stride``; ``output_padding`` positions come behind, then ``padding`` is cut
    off. Source: torch.nn.ConvTranspose2d; Dumoulin & Visin 2016, section 4.
    """
    rank = x.ndim - 2
    agree("channels of the weight", weight.shape[0], x.shape[1])
    agree("in_channels", in_channels, x.shape[1])
    agree("out_channels", out_channels, weight.shape[1] * groups)
    kernel = weight.shape[2:]
    agree_axes("kernel_size", kernel_size, kernel)
    agree("padding_mode", padding_mode, "zeros")
    strides, dilations = per_axis(stride, rank, "stride"), per_axis(dilation, rank, "dilation")
    axes = zip(x.shape[2:], kernel, strides, dilations, strict=True)
    sizes = tuple(range(0, n * s, s)[-1] + reach(k, d) + 1 for n, k, s, d in axes)
    """One more than the last position that the last input reaches."""
    behind = [(0, more) for more in per_axis(output_padding, rank, "output_padding")]
    amounts = pairs(padding, rank, "padding")
    core = correlation.find(algorithm)
    moved = (strides, dilations, groups)

    y = unpad(pad(core.input_adjoint(x, weight, sizes, *moved), behind), amounts)
    if 0 in y.shape:
        raise ValueError("padding cuts off all of the result")
    y = shifted(y, bias)
    tally.macs += x.size * weight[0].size

    def vjp(dy: Array) -> Gradients:
        full = unpad(pad(dy, amounts), behind)
        gradients: Gradients = {"weight": core.weight_adjoint(full, x, kernel, *moved)}
        tally.weight_macs += x.size * weight[0].size
        if wanted[0]:
            gradients[0] = core.correlate(full, weight, *moved)
            tally.input_macs += x.size * weight[0].size
        return gradients | bias_gradient(dy, bias)

    return y, vjp


def parameters(
    rng: Generator,
    x_shape: Sizes,
    *,
    out_channels: int,
    kernel_size: Any,
    stride: Any = 1,
    groups: int = 1,
    bias: bool = True,
    dtype: Any = np.float32,
    **_: Any,
) -> dict[str, Array]:
    """Weight ``[C, O / groups, *K]`` and bias ``[O]`` for an operand ``[N, C, *P]``.

    An output is the sum over the channels of a group and every ``stride``-th tap.
    """
    rank = len(x_shape) - 2
    kernel, strides = per_axis(kernel_size, rank, "kernel_size"), per_axis(stride, rank, "stride")
    fan_in = max(x_shape[1] // groups * prod(kernel) / prod(strides), 1)
    return weights(rng, (x_shape[1], out_channels // groups, *kernel), out_channels, bias, dtype, fan_in)
