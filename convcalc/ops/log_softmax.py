"""Logarithm of softmax."""

from __future__ import annotations

from convcalc.dims import Shape, prod
from convcalc.ops._op import Cost
from convcalc.ops._softmax import AlongAxis


class LogSoftmax(AlongAxis):
    """``x - log(sum(exp(x)))`` along one axis.

    Source: torch.nn.LogSoftmax.
    """

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """The maximum is found and taken off first; a logarithm counts as an exponential."""
        results, groups = prod(outputs[0]), self.groups(inputs)
        return Cost(adds=3 * results - groups, compares=results - groups, exponentials=results + groups)
