"""Normalisation of each sample by itself, what its three kinds share."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from convcalc.dims import prod
from convcalc.ops._attributes import Number
from convcalc.ops._op import IDENTITY, Cost, Op, Taps, whole

if TYPE_CHECKING:
    from convcalc.dims import Dim, Shape


class Normal(Op):
    """Values with the mean of their group taken off, over its deviation, then scaled and shifted."""

    saves: ClassVar[tuple[str, ...]] = ("input", "statistics")

    eps = Number("Added to the variance.", 1e-5, also=("epsilon",))

    def means(self, *inputs: Shape) -> Dim:
        """Groups of one sample."""
        raise NotImplementedError

    def statistics(self, batch: Dim, *inputs: Shape) -> Dim:
        return batch * self.means(*inputs)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Three adds and two multiplies a value: mean, difference, square, sum, scale; three divisions and a root (as
        an exponential) a group, and eps added; then a multiply for each learnt scale, an add for each learnt shift."""
        values, groups = prod(inputs[0]), self.means(*inputs)
        learnt = self.parameters(*inputs)
        return Cost(
            adds=3 * values - groups + (values if "bias" in learnt else 0),
            multiplies=2 * values + (values if "weight" in learnt else 0),
            divides=3 * groups,
            exponentials=groups,
        )

    def axes(self, *inputs: Shape) -> tuple[tuple[Taps, ...], ...]:
        """All positions of the channel."""
        return ((IDENTITY, *map(whole, inputs[0][1:])),)
