"""Group normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.ops._attributes import Flag, Integer
from convcalc.ops._normal import Normal
from convcalc.ops._op import Outcome, Taps, phases
from convcalc.ops._window import divisible, mend_groups, same_channels

if TYPE_CHECKING:
    from convcalc.dims import Demand, Dim, Shape


class GroupNorm(Normal):
    """The channels in groups, each group of a sample with its mean taken off, over its deviation.

    Source: torch.nn.GroupNorm; Wu & He 2018.
    """

    also = ("groupnormalization", "gn")

    num_groups = Integer[int]("Groups of neighbouring channels.", minimum=1, also=("groups", "g"))
    affine = Flag("Whether scale and shift are learnt for each channel.", True)
    num_channels = Integer[int | None]("Channels of the operand: inferred, a demand where given.", None, minimum=1)

    temporaries = 2

    def infer(self, *inputs: Shape) -> Outcome:
        channels = inputs[0][0]
        demands = (
            *same_channels(self, "num_channels", channels),
            divisible(channels, self.num_groups, "channels", ("num_groups",)),
        )
        return Outcome((inputs[0],), demands)

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        if demand.code == "indivisible-groups":
            return mend_groups(self.num_groups, inputs[0][0]).replace("groups", "num_groups")
        return f"write num_channels: {inputs[0][0]}, or leave it out"

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        channels = inputs[0][0]
        return {"weight": (channels,), "bias": (channels,)} if self.affine else {}

    def means(self, *inputs: Shape) -> Dim:
        return self.num_groups

    def channels(self, port: int, *inputs: Shape) -> tuple[Taps, ...]:
        each = phases(inputs[0][0] // self.num_groups)
        return (Taps(each, each, ((0, 1, each),) * each),)
