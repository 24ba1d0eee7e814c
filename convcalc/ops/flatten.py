"""Several axes into one."""

from __future__ import annotations

from convcalc.diagnostics import Problem
from convcalc.dims import Shape, prod
from convcalc.ops._attributes import Integer
from convcalc.ops._axes import position
from convcalc.ops._op import FREE, IDENTITY, Cost, Op, Outcome, Taps, whole


class Flatten(Op):
    """The axes from ``start_dim`` to ``end_dim`` as one, in row-major order.

    Source: torch.nn.Flatten.
    """

    view = True

    start_dim = Integer[int]("First axis to join: 1 is the channels.", 1, also=("axis",))
    end_dim = Integer[int]("Last axis to join: -1 is the last.", -1)

    def _span(self, rank: int) -> tuple[int, int]:
        first = position(self.start_dim, rank, "start_dim")
        last = position(self.end_dim, rank, "end_dim")
        if first > last:
            raise Problem("wrong-axis", "start_dim comes after end_dim", "write end_dim: -1", ("end_dim",))
        return first, last

    def infer(self, *inputs: Shape) -> Outcome:
        x = inputs[0]
        first, last = self._span(len(x))
        return Outcome(((*x[:first], prod(x[first : last + 1]), *x[last + 1 :]),))

    def axes(self, *inputs: Shape) -> tuple[tuple[Taps, ...], ...]:
        """What stays a map keeps its positions; a result that mixes axes sees all of them."""
        channels, *sizes = inputs[0]
        first, last = self._span(len(inputs[0]))
        if first == last:
            return super().axes(*inputs)
        return ((IDENTITY if first else whole(channels), *map(whole, sizes)),)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed."""
        return FREE
