"""Adaptive max pooling."""

from __future__ import annotations

from convcalc.dims import Shape, prod
from convcalc.ops._adaptive_pool import AdaptivePool
from convcalc.ops._op import INDEX, Cost, Outcome


class AdaptiveMaxPool(AdaptivePool):
    """The largest value of each of ``output_size`` bins; the port ``indices`` says where it stood.

    Source: torch.nn.AdaptiveMaxPool2d.
    """

    also = ("adaptivemaxpooling", "adaptive_max_pooling")
    saves = ("input", "indices")

    @property
    def ports(self) -> tuple[str, ...]:
        return ("0", "indices")

    def infer(self, *inputs: Shape) -> Outcome:
        shapes, demands = super().infer(*inputs)
        return Outcome(shapes * 2, demands)

    def workspace(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], width: int) -> int:
        """What the last axis gives, and four times its places."""
        return int(prod(inputs[0][:-1]) * outputs[0][-1] * (width + 4 * INDEX))

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One compare less than each bin has positions."""
        return Cost(compares=self.read_in_all(inputs) - prod(outputs[0]))
