"""Convolution, as deep learning means it, or as mathematics does."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from convcalc.ops._convolution import GROUPS, Convolution, group_channels, group_demands

if TYPE_CHECKING:
    from convcalc.dims import Demand, Dim, Shape
    from convcalc.ops._op import Taps


class Conv(Convolution):
    """Cross-correlation of ``[N, C, *S]`` with ``out_channels`` kernels, in 1-D to 4-D.

    Each output channel of a group sees the input channels of that group; with ``flip`` it is a true convolution.
    Source: torch.nn.Conv2d; Dumoulin & Visin 2016, section 2; Goodfellow et al. 2016, equations 9.4 and 9.6.
    """

    also: ClassVar[tuple[str, ...]] = ("convolution", "conv2d_1x1", "cross_correlation")

    groups = GROUPS

    def channel_demands(self, channels: Dim) -> tuple[Demand, ...]:
        return (*super().channel_demands(channels), *group_demands(self, channels))

    def seen(self, channels: Dim) -> Dim:
        return channels // self.groups

    def channels(self, port: int, *inputs: Shape) -> tuple[Taps, ...]:
        return group_channels(self, inputs[0][0])

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        channels, *sizes = inputs[0]
        weight = (self.out_channels, self.seen(channels), *self.kernels(len(sizes)))
        return {"weight": weight, "bias": (self.out_channels,)} if self.bias else {"weight": weight}
