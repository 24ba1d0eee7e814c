"""Self-regularised smooth unit."""

from __future__ import annotations

from convcalc.ops._op import Cost
from convcalc.ops._pointwise import Pointwise


class Mish(Pointwise):
    """``x * tanh(log(1 + exp(x)))``; a logarithm counts as an exponential.

    Source: torch.nn.Mish; Misra 2019.
    """

    saves = ("input",)
    temporaries = 1
    each = Cost(adds=3, multiplies=2, divides=1, exponentials=3)
