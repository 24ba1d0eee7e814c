"""Mean over axes."""

from __future__ import annotations

from typing import Any

from convcalc.diagnostics import Problem
from convcalc.dims import Shape, prod
from convcalc.ops._attributes import Flag
from convcalc.ops._axes import Axes, position
from convcalc.ops._op import IDENTITY, Cost, Op, Outcome, Taps, whole


class Mean(Op):
    """The mean over one axis or several, which go away unless ``keepdim``.

    Source: torch.mean.
    """

    also = ("reduce_mean", "reducemean")

    dim = Axes[Any]("The axes to average over: 1 is the channels, -1 the last.", also=("axis", "axes"))
    keepdim = Flag("Whether they stay, with one position each.", False, also=("keepdims", "keep_dims"))

    def _places(self, rank: int) -> set[int]:
        dims = self.dim if isinstance(self.dim, tuple) else (self.dim,)
        places = {position(dim, rank) for dim in dims}
        if len(places) < len(dims):
            fix = f"write dim: {[place + 1 for place in sorted(places)]}"
            raise Problem("wrong-axis", f"dim {list(dims)} names an axis twice", fix, ("dim",))
        return places

    def infer(self, *inputs: Shape) -> Outcome:
        x = inputs[0]
        places = self._places(len(x))
        if self.keepdim:
            return Outcome((tuple(1 if axis in places else n for axis, n in enumerate(x)),))
        if len(places) == len(x):
            raise Problem("wrong-axis", "the mean over all axes leaves none", "write keepdim: true", ("dim",))
        return Outcome((tuple(n for axis, n in enumerate(x) if axis not in places),))

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One add less than there are values in a mean, and one division."""
        results = prod(outputs[0])
        return Cost(adds=prod(inputs[0]) - results, divides=results)

    def axes(self, *inputs: Shape) -> tuple[tuple[Taps, ...], ...]:
        """An axis that stays in its place is seen position by position, one that moves up as a whole."""
        x = inputs[0]
        places = self._places(len(x))
        first = len(x) if self.keepdim else min(places)
        return (tuple(whole(n) if axis in places or axis > first else IDENTITY for axis, n in enumerate(x)),)
