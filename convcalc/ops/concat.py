"""Concatenation."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from convcalc.ops._attributes import Integer
from convcalc.ops._axes import position
from convcalc.ops._join import Join, equal
from convcalc.ops._op import FREE, IDENTITY, Cost, Outcome, Taps

if TYPE_CHECKING:
    from collections.abc import Iterator

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

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        """On the axis to join on, an operand begins where the one before it ends."""
        return tuple(axes[1:] for axes in self._axes(inputs))

    def channels(self, port: int, *inputs: Shape) -> tuple[Taps, ...]:
        return tuple(axes[0] for axes in self._axes(inputs))

    def _axes(self, inputs: tuple[Shape, ...]) -> Iterator[tuple[Taps, ...]]:
        axis = position(self.dim, len(inputs[0]))
        offsets = accumulate((x[axis] for x in inputs[:-1]), initial=0)
        for port, (x, offset) in enumerate(zip(inputs, offsets, strict=True)):
            moved = Taps(1, 1, ((-offset, 1, 1),)) if port else IDENTITY
            yield tuple(moved if place == axis else IDENTITY for place in range(len(x)))

    def sized(self, *inputs: Shape) -> bool:
        """On a spatial axis."""
        return position(self.dim, len(inputs[0])) != 0
