"""Concatenation."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from convcalc.ops._attributes import Integer
from convcalc.ops._axes import position
from convcalc.ops._join import Join, equal
from convcalc.ops._op import FREE, IDENTITY, Cost, Outcome, Taps

if TYPE_CHECKING:
    from convcalc.dims import Shape


class Concat(Join):
    """The operands one behind the other on one axis, by default that of the channels.

    Source: torch.cat.
    """

    also = ("cat", "concatenate", "merge")

    dim = Integer[int](
        "The axis to join on: 1 is the channels, 2 the first spatial axis; 0 is the batch.", 1, also=("axis",)
    )

    def infer(self, *inputs: Shape) -> Outcome:
        self.same_rank(inputs)
        first = inputs[0]
        axis = position(self.dim, len(first))
        total = first[axis]
        for other in inputs[1:]:
            total = total + other[axis]
        demands = equal(inputs, [other for other in range(len(first)) if other != axis], self.name)
        return Outcome(((*first[:axis], total, *first[axis + 1 :]),), demands)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed."""
        return FREE

    def axes(self, *inputs: Shape) -> tuple[tuple[Taps, ...], ...]:
        """On the axis to join on, an operand begins where the one before it ends."""
        axis = position(self.dim, len(inputs[0]))
        offsets = accumulate((x[axis] for x in inputs[:-1]), initial=0)
        moved = (Taps(1, 1, ((-offset, 1, 1),)) if port else IDENTITY for port, offset in enumerate(offsets))
        return tuple(
            tuple(own if place == axis else IDENTITY for place in range(len(x)))
            for x, own in zip(inputs, moved, strict=True)
        )

    def sized(self, *inputs: Shape) -> bool:
        """On a spatial axis."""
        return position(self.dim, len(inputs[0])) != 0
