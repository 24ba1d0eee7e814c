"""Sigmoid-weighted linear unit."""

from __future__ import annotations

from convcalc.ops._op import Cost
from convcalc.ops._pointwise import Pointwise


class Silu(Pointwise):
    """``x * sigmoid(x)``, that is ``x / (1 + exp(-x))``.

    Source: torch.nn.SiLU; Elfwing et al. 2017.
    """

    also = ("swish",)
    saves = ("input",)
    temporaries = 1
    each = Cost(adds=1, divides=1, exponentials=1)
