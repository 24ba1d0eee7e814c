"""Concatenation."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def concat(*xs: Array, dim: int = 1) -> tuple[Array, Vjp]:
    """The operands one behind the other on axis ``dim``, 0 being the batch. Source: torch.cat."""
    ends = list(accumulate(x.shape[dim] for x in xs))

    def vjp(dy: Array) -> Gradients:
        return dict(enumerate(np.split(dy, ends[:-1], axis=dim)))

    return np.concatenate(xs, axis=dim), vjp
