"""Dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.diagnostics import Problem
from convcalc.ops._attributes import Number
from convcalc.ops._op import FREE, Cost, Op, Outcome

if TYPE_CHECKING:
    from convcalc.dims import Shape


class Dropout(Op):
    """The operand itself in eval mode; in train mode each value is zeroed with probability ``p``, or over ``1 - p``.

    Source: torch.nn.Dropout; Srivastava et al. 2014.
    """

    saves = ("mask",)
    view = True

    p = Number("Probability that a value is zeroed.", 0.5, minimum=0, also=("rate", "ratio", "dropout_ratio"))

    def check(self) -> None:
        if self.p > 1:
            raise Problem("out-of-range", f"p is at most 1, not {self.p}", "write p: 0.5", ("p",))

    def saved(self, *inputs: Shape) -> tuple[str, ...]:
        """Nothing is drawn where nothing is dropped."""
        return self.saves if self.p else ()

    def infer(self, *inputs: Shape) -> Outcome:
        return Outcome((inputs[0],))

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed in eval mode."""
        return FREE
