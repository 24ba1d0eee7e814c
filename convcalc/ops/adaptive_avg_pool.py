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

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One add less than each bin has positions, and one division."""
        results = prod(outputs[0])
        return Cost(adds=self.read_in_all(inputs) - results, divides=results)
