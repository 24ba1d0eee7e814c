"""A range of positions."""

from __future__ import annotations

from typing import Any

from convcalc.dims import Demand, Dim, Shape, ceil_div
from convcalc.ops._attributes import Integer
from convcalc.ops._axes import position
from convcalc.ops._op import FREE, IDENTITY, Cost, Op, Outcome, Taps


class Slice(Op):
    """The positions ``start, start + step, ...`` before ``end`` of one axis.

    A range that leaves the operand is refused, where Python clamps it. Source: Python's slices; torch.narrow.
    """

    also = ("narrow", "strided_slice")
    view = True
    selects = True

    dim = Integer[int]("The axis to slice: 1 is the channels, 2 the first spatial axis.", also=("axis", "axes"))
    start = Integer[Any]("The first position; a negative one counts from the end.", 0, also=("starts", "begin"))
    end = Integer[Any]("The position behind the last; a negative one counts from the end.", None, also=("ends", "stop"))
    step = Integer[Any]("Distance between the positions taken.", 1, minimum=1, also=("steps", "stride", "strides"))

    def _range(self, n: Dim) -> tuple[Dim, Dim]:
        """Where the range starts and ends in ``n`` positions."""
        return _from_the_front(self.start, n), n if self.end is None else _from_the_front(self.end, n)

    def infer(self, *inputs: Shape) -> Outcome:
        x = inputs[0]
        axis = position(self.dim, len(x))
        start, end = self._range(x[axis])
        demands = (
            Demand(start, ">=", 0, "outside", f"start {self.start} lies before the axis of {x[axis]}", ("start",)),
            Demand(end, "<=", x[axis], "outside", "end {left} lies behind the axis of {right}", ("end",)),
            Demand(end - start, ">=", 1, "empty-result", f"no position of {x[axis]} is in the range", ("start",)),
        )
        return Outcome(((*x[:axis], ceil_div(end - start, self.step), *x[axis + 1 :]),), demands)

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        n = inputs[0][position(self.dim, len(inputs[0]))]
        start, end = self._range(n)
        if 0 <= start < n:
            return f"write end: {n}, or leave it out"
        if 1 <= end <= n:
            return "write start: 0, or leave it out"
        return "leave start and end out"

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed."""
        return FREE

    def axes(self, *inputs: Shape) -> tuple[tuple[Taps, ...], ...]:
        x = inputs[0]
        axis = position(self.dim, len(x))
        own = Taps(1, self.step, ((self._range(x[axis])[0], 1, 1),))
        return (tuple(own if place == axis else IDENTITY for place in range(len(x))),)

    def sized(self, *inputs: Shape) -> bool:
        """Counted from the end of a spatial axis."""
        return self.start < 0 and position(self.dim, len(inputs[0])) != 0


def _from_the_front(place: Dim, n: Dim) -> Dim:
    return n + place if isinstance(place, int) and place < 0 else place
