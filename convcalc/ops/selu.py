"""Scaled exponential linear unit."""

from __future__ import annotations

from convcalc.ops._op import Cost
from convcalc.ops._pointwise import Pointwise


class Selu(Pointwise):
    """``1.0507 * elu(x, alpha=1.6733)``, which keeps mean 0 and variance 1.

    Source: torch.nn.SELU; Klambauer et al. 2017.
    """

    saves = ("input",)
    temporaries = 2
    each = Cost(adds=1, multiplies=2, compares=1, exponentials=1)
