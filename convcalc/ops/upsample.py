"""Upsampling."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import Problem
from convcalc.ops._attributes import PerAxis, Word
from convcalc.ops._op import FREE, Cost, Op, Outcome, Taps, phases

if TYPE_CHECKING:
    from convcalc.dims import Shape


class Upsample(Op):
    """Every position repeated ``scale_factor`` times on each axis, or the nearest one of a map of another ``size``.

    Source: torch.nn.Upsample.
    """

    also = ("upsampling", "interpolate", "resize", "interp", "unpooling")
    spatial = (1, 4)

    scale_factor = PerAxis[Any](
        "How often each position is repeated.", None, minimum=1, also=("scale", "scales", "factor")
    )
    size = PerAxis[Any]("Size of the result, by axis.", None, minimum=1, also=("output_size", "sizes"))
    mode = Word("Where a value comes from: position floor(o * n / size).", ("nearest",), "nearest")

    def check(self) -> None:
        if self.scale_factor is None and self.size is None:
            raise Problem("missing-argument", "upsample needs scale_factor or size", "add scale_factor: 2")
        if self.scale_factor is not None and self.size is not None:
            told = "upsample is told both a scale_factor and a size"
            raise Problem("contradiction", told, "remove size, or scale_factor", ("size",))

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        if self.size is not None:
            return Outcome(((channels, *self.per_axis("size", len(sizes))),))
        scales = self.per_axis("scale_factor", len(sizes))
        return Outcome(((channels, *(n * scale for n, scale in zip(sizes, scales, strict=True))),))

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed."""
        return FREE

    def sized(self, *inputs: Shape) -> bool:
        """With ``size`` a position is a share of it."""
        return self.size is not None

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        """With ``size`` they depend on the size of the operand."""
        sizes = inputs[0][1:]
        if self.size is not None:
            return (tuple(map(_nearest, sizes, self.per_axis("size", len(sizes)))),)
        scales = self.per_axis("scale_factor", len(sizes))
        return (tuple(Taps(scale, 1, ((0, 1, 1),) * phases(scale)) for scale in scales),)


def _nearest(n: int, size: int) -> Taps:
    shared = gcd(n, size)
    period = phases(size // shared)
    return Taps(period, n // shared, tuple((o * n // size, 1, 1) for o in range(period)))
