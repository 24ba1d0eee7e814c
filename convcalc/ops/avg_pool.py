"""Average pooling."""

from __future__ import annotations

from convcalc.dims import Shape, prod
from convcalc.ops._attributes import Flag, Integer
from convcalc.ops._op import Cost
from convcalc.ops._pool import Pool


class AvgPool(Pool):
    """The mean of each window.

    Source: torch.nn.AvgPool2d.
    """

    also = ("averagepooling", "average_pool", "average_pooling", "mean_pool")
    saves = ("input",)

    count_include_pad = Flag("Whether padding counts as zeros in the mean.", True)
    divisor_override = Integer[int | None]("Divide by this instead of the size of the window.", None, minimum=1)

    def workspace(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], width: int) -> int:
        """The padded operand and what the first axis gives, then sums on the axes that follow."""
        (channels, _, *sizes), (_, rows, *_) = inputs[0], outputs[0]
        first = channels * rows * prod(sizes) - prod(outputs[0])
        return int((self.padded(inputs) + first) * width)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One add less than the window has positions, and one division."""
        results = prod(outputs[0])
        return Cost(adds=results * (self.taken(inputs) - 1), divides=results)
