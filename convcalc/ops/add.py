"""Sum of tensors."""

from __future__ import annotations

from convcalc.dims import Shape, prod
from convcalc.ops._join import Join, equal
from convcalc.ops._op import Cost, Outcome


class Add(Join):
    """The sum of operands of one shape; nothing is broadcast.

    Source: torch.add; the residual of He et al. 2015, equation 1.
    """

    also = ("sum", "eltwise", "residual", "addition")

    def infer(self, *inputs: Shape) -> Outcome:
        self.same_rank(inputs)
        return Outcome((inputs[0],), equal(inputs, range(len(inputs[0])), self.name))

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One add less than there are operands, for each value."""
        return Cost(adds=(len(inputs) - 1) * prod(outputs[0]))
