"""Soft-maximum pooling."""

from __future__ import annotations

from convcalc.diagnostics import Problem
from convcalc.dims import Shape, prod
from convcalc.ops._attributes import Flag, Number
from convcalc.ops._op import Cost
from convcalc.ops._pool import Pool


class LogSumExpPool(Pool):
    """The soft maximum ``log(sum of exp(r x)) / r`` of each window: the larger r, the nearer to the maximum.

    Padding is left out. With ``mean`` the sum becomes a mean: small r then goes to the average. Source: Boyd &
    Vandenberghe 2004, section 3.1.5; Pinheiro & Collobert 2015, equation 6.
    """

    also = ("lse_pool", "soft_max_pool", "soft_maximum_pool", "smooth_max_pool", "logsumexppool")
    saves = ("input", "output")

    sharpness = Number("The factor r of the values; more than 0.", 1.0, also=("r", "beta"))
    mean = Flag("Whether the sum is divided by the number of values.", False, also=("average",))

    def check(self) -> None:
        super().check()
        if not 0 < self.sharpness < float("inf"):
            told = f"sharpness is a number above 0, not {self.sharpness}"
            raise Problem("out-of-range", told, "write sharpness: 1, or use max_pool", ("sharpness",))

    def workspace(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], width: int) -> int:
        """The padded operand; largest values, sums and counts, and a term."""
        return int((self.padded(inputs) + 4 * prod(outputs[0])) * width)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """For a window of k values: k - 1 compares for the largest, which is taken off and added back, k exponentials
        and one logarithm, k - 1 adds; k multiplies and a division for r, one division for the mean."""
        results, k = prod(outputs[0]), self.taken(inputs)
        sharp = self.sharpness != 1
        return Cost(
            adds=results * 2 * k,
            multiplies=results * k if sharp else 0,
            compares=results * (k - 1),
            divides=results * (int(sharp) + int(self.mean)),
            exponentials=results * (k + 1),
        )
