"""Cropping."""

from __future__ import annotations

from typing import Any

from convcalc.diagnostics import Problem
from convcalc.dims import Demand, Dim, Shape
from convcalc.ops._attributes import Padding, PerAxis
from convcalc.ops._op import FREE, Cost, Op, Outcome, Taps
from convcalc.ops._window import written


class Crop(Op):
    """A smaller map out of the operand: to a ``size``, by a ``margin``, or to the size of a second operand.

    Source: Caffe's Crop layer; torchvision's center_crop; the copies of Ronneberger et al. 2015, figure 1.
    """

    also = ("cropping", "center_crop", "centercrop")
    operands = (1, 2)
    spatial = (1, 4)
    view = True

    size = PerAxis[Any]("Size of the result, by axis.", None, minimum=1, also=("output_size", "crop_size"))
    margin = Padding(
        "Positions cut off: an integer, one an axis, or a pair [before, after] an axis.",
        None,
        also=("cropping", "crop", "border"),
    )
    offset = PerAxis[Any]("Where the result begins, by axis; without it the result is centred.", None, minimum=0)

    def check(self) -> None:
        if self.size is not None and self.margin is not None:
            raise Problem(
                "contradiction", "crop is told both a size and a margin", "remove margin, or size", ("margin",)
            )
        if self.offset is not None and self.margin is not None:
            told = "a margin says where the result begins: offset contradicts it"
            raise Problem("contradiction", told, "remove offset, or write size instead of margin", ("offset",))

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        spans = self._spans(inputs)
        demands = []
        for n, (start, goal) in zip(sizes, spans, strict=True):
            if self.margin is not None:
                reason = "the margin leaves nothing: the result would have {left} positions"
                demands.append(Demand(goal, ">=", 1, "empty-result", reason, ("margin",)))
            elif self.offset is not None:
                reason = "the result would end at {right}, behind the operand's {left} positions"
                demands.append(Demand(n, ">=", start + goal, "crop-too-large", reason, ("offset",)))
            else:
                reason = "{right} positions cannot be cropped out of {left}"
                key = ("size",) if self.size is not None else ()
                demands.append(Demand(n, ">=", goal, "crop-too-large", reason, key))
        return Outcome(((channels, *(goal for _, goal in spans)),), tuple(demands))

    def _spans(self, inputs: tuple[Shape, ...]) -> list[tuple[Dim, Dim]]:
        """Where the result begins and how far it goes, by axis; raises Problem unless the target is told once."""
        sizes = inputs[0][1:]
        if len(inputs) == 2:
            return self._around(sizes, self._target(inputs))
        if self.margin is not None:
            pairs = zip(sizes, self.pairs("margin", len(sizes)), strict=True)
            return [(before, n - before - after) for n, (before, after) in pairs]
        if self.size is None:
            fix = f"add size: {min(sizes)}, or a margin, or a second name to from"
            raise Problem("missing-argument", "crop needs a size, a margin, or a second operand", fix)
        return self._around(sizes, self.per_axis("size", len(sizes)))

    def _target(self, inputs: tuple[Shape, ...]) -> Shape:
        for key in ("size", "margin"):
            if getattr(self, key) is not None:
                fix = f"remove {key}, or the second operand"
                raise Problem("contradiction", f"crop is told both a second operand and a {key}", fix, (key,))
        x, y = inputs
        if len(x) != len(y):
            told = f"crop takes operands of one rank, these have {len(x)} and {len(y)} axes"
            raise Problem("shapes-disagree", told, "write size instead of the second operand")
        return y[1:]

    def _around(self, sizes: Shape, goals: Shape) -> list[tuple[Dim, Dim]]:
        if self.offset is None:
            return [((n - goal) // 2, goal) for n, goal in zip(sizes, goals, strict=True)]
        return list(zip(self.per_axis("offset", len(sizes)), goals, strict=True))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        sizes = inputs[0][1:]
        if self.margin is not None:
            pairs = zip(sizes, self.pairs("margin", len(sizes)), strict=True)
            return f"write margin: {written([min(max(pair), (n - 1) // 2) for n, pair in pairs])}"
        goals = [goal for _, goal in self._spans(inputs)]
        starts = [0] * len(sizes) if self.offset is None else self.per_axis("offset", len(sizes))
        room = [n - goal for n, goal in zip(sizes, goals, strict=True)]
        if self.offset is not None and min(room) >= 0:
            return f"write offset: {written([min(pair) for pair in zip(starts, room, strict=True)])}, or leave it out"
        if self.size is not None:
            alone = "" if self.offset is None else " and leave offset out"
            return f"write size: {written([min(pair) for pair in zip(sizes, goals, strict=True)])}{alone}"
        if self.offset is None and max(room) <= 0:
            return "swap the two operands in from"
        lacking = ", ".join(f"[0, {max(0, start - more)}]" for start, more in zip(starts, room, strict=True))
        return f"put pad: {{padding: [{lacking}]}} in front of it"

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed."""
        return FREE

    def sized(self, *inputs: Shape) -> bool:
        """The middle is where the size says."""
        return self.margin is None and self.offset is None

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        """Of a second operand only the size is read."""
        own = tuple(Taps(1, 1, ((start, 1, 1),)) for start, _ in self._spans(inputs))
        return (own, None)[: len(inputs)]
