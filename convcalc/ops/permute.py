"""Axes in another order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.diagnostics import Problem
from convcalc.ops._attributes import Integers
from convcalc.ops._op import FREE, IDENTITY, Cost, Op, Outcome, Taps, whole

if TYPE_CHECKING:
    from convcalc.dims import Shape


class Permute(Op):
    """The axes in the order of ``dims``, the batch axis first.

    Source: torch.permute.
    """

    also = ("transpose",)
    view = True
    moves = True

    dims = Integers[tuple[int, ...]](
        "The old axes in their new order, the batch axis 0 first: [0, 2, 3, 1] puts the channels last.",
        also=("perm", "order", "axes"),
    )

    def infer(self, *inputs: Shape) -> Outcome:
        x = inputs[0]
        return Outcome((tuple(x[place] for place in self.places(len(x))),))

    def places(self, rank: int) -> list[int]:
        """For each axis of the result its place in the operand, both without the batch axis."""
        dims = [dim + rank + 1 if dim < 0 else dim for dim in self.dims]
        if sorted(dims) != list(range(rank + 1)):
            told = f"dims {list(self.dims)} is not an order of the axes 0 to {rank}"
            raise Problem("wrong-axis", told, f"write dims: {[0, *range(rank, 0, -1)]}", ("dims",))
        if dims[0] != 0:
            rest = [dim for dim in dims if dim != 0]
            raise Problem("wrong-axis", "the batch axis 0 stays in front", f"write dims: {[0, *rest]}", ("dims", 0))
        return [dim - 1 for dim in dims[1:]]

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed."""
        return FREE

    def axes(self, *inputs: Shape) -> tuple[tuple[Taps, ...], ...]:
        """For who goes by place alone: an axis that stays is seen position by position, one that moves as a whole."""
        x = inputs[0]
        places = self.places(len(x))
        return (tuple(IDENTITY if places[axis] == axis else whole(n) for axis, n in enumerate(x)),)
