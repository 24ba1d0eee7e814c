"""Gaussian error linear unit."""

from __future__ import annotations

from convcalc.dims import Shape, prod
from convcalc.ops._attributes import Word
from convcalc.ops._op import Cost, Op, Outcome


class Gelu(Op):
    """``x * P(X <= x)`` for a standard normal ``X``, exact or by tanh.

    Source: torch.nn.GELU; Hendrycks & Gimpel 2016.
    """

    saves = ("input",)
    temporaries = 9

    approximate = Word("none: x/2 * (1 + erf(x/sqrt(2))); tanh: by the tanh of a cubic.", ("none", "tanh"), "none")

    def infer(self, *inputs: Shape) -> Outcome:
        return Outcome((inputs[0],))

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """An error function or a hyperbolic tangent counts as one exponential."""
        results = prod(outputs[0])
        adds, multiplies = (2, 6) if self.approximate == "tanh" else (1, 3)
        return Cost(adds=adds * results, multiplies=multiplies * results, exponentials=results)
