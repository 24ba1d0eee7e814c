"""Difference of tensors."""

from __future__ import annotations

from convcalc.dims import Shape, prod
from convcalc.ops._join import Join, equal
from convcalc.ops._op import Cost, Outcome


class Sub(Join):
    """The first operand less the second, of one shape; nothing is broadcast.

    Source: torch.sub.
    """

    also = ("subtract", "difference", "minus")
    operands = (2, 2)

    def infer(self, *inputs: Shape) -> Outcome:
        self.same_rank(inputs)
        return Outcome((inputs[0],), equal(inputs, range(len(inputs[0])), self.name))

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One add for each value."""
        return Cost(adds=prod(outputs[0]))
