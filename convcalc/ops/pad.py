"""Padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import Problem
from convcalc.dims import Demand
from convcalc.ops import _border
from convcalc.ops._attributes import Number, Padding, Word
from convcalc.ops._op import FREE, Cost, Op, Outcome, Taps
from convcalc.ops._window import written

if TYPE_CHECKING:
    from convcalc.dims import Dim, Shape


class Pad(Op):
    """Positions added around the map; negative ones are cut off, before others are added.

    Source: torch.nn.functional.pad.
    """

    also = ("zero_padding", "zeropadding", "constant_pad", "constantpad", "zeropad", "padding", "reflection_pad",
            "replication_pad", "circular_pad")  # fmt: skip
    spatial = (1, 4)
    saves = ("input",)

    padding = Padding(
        "Positions added: an integer, one an axis, or a pair [before, after] an axis; negative ones are cut off.",
        minimum=None,
        also=("pad", "pads", "paddings"),
    )
    mode = Word(
        "What the new positions hold: constant (the value), or copies: reflect (mirrored at the border, without it), "
        "replicate (the border itself), circular (the other end).",
        ("constant", *_border.COPIES),
        "constant",
    )
    value = Number("The value that new positions hold.", 0.0, also=("constant_value", "constant_values"))

    def check(self) -> None:
        if self.mode != "constant" and self.value != 0:
            told = f"mode {self.mode} copies positions, value {self.value} is never used"
            raise Problem("contradiction", told, "remove value, or write mode: constant", ("value",))

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        outputs = []
        demands: list[Demand] = []
        for n, (before, after) in zip(sizes, self.pairs("padding", len(sizes)), strict=True):
            demands.extend(self._demands(n, before, after))
            size = n + before + after
            reason = "nothing is left: the result would have {left} positions"
            demands.append(Demand(size, ">=", 1, "empty-result", reason, ("padding",)))
            outputs.append(size)
        return Outcome(((channels, *outputs),), tuple(demands))

    def _demands(self, n: Dim, before: Dim, after: Dim) -> list[Demand]:
        found: list[Demand] = []
        for side in (before, after):
            if isinstance(side, int) and side >= 0:
                continue
            reason = "more is cut off than there is: {left} positions would stay"
            found.append(Demand(n + side, ">=", 0, "empty-result", reason, ("padding",)))
            if self.mode != "constant":
                reason = f"mode {self.mode} adds positions, {{left}} would cut some off"
                found.append(Demand(side, ">=", 0, "negative-padding", reason, ("padding",)))
        return [*found, *_border.demands(self.mode, n, before, after)]

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        sizes = inputs[0][1:]
        pairs: list[Any] = list(zip(sizes, self.pairs("padding", len(sizes)), strict=True))
        if demand.code == "negative-padding":
            return f"write padding: {written([max(*pair, 0) for _, pair in pairs])}, and put crop in front of it"
        if demand.code == "padding-too-large":
            return "write mode: replicate, or less padding"
        return f"write padding: {written([max(min(pair), -((n - 1) // 2)) for n, pair in pairs])}"

    def saved(self, *inputs: Shape) -> tuple[str, ...]:
        """PyTorch keeps what it reflects or replicates."""
        return self.saves if self.mode in ("reflect", "replicate") else ()

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed."""
        return FREE

    def sized(self, *inputs: Shape) -> bool:
        """Where copies stand depends on the size."""
        return bool(self.mode != "constant")

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        """Copies depend on the size of the operand."""
        sizes = inputs[0][1:]
        pairs = self.pairs("padding", len(sizes))
        if self.mode == "constant":
            return (tuple(Taps(1, 1, ((-before, 1, 1),)) for before, _ in pairs),)
        axes = zip(sizes, pairs, strict=True)
        return (tuple(_border.copied(n, before, after, self.mode) for n, (before, after) in axes),)
