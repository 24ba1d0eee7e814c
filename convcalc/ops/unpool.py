"""Unpooling without memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc.dims import prod
from convcalc.ops._attributes import PerAxis, Word
from convcalc.ops._op import FREE, Cost, Op, Outcome, Taps, phases

if TYPE_CHECKING:
    from convcalc.dims import Shape


class Unpool(Op):
    """Each position as a block: repeated (nearest neighbour), or in its first corner with zeros around (bed of nails).

    With the indices of a max pool it is max_unpool. Source: Dosovitskiy et al. 2014, section 4 (bed of nails).
    """

    spatial = (1, 4)

    kernel_size = PerAxis[Any]("Size of the block.", minimum=1, also=("kernel", "scale", "factor", "stride", "k"))
    mode = Word("What the block holds beside the value in its first corner: nearest or bed_of_nails.",
                ("nearest", "bed_of_nails"), "nearest")  # fmt: skip

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        blocks = self.per_axis("kernel_size", len(sizes))
        return Outcome(((channels, *(n * block for n, block in zip(sizes, blocks, strict=True))),))

    def workspace(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], width: int) -> int:
        """Of blocks that repeat the value, the result but for its last axis."""
        repeated = self.mode == "nearest" and len(inputs[0]) > 2
        return int(prod(outputs[0][:-1]) * inputs[0][-1] * width) if repeated else 0

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed."""
        return FREE

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        blocks = self.per_axis("kernel_size", len(inputs[0]) - 1)
        rest = int(self.mode == "nearest")
        return (tuple(Taps(k, 1, ((0, 1, 1), *((0, 1, rest),) * (phases(k) - 1))) for k in blocks),)
