"""Max pooling."""

from __future__ import annotations

from convcalc.dims import Shape, prod
from convcalc.ops._op import INDEX, Cost, Outcome
from convcalc.ops._pool import Pool


class MaxPool(Pool):
    """The largest value of each window; the port ``indices`` says where it stood.

    Padding never wins. Source: torch.nn.MaxPool2d.
    """

    also = ("maxpooling", "max_pooling")
    saves = ("input", "indices")

    @property
    def ports(self) -> tuple[str, ...]:
        return ("0", "indices")

    def infer(self, *inputs: Shape) -> Outcome:
        shapes, demands = super().infer(*inputs)
        return Outcome(shapes * 2, demands)

    def workspace(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], width: int) -> int:
        """The padded operand, what the last axis gives with bytes to compare by; or, later, places as int64."""
        channels, *sizes = inputs[0]
        results: int = prod(outputs[0])
        first = channels * prod(sizes[:-1]) * outputs[0][-1]
        begun = (self.padded(inputs) + first) * width + 6 * first - results * (width + INDEX)
        return max(int(begun), (2 * INDEX + 3) * results)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One compare less than the window has positions."""
        return Cost(compares=prod(outputs[0]) * (self.taken(inputs) - 1))
