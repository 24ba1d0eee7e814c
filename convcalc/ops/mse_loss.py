"""Mean squared error, as a loss."""

from __future__ import annotations

from convcalc.dims import Shape, prod
from convcalc.ops._join import Join, equal
from convcalc.ops._op import Cost, Outcome, Taps, whole


class MseLoss(Join):
    """The mean of the squared differences of two operands of one shape, as one value.

    The loss of a batch is the mean of its samples'. Source: torch.nn.MSELoss.
    """

    also = ("mse", "mean_squared_error", "l2_loss", "euclidean_loss")
    operands = (2, 2)
    saves = ("input",)

    def infer(self, *inputs: Shape) -> Outcome:
        self.same_rank(inputs)
        return Outcome(((1,),), equal(inputs, range(len(inputs[0])), self.name))

    def workspace(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], width: int) -> int:
        """Two arrays as large as an operand."""
        return int(2 * prod(inputs[0]) * width)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """For each value a difference and a square; one add less than there are values, and one division."""
        values = prod(inputs[0])
        return Cost(adds=2 * values - 1, multiplies=values, divides=1)

    def axes(self, *inputs: Shape) -> tuple[tuple[Taps, ...], ...]:
        """All of both."""
        return tuple(tuple(map(whole, x)) for x in inputs)
