"""Piecewise stand-in for silu."""

from __future__ import annotations

from convcalc.ops._op import Cost
from convcalc.ops._pointwise import Pointwise


class Hardswish(Pointwise):
    """``x * min(max(x + 3, 0), 6) / 6``.

    Source: torch.nn.Hardswish; Howard et al. 2019, section 5.2.
    """

    also = ("hard_swish", "hswish", "hardsilu", "hard_silu")
    saves = ("input",)
    temporaries = 1
    each = Cost(adds=1, multiplies=1, compares=2, divides=1)
