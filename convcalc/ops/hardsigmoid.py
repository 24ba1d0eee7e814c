"""Piecewise linear stand-in for sigmoid."""

from __future__ import annotations

from convcalc.ops._op import Cost
from convcalc.ops._pointwise import Pointwise


class Hardsigmoid(Pointwise):
    """``min(max(x + 3, 0), 6) / 6``.

    Source: torch.nn.Hardsigmoid; Howard et al. 2019, section 5.2.
    """

    also = ("hard_sigmoid", "hsigmoid")
    saves = ("input",)
    temporaries = 1
    each = Cost(adds=1, compares=2, divides=1)
