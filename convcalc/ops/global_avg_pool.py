"""Global average pooling."""

from __future__ import annotations

from convcalc.dims import Shape, prod
from convcalc.ops._global_pool import GlobalPool
from convcalc.ops._op import Cost


class GlobalAvgPool(GlobalPool):
    """The mean of each channel: ``[N, C, *S]`` to ``[N, C, 1, ...]``.

    Source: torch.nn.AdaptiveAvgPool2d(1); Lin et al. 2013, section 3.2.
    """

    also = ("globalaveragepooling", "global_average_pool", "gap")

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One add less than a channel has positions, and one division."""
        results = prod(outputs[0])
        return Cost(adds=prod(inputs[0]) - results, divides=results)
