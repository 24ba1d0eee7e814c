"""Batch normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._axes import agree
from convcalc.kernels._initial import uniform

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Generator, Gradients, Sizes, Vjp


def batch_norm(
    x: Array,
    *,
    weight: Array | None = None,
    bias: Array | None = None,
    running_mean: Array | None = None,
    running_var: Array | None = None,
    eps: float = 1e-5,
    momentum: float = 0.1,
    affine: bool = True,
    num_features: int | None = None,
    training: bool = False,
    buffers: dict[str, Array] | None = None,
) -> tuple[Array, Vjp]:
    """``weight * (x - mean) / sqrt(var + eps) + bias`` for each channel of ``[N, C, *S]``.

    The statistics are the running ones, or in ``training`` those of this batch (biased variance); then ``buffers``,
    where given, is filled with the running statistics that follow (unbiased variance). Source: torch.nn.BatchNorm2d;
    Ioffe & Szegedy 2015.
    """
    agree("num_features", num_features, x.shape[1])
    if affine and (weight is None or bias is None):
        raise ValueError("weight or bias is missing")
    axes = (0, *range(2, x.ndim))

    def by_channel(values: Array) -> Array:
        return values.reshape(-1, *(1,) * (x.ndim - 2))

    if training:
        mean, var = x.mean(axis=axes), x.var(axis=axes)
        count = x.size // x.shape[1]
        if count == 1:
            raise ValueError(f"batch norm in training needs more than 1 value a channel, not {x.shape}")
        if buffers is not None and running_mean is not None and running_var is not None:
            buffers["running_mean"] = (1 - momentum) * running_mean + momentum * mean
            buffers["running_var"] = (1 - momentum) * running_var + momentum * count / (count - 1) * var
    elif running_mean is None or running_var is None:
        raise ValueError("the running statistics are missing")
    else:
        mean, var = running_mean, running_var
    inverse = 1 / np.sqrt(var + eps)
    scale = inverse if weight is None else weight * inverse
    shift = -mean * scale if bias is None else bias - mean * scale
    y = x * by_channel(scale)
    y += by_channel(shift)

    def vjp(dy: Array) -> Gradients:
        normal = (x - by_channel(mean)) * by_channel(inverse)
        along, total = (dy * normal).sum(axis=axes), dy.sum(axis=axes)
        if training:
            dy = dy - by_channel(total / count) - normal * by_channel(along / count)
        gradients: Gradients = {0: dy * by_channel(scale)}
        if weight is not None:
            gradients |= {"weight": along, "bias": total}
        return gradients

    return y, vjp


def parameters(
    rng: Generator, x_shape: Sizes, *, affine: bool = True, dtype: Any = np.float32, **_: Any
) -> dict[str, Array]:
    """All ``[C]``: a scale near 1, a shift and a mean near 0, a variance around 1."""
    channels = (x_shape[1],)
    drawn = {}
    if affine:
        drawn["weight"] = uniform(rng, channels, 0.9, 1.1, dtype)
        drawn["bias"] = uniform(rng, channels, -0.1, 0.1, dtype)
    drawn["running_mean"] = uniform(rng, channels, -0.1, 0.1, dtype)
    drawn["running_var"] = uniform(rng, channels, 0.5, 1.5, dtype)
    return drawn
