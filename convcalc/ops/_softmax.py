"""What softmax and its logarithm share."""

from __future__ import annotations

from convcalc.dims import Dim, Shape, prod
from convcalc.ops._attributes import Integer
from convcalc.ops._axes import position
from convcalc.ops._op import IDENTITY, Op, Outcome, Taps, whole


class AlongAxis(Op):
    """The values along one axis against each other, by default those of the channels."""

    saves = ("output",)
    temporaries = 1

    dim = Integer[int]("The axis whose values sum up to 1: 1 is the channels, -1 the last.", 1, also=("axis",))

    def infer(self, *inputs: Shape) -> Outcome:
        position(self.dim, len(inputs[0]))
        return Outcome((inputs[0],))

    def groups(self, inputs: tuple[Shape, ...]) -> Dim:
        """How many vectors lie along the axis."""
        x = inputs[0]
        axis = position(self.dim, len(x))
        return prod(n for place, n in enumerate(x) if place != axis)

    def axes(self, *inputs: Shape) -> tuple[tuple[Taps, ...], ...]:
        x = inputs[0]
        axis = position(self.dim, len(x))
        return (tuple(whole(n) if place == axis else IDENTITY for place, n in enumerate(x)),)
