"""Cross-entropy of a softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from convcalc.kernels._axes import same_shape
from convcalc.kernels._values import check_whole
from convcalc.kernels.log_softmax import log_softmax

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def cross_entropy(x: Array, target: Array) -> tuple[Array, Vjp]:
    """``-sum over c of target[c] * log(softmax(x)[c])``: ``[N, C, *S]`` to ``[N, 1]``, the mean over the positions.

    The target holds probabilities ``[N, C, *S]``, or as integers the class of each position, ``[N, *S]`` (``[N, 1]``
    where there are no positions). The loss of a batch is the mean of its samples'. Raises WrongValues for what
    is no class. Source: torch.nn.CrossEntropyLoss.
    """
    logs, back = log_softmax(x, dim=1)
    whole = target.dtype.kind in "iu"
    classes = target.shape != x.shape or (whole and x.shape[1:] == (1,))
    truth = _one_hot(target, x) if classes else target
    same_shape("cross_entropy", x.shape, truth.shape)
    positions = x[0, 0].size
    y = -(truth * logs).reshape(len(x), -1).sum(axis=1, keepdims=True) / positions

    def vjp(dy: Array) -> Gradients:
        each = -dy.reshape(-1, *(1,) * (x.ndim - 1)) / positions
        gradients = back(each * truth)
        return gradients if whole else gradients | {1: each * logs}

    return y, vjp


def _one_hot(target: Array, x: Array) -> Array:
    """The classes as probabilities of 1; raises WrongValues for a class that is none."""
    classes = x.shape[1]
    check_whole(1, "classes", target, 0, classes - 1)
    if x.ndim == 2:
        same_shape("cross_entropy", target.shape, (len(x), 1))
    else:
        same_shape("cross_entropy", target.shape, (len(x), *x.shape[2:]))
        target = target[:, None]
    numbers = np.arange(classes).reshape(-1, *(1,) * (x.ndim - 2))
    truth: Array = (target == numbers).astype(x.dtype)
    return truth
