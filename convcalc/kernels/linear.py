"""Dense layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._axes import agree, given
from convcalc.kernels._initial import weights
from convcalc.kernels._tally import tally

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Generator, Gradients, Sizes, Vjp


def linear(
    x: Array,
    *,
    weight: Array,
    bias: Array | bool | None = None,
    out_features: int | None = None,
    in_features: int | None = None,
    wanted: tuple[bool, ...] = (True,),
) -> tuple[Array, Vjp]:
    """``x W^T + b`` on the last axis: ``[N, ..., I]`` with weight ``[O, I]`` to ``[N, ..., O]``.

    ``bias`` is ``[O]``, or False for none. Source: torch.nn.Linear.
    """
    outputs, inputs = weight.shape
    agree("out_features", out_features, outputs)
    agree("in_features", in_features, inputs)
    agree("columns of the weight", inputs, x.shape[-1])
    shift = given(bias)
    rows = x.reshape(-1, inputs)
    y = rows @ weight.T
    tally.macs += len(rows) * weight.size
    tally.product(len(rows), inputs, outputs)
    if shift is not None:
        y += shift

    def vjp(dy: Array) -> Gradients:
        dy = dy.reshape(-1, outputs)
        gradients: Gradients = {"weight": dy.T @ rows}
        tally.weight_macs += len(dy) * weight.size
        tally.product(outputs, len(dy), inputs)
        if shift is not None:
            gradients["bias"] = dy.sum(axis=0)
        if wanted[0]:
            gradients[0] = (dy @ weight).reshape(x.shape)
            tally.input_macs += len(dy) * weight.size
            tally.product(len(dy), outputs, inputs)
        return gradients

    return y.reshape(*x.shape[:-1], outputs), vjp


def parameters(
    rng: Generator, x_shape: Sizes, *, out_features: int, bias: bool = True, dtype: Any = np.float32, **_: Any
) -> dict[str, Array]:
    """Weight ``[O, I]`` and bias ``[O]`` for an operand ``[N, ..., I]``."""
    return weights(rng, (out_features, x_shape[-1]), out_features, bias, dtype)
