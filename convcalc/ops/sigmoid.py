"""Logistic function."""

from __future__ import annotations

from convcalc.ops._op import Cost
from convcalc.ops._pointwise import Pointwise


class Sigmoid(Pointwise):
    """``1 / (1 + exp(-x))``.

    Source: torch.nn.Sigmoid.
    """

    also = ("logistic",)
    saves = ("output",)
    temporaries = 1
    each = Cost(adds=1, divides=1, exponentials=1)
