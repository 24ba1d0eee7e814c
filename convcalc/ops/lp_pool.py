"""Pooling by a power mean."""

from __future__ import annotations

from convcalc.diagnostics import Problem
from convcalc.dims import Dim, Shape, prod
from convcalc.ops._attributes import Number
from convcalc.ops._op import Cost
from convcalc.ops._pool import Pool


class LpPool(Pool):
    """The root ``(sum of x^p)^(1/p)`` of each window: 1 is a sum, 2 the length, a large p nears the maximum.

    A window that reaches beyond the padded operand counts as if it were full (PyTorch). Source: torch.nn.LPPool2d.
    """

    also = ("lppooling", "l2_pool", "power_average_pool")
    saves = ("input", "values")

    norm_type = Number("The exponent p; more than 0.", also=("p", "norm", "power"))

    def check(self) -> None:
        super().check()
        if not 0 < self.norm_type < float("inf"):
            told = f"norm_type is a number above 0, not {self.norm_type}"
            raise Problem("out-of-range", told, "write norm_type: 2, or use max_pool", ("norm_type",))

    def own_values(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Dim:
        """The powers; their means, signs and roots, step by step."""
        return prod(inputs[0]) + 4 * prod(outputs[0])

    def workspace(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], width: int) -> int:
        """The padded operand; the sums, and a term."""
        return int((self.padded(inputs) + 2 * prod(outputs[0])) * width)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """For a window of k values k powers, k - 1 adds, one root; powers and roots are exponentials, but a square is
        a multiply and the first power nothing."""
        results, k = prod(outputs[0]), self.taken(inputs)
        adds = results * (k - 1)
        if self.norm_type == 1:
            return Cost(adds=adds)
        if self.norm_type == 2:
            return Cost(adds=adds, multiplies=results * k, exponentials=results)
        return Cost(adds=adds, exponentials=results * (k + 1))
