"""Softmax."""

from __future__ import annotations

from convcalc.dims import Shape, prod
from convcalc.ops._op import Cost
from convcalc.ops._softmax import AlongAxis


class Softmax(AlongAxis):
    """``exp(x) / sum(exp(x))`` along one axis.

    Source: torch.nn.Softmax.
    """

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """The maximum is found and taken off first; then an exponential, a sum and a division."""
        results, groups = prod(outputs[0]), self.groups(inputs)
        return Cost(adds=2 * results - groups, compares=results - groups, divides=results, exponentials=results)
