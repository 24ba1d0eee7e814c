"""Smooth rectifier."""

from __future__ import annotations

from convcalc.ops._attributes import Number
from convcalc.ops._op import Cost
from convcalc.ops._pointwise import Pointwise


class Softplus(Pointwise):
    """``log(1 + exp(beta * x)) / beta``, and ``x`` where ``beta * x`` is above ``threshold``.

    A logarithm counts as an exponential. Source: torch.nn.Softplus.
    """

    also = ("soft_plus",)
    saves = ("input",)
    temporaries = 1
    each = Cost(adds=1, multiplies=1, compares=1, divides=1, exponentials=2)

    beta = Number("Sharpness of the bend.", 1.0)
    threshold = Number("From here on the result is x.", 20.0)
