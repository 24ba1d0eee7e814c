"""Channels mixed between groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.ops._attributes import Integer
from convcalc.ops._op import FREE, Cost, Op, Outcome, Taps, phases
from convcalc.ops._window import divisible, mend_groups

if TYPE_CHECKING:
    from convcalc.dims import Demand, Shape


class ChannelShuffle(Op):
    """The first channel of each group, then the second of each, and so on.

    Source: torch.nn.ChannelShuffle; Zhang et al. 2017 (ShuffleNet), section 3.1.
    """

    also = ("shuffle_channel", "shuffle_channels")

    groups = Integer[int]("Groups that the channels come in.", minimum=1, also=("group", "num_groups"))

    def infer(self, *inputs: Shape) -> Outcome:
        return Outcome((inputs[0],), (divisible(inputs[0][0], self.groups, "channels", ("groups",)),))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        return mend_groups(self.groups, inputs[0][0])

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed."""
        return FREE

    def channels(self, port: int, *inputs: Shape) -> tuple[Taps, ...]:
        """The first of each group come first."""
        each = inputs[0][0] // self.groups
        return (Taps(phases(self.groups), 1, tuple((group * each, 1, 1) for group in range(self.groups))),)
