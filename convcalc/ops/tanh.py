"""Hyperbolic tangent."""

from __future__ import annotations

from convcalc.ops._op import Cost
from convcalc.ops._pointwise import Pointwise


class Tanh(Pointwise):
    """``(e - 1) / (e + 1)`` with ``e = exp(2x)``.

    Source: torch.nn.Tanh.
    """

    saves = ("output",)
    each = Cost(adds=2, multiplies=1, divides=1, exponentials=1)
