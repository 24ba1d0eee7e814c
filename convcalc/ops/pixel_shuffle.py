"""Channels dealt out to positions."""

from __future__ import annotations

from convcalc.dims import Demand, Shape
from convcalc.ops._attributes import Integer
from convcalc.ops._op import FREE, Cost, Op, Outcome, Taps, phases


class PixelShuffle(Op):
    """``[C r^d, *S]`` as ``[C, *(r S)]``, d being the number of spatial axes: channels become positions.

    Channel ``c r^d + j`` holds channel ``c`` of the positions whose offsets in their block of r, row-major, are ``j``.
    Source: torch.nn.PixelShuffle; Shi et al. 2016, equation 4.
    """

    also = ("depth_to_space", "subpixel_conv", "sub_pixel", "periodic_shuffle")
    spatial = (1, 4)

    upscale_factor = Integer[int]("How much larger each axis becomes.", minimum=1, also=("block_size", "scale", "r"))

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        block = self.upscale_factor ** len(sizes)
        reason = f"{{left}} of {channels} channels are left over when they are divided into {block} positions each"
        demand = Demand(channels % block, "==", 0, "indivisible-channels", reason, ("upscale_factor",))
        return Outcome(((channels // block, *(n * self.upscale_factor for n in sizes)),), (demand,))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        """The next smaller factor that divides."""
        channels, *sizes = inputs[0]
        fits = next(r for r in range(self.upscale_factor, 0, -1) if channels % r ** len(sizes) == 0)
        return f"write upscale_factor: {fits}, or give its operand a multiple of {self.upscale_factor ** len(sizes)}"

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed."""
        return FREE

    def channels(self, port: int, *inputs: Shape) -> tuple[Taps, ...]:
        """By the place in the block, one of as many as it has."""
        block = self.upscale_factor ** (len(inputs[0]) - 1)
        return (Taps(1, block, ((0, 1, block),)),)

    def bounded(self, *inputs: Shape) -> bool:
        """Which channel is read goes with the position."""
        return self.upscale_factor != 1

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        period = phases(self.upscale_factor)
        return ((Taps(period, 1, ((0, 1, 1),) * period),) * (len(inputs[0]) - 1),)
