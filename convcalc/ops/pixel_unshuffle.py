"""Positions dealt out to channels."""

from __future__ import annotations

from convcalc.dims import Demand, Shape
from convcalc.ops._attributes import Integer
from convcalc.ops._op import FREE, Cost, Op, Outcome, Taps, phases


class PixelUnshuffle(Op):
    """``[C, *(r S)]`` as ``[C r^d, *S]``, d being the number of spatial axes: positions become channels.

    The reverse of pixel_shuffle. Source: torch.nn.PixelUnshuffle; Shi et al. 2016.
    """

    also = ("space_to_depth", "reorg", "focus", "patch_merging")
    spatial = (1, 4)

    downscale_factor = Integer[int]("How much smaller each axis becomes.", minimum=1, also=("block_size", "scale", "r"))

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        r = self.downscale_factor
        demands = []
        for n in sizes:
            reason = f"{{left}} of {n} positions are left over when they are divided into blocks of {r}"
            demands.append(Demand(n % r, "==", 0, "indivisible-size", reason, ("downscale_factor",)))
        return Outcome(((channels * r ** len(sizes), *(n // r for n in sizes)),), tuple(demands))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        """The next smaller factor that divides all axes."""
        sizes = inputs[0][1:]
        fits = next(r for r in range(self.downscale_factor, 0, -1) if all(n % r == 0 for n in sizes))
        return f"write downscale_factor: {fits}, or bring each axis to a multiple of {self.downscale_factor}"

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed."""
        return FREE

    def channels(self, port: int, *inputs: Shape) -> tuple[Taps, ...]:
        block = phases(self.downscale_factor ** (len(inputs[0]) - 1))
        return (Taps(block, 1, ((0, 1, 1),) * block),)

    def bounded(self, *inputs: Shape) -> bool:
        """Which position is read goes with the channel."""
        return self.downscale_factor != 1

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        r = self.downscale_factor
        return ((Taps(1, r, ((0, 1, r),)),) * (len(inputs[0]) - 1),)
