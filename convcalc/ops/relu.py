"""Rectified linear unit."""

from __future__ import annotations

from convcalc.ops._op import Cost
from convcalc.ops._pointwise import Pointwise


class Relu(Pointwise):
    """``max(x, 0)``.

    Source: torch.nn.ReLU.
    """

    saves = ("output",)
    in_place = True
    each = Cost(compares=1)
