"""Batch norm in eval mode as part of the convolution before it, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convcalc.plan.layout import Array


class Folded(NamedTuple):
    """A convolution with a factor and a summand for each channel of results, and what they were made of."""

    weight: Array
    """``[O, C / groups, kh, kw]``."""
    bias: Array | None
    scale: Array | None
    late: bool
    """Whether ``scale`` is for the results still, not in the weights."""
    conv: Mapping[str, Array]
    norm: Mapping[str, Array]
    eps: float


def fold(
    conv: Mapping[str, Array], norm: Mapping[str, Array] | None, eps: float, *, late: bool, lasting: bool
) -> Folded:
    """``scale * (w x + b) + shift`` with the running statistics in ``scale`` and ``shift``.

    ``late`` leaves the factor to the results, where they are fewer than the weights. Weights that are lasting are
    laid out with the results' channels last: a product with few rows reads them a fifth faster.
    """
    weight, bias = conv["weight"], conv.get("bias")
    if weight.ndim == 3:
        weight = weight[:, :, None]
    if norm is None:
        return Folded(weight, bias, None, False, conv, {}, eps)
    inverse = 1 / np.sqrt(norm["running_var"] + eps)
    scale = norm["weight"] * inverse if "weight" in norm else inverse
    mean = norm["running_mean"] if bias is None else norm["running_mean"] - bias
    shift = -mean * scale
    if "bias" in norm:
        shift += norm["bias"]
    if not late:
        weight = np.multiply(weight, scale[:, None, None, None], order="F" if lasting else "C")
    return Folded(weight, shift, scale, late, conv, norm, eps)


def unfold(folded: Folded, laid_out: Array, weight: Array, bias: Array) -> tuple[dict[str, Array], dict[str, Array]]:
    """The gradients of the convolution's and the batch norm's parameters from those of the folded ones.

    With ``z = w x`` the norm's factor has ``sum of dy * (z - mean) / deviation``, and ``sum of dy * z`` is
    ``sum of w * (sum of dy * x)``: the gradient of the weights, so that ``z`` itself need not be kept.
    ``laid_out`` are the folded weights, in memory like their gradient where the algorithm has them so.
    """
    own = {"weight": weight.reshape(folded.conv["weight"].shape)}
    if "bias" in folded.conv:
        own["bias"] = bias
    if folded.scale is None:
        return own, {}
    normal = {}
    if "weight" in folded.norm:
        unscaled = laid_out if folded.late else folded.conv["weight"].reshape(weight.shape)
        along = np.einsum("ocij,ocij->o", weight, unscaled)
        mean = folded.norm["running_mean"] - folded.conv.get("bias", 0)
        inverse = 1 / np.sqrt(folded.norm["running_var"] + folded.eps)
        normal = {"weight": (along - mean * bias) * inverse, "bias": bias}
    weight *= folded.scale[:, None, None, None]
    if "bias" in own:
        own["bias"] = bias * folded.scale
    return own, normal
