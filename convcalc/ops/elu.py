"""Exponential linear unit."""

from __future__ import annotations

from convcalc.ops._attributes import Number
from convcalc.ops._op import Cost
from convcalc.ops._pointwise import Pointwise


class Elu(Pointwise):
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)``.

    Source: torch.nn.ELU; Clevert et al. 2015.
    """

    saves = ("input",)
    temporaries = 2
    each = Cost(adds=1, multiplies=1, compares=1, exponentials=1)

    alpha = Number("Factor of negative values.", 1.0)
