"""Adaptive average pooling."""

from __future__ import annotations

from convcalc.dims import Shape, prod
from convcalc.ops._adaptive_pool import AdaptivePool
from convcalc.ops._op import Cost


class AdaptiveAvgPool(AdaptivePool):
    """The mean of each of ``output_size`` bins, whatever the size of the operand.

    Source: torch.nn.AdaptiveAvgPool2d.
    """

    also = ("adaptive_average_pool", "adaptive_average_pooling")
    saves = ("input",)

    def saved(self, *inputs: Shape) -> tuple[str, ...]:
        """Of one bin a channel PyTorch takes the mean, whose gradient needs nothing."""
        goals = self.per_axis("output_size", len(inputs[0]) - 1)
        return () if all(isinstance(goal, int) and goal == 1 for goal in goals) else self.saves

    def workspace(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], width: int) -> int:
        """What the first axis gives, bin by bin and together."""
        return int(2 * prod(outputs[0][:2]) * prod(inputs[0][2:]) * width)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One add less than each bin has positions, and one division."""
        results = prod(outputs[0])
        return Cost(adds=self.read_in_all(inputs) - results, divides=results)
