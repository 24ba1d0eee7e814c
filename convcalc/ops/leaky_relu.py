"""Leaky rectified linear unit."""

from __future__ import annotations

from convcalc.ops._attributes import Number
from convcalc.ops._op import Cost
from convcalc.ops._pointwise import Pointwise


class LeakyRelu(Pointwise):
    """``x`` where it is positive, else ``negative_slope * x``.

    Source: torch.nn.LeakyReLU.
    """

    also = ("lrelu",)
    saves = ("input",)
    temporaries = 2
    each = Cost(compares=1, multiplies=1)

    negative_slope = Number("Factor of negative values.", 0.01, also=("alpha", "slope"))
