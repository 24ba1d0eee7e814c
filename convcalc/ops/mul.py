"""Product of tensors."""

from __future__ import annotations

from convcalc.dims import Demand, Dim, Shape, prod
from convcalc.ops._join import Join, equal
from convcalc.ops._op import IDENTITY, Cost, Outcome, Taps, whole


class Mul(Join):
    """The product, value by value; an operand of size 1 on all spatial axes scales whole channels.

    Source: torch.mul; the gate of Hu et al. 2017, equation 4.
    """

    also = ("multiply", "scale", "gate", "product")
    saves = ("input", "values")

    def infer(self, *inputs: Shape) -> Outcome:
        self.same_rank(inputs)
        chosen = next((index for index, x in enumerate(inputs) if not _scales(x)), 0)
        result = inputs[chosen]
        demands: list[Demand] = []
        for index, x in enumerate(inputs):
            if index != chosen:
                axes = [0] if _scales(x) else range(len(x))
                demands.extend(d._replace(key=(index, d.key[1])) for d in equal((result, x), axes, self.name))
        return Outcome((result,), tuple(demands))

    def own_values(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Dim:
        """The products on the way to that of more than two operands."""
        return (len(inputs) - 2) * prod(outputs[0])

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One multiplication less than there are operands, for each value."""
        return Cost(multiplies=(len(inputs) - 1) * prod(outputs[0]))

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        """What is broadcast is read by every output; nothing is where all operands have one position."""
        if all(map(_scales, inputs)):
            return super().taps(*inputs)
        return tuple(tuple(map(whole, x[1:])) if _scales(x) else (IDENTITY,) * (len(x) - 1) for x in inputs)


def _scales(x: Shape) -> bool:
    """Whether the operand is a literal 1 on all of its spatial axes, and has some."""
    return len(x) > 1 and all(type(n) is int and n == 1 for n in x[1:])
