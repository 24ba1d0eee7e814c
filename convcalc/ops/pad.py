"""Padding."""

from __future__ import annotations

from convcalc.dims import Demand, Shape
from convcalc.ops._attributes import Number, Padding, Word
from convcalc.ops._op import FREE, Cost, Op, Outcome, Taps
from convcalc.ops._window import written


class Pad(Op):
    """Positions added around the map; negative ones are cut off, before others are added.

    Source: torch.nn.functional.pad.
    """

    also = ("zero_padding", "zeropadding", "constant_pad", "constantpad", "zeropad", "padding")
    spatial = (1, 4)

    padding = Padding(
        "Positions added: an integer, one an axis, or a pair [before, after] an axis; negative ones are cut off.",
        minimum=None,
        also=("pad", "pads", "paddings"),
    )
    mode = Word("What the new positions hold.", ("constant",), "constant")
    value = Number("The value that new positions hold.", 0.0, also=("constant_value", "constant_values"))

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        outputs = []
        demands = []
        for n, (before, after) in zip(sizes, self.pairs("padding", len(sizes)), strict=True):
            for side in (before, after):
                if not isinstance(side, int) or side < 0:
                    reason = "more is cut off than there is: {left} positions would stay"
                    demands.append(Demand(n + side, ">=", 0, "empty-result", reason, ("padding",)))
            size = n + before + after
            reason = "nothing is left: the result would have {left} positions"
            demands.append(Demand(size, ">=", 1, "empty-result", reason, ("padding",)))
            outputs.append(size)
        return Outcome(((channels, *outputs),), tuple(demands))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        sizes = inputs[0][1:]
        pairs = zip(sizes, self.pairs("padding", len(sizes)), strict=True)
        return f"write padding: {written([max(min(pair), -((n - 1) // 2)) for n, pair in pairs])}"

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed."""
        return FREE

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        return (tuple(Taps(1, 1, ((-before, 1, 1),)) for before, _ in self.pairs("padding", len(inputs[0]) - 1)),)
