"""Rectified linear unit, capped."""

from __future__ import annotations

from convcalc.ops._op import Cost
from convcalc.ops._pointwise import Pointwise


class Relu6(Pointwise):
    """``min(max(x, 0), 6)``.

    Source: torch.nn.ReLU6; Howard et al. 2017.
    """

    also = ("clipped_relu",)
    saves = ("input",)
    temporaries = 1
    each = Cost(compares=2)
