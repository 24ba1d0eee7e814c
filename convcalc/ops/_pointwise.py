"""Ops that work on each value by itself."""

from __future__ import annotations

from typing import ClassVar

from convcalc.dims import Shape, prod
from convcalc.ops._op import Cost, Op, Outcome


class Pointwise(Op):
    """One value in, one value out; ``each`` is the cost of one."""

    each: ClassVar[Cost]

    def infer(self, *inputs: Shape) -> Outcome:
        return Outcome((inputs[0],))

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """The cost of one value, for every value."""
        return self.each.times(prod(outputs[0]))
