"""What global pools share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.ops._op import Op, Outcome, Taps, whole

if TYPE_CHECKING:
    from convcalc.dims import Shape


class GlobalPool(Op):
    """All positions of a channel summed up into one, on axes that stay."""

    spatial = (1, 4)

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        return Outcome(((channels, *(1 for _ in sizes)),))

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        return (tuple(map(whole, inputs[0][1:])),)
