"""Instance normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.dims import Demand, prod
from convcalc.ops._attributes import Flag, Integer
from convcalc.ops._normal import Normal
from convcalc.ops._op import Outcome
from convcalc.ops._window import same_channels

if TYPE_CHECKING:
    from convcalc.dims import Dim, Shape


class InstanceNorm(Normal):
    """Each channel of a sample with its mean taken off, over its deviation; without running statistics.

    Source: torch.nn.InstanceNorm2d; Ulyanov et al. 2016.
    """

    also = ("instancenormalization", "contrast_normalization")
    spatial = (1, 4)

    affine = Flag("Whether scale and shift are learnt for each channel.", False)
    num_features = Integer[int | None]("Channels of the operand: inferred, a demand where given.", None, minimum=1)

    centres = True
    temporaries = 1
    saves = (*Normal.saves, "values")

    def saved(self, *inputs: Shape) -> tuple[str, ...]:
        """Its scale for every sample, where it has one."""
        return self.saves if self.affine else Normal.saves

    def own_values(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Dim:
        """One a channel."""
        return inputs[0][0]

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        reason = "a channel of {left} position has no deviation"
        demand = Demand(prod(sizes), ">=", 2, "one-position", reason)
        return Outcome((inputs[0],), (*same_channels(self, "num_features", channels), demand))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        if demand.code == "one-position":
            return "use group_norm or layer_norm instead"
        return f"write num_features: {inputs[0][0]}, or leave it out"

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        channels = inputs[0][0]
        return {"weight": (channels,), "bias": (channels,)} if self.affine else {}

    def means(self, *inputs: Shape) -> Dim:
        return inputs[0][0]
