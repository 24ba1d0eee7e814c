"""Upsampling."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import Problem
from convcalc.dims import prod
from convcalc.ops._attributes import Flag, PerAxis, Word
from convcalc.ops._op import FREE, Cost, Op, Outcome, Taps, phases, whole

if TYPE_CHECKING:
    from convcalc.dims import Shape

LINEAR = {"linear": 0, "bilinear": 2, "trilinear": 3}
"""Words for linear interpolation, and the axes that each is for; 0 is any number."""


class Upsample(Op):
    """A map ``scale_factor`` times as large on each axis, or one of another ``size``.

    Source: torch.nn.Upsample.
    """

    also = ("upsampling", "interpolate", "resize", "interp")
    spatial = (1, 4)

    scale_factor = PerAxis[Any](
        "How often each position is repeated.", None, minimum=1, also=("scale", "scales", "factor")
    )
    size = PerAxis[Any]("Size of the result, by axis.", None, minimum=1, also=("output_size", "sizes"))
    mode = Word(
        "Where a value comes from: nearest (position floor(o * n / size)), or linear interpolation between the two "
        "neighbours on each axis: linear, bilinear for two axes, trilinear for three.",
        ("nearest", *LINEAR),
        "nearest",
    )
    align_corners = Flag(
        "Linear interpolation from o * (n - 1) / (size - 1), so that the corners stay; else from "
        "(o + 1/2) * n / size - 1/2, the border repeated.",
        False,
    )

    def check(self) -> None:
        if self.scale_factor is None and self.size is None:
            raise Problem("missing-argument", "upsample needs scale_factor or size", "add scale_factor: 2")
        if self.scale_factor is not None and self.size is not None:
            told = "upsample is told both a scale_factor and a size"
            raise Problem("contradiction", told, "remove size, or scale_factor", ("size",))
        if self.align_corners and self.mode not in LINEAR:
            told = "align_corners is for linear interpolation, mode is nearest"
            raise Problem("contradiction", told, "remove align_corners, or write mode: linear", ("align_corners",))

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        if LINEAR.get(self.mode, 0) not in (0, len(sizes)):
            axes = "1 axis" if len(sizes) == 1 else f"{len(sizes)} axes"
            told = f"mode {self.mode} is for {LINEAR[self.mode]} spatial axes, the operand has {axes}"
            raise Problem("wrong-rank", told, "write mode: linear", ("mode",))
        if self.size is not None:
            return Outcome(((channels, *self.per_axis("size", len(sizes))),))
        scales = self.per_axis("scale_factor", len(sizes))
        return Outcome(((channels, *(n * scale for n, scale in zip(sizes, scales, strict=True))),))

    def workspace(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], width: int) -> int:
        """The result but for its last axis; between positions, both neighbours and one of them weighed too."""
        first = prod(outputs[0][:-1]) * inputs[0][-1] if len(inputs[0]) > 2 else 0
        return int((first + (0 if self.mode == "nearest" else 3) * prod(outputs[0])) * width)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing for the nearest; linear: each value the weighted sum of 2 neighbours an axis, 4 in 2-D, 8 in 3-D."""
        if self.mode == "nearest":
            return FREE
        results, neighbours = prod(outputs[0]), 2 ** (len(outputs[0]) - 1)
        return Cost(adds=(neighbours - 1) * results, multiplies=neighbours * results)

    def sized(self, *inputs: Shape) -> bool:
        """With ``size`` a position is a share of it; corners that stay are where the size says."""
        return self.size is not None or self.align_corners

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        """With ``size`` or ``align_corners`` they depend on the size of the operand."""
        sizes = inputs[0][1:]
        if self.size is not None:
            pairs = list(zip(sizes, self.per_axis("size", len(sizes)), strict=True))
        else:
            scales = self.per_axis("scale_factor", len(sizes))
            if self.mode == "nearest" or not self.align_corners:
                # The ratio alone matters: a closed form of the size is never divided.
                pairs = [(1, scale) for scale in scales]
            else:
                pairs = [(n, n * scale) for n, scale in zip(sizes, scales, strict=True)]
        if self.mode == "nearest":
            return (tuple(_nearest(n, size) for n, size in pairs),)
        return (tuple(_aligned(n, size) if self.align_corners else _centred(n, size) for n, size in pairs),)


def _nearest(n: int, size: int) -> Taps:
    shared = gcd(n, size)
    period = phases(size // shared)
    return Taps(period, n // shared, tuple((o * n // size, 1, 1) for o in range(period)))


def _centred(n: int, size: int) -> Taps:
    """The neighbours of ``((2o + 1) n - size) / 2 size``; one beyond the border stands for the border."""
    shared = gcd(n, size)
    period = phases(size // shared)
    places = (divmod((2 * o + 1) * n - size, 2 * size) for o in range(period))
    return Taps(period, n // shared, tuple((first, 1, 2 if rest else 1) for first, rest in places))


def _aligned(n: int, size: int) -> Taps:
    """The neighbours of ``o (n - 1) / (size - 1)``."""
    if n == 1:
        return whole(1)
    if size == 1:
        return Taps(1, n, ((0, 1, 1),))
    shared = gcd(n - 1, size - 1)
    period = phases((size - 1) // shared)
    places = (divmod(o * (n - 1), size - 1) for o in range(period))
    return Taps(period, (n - 1) // shared, tuple((first, 1, 2 if rest else 1) for first, rest in places))
