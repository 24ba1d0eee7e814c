"""Matrix product."""

from __future__ import annotations

from convcalc.diagnostics import Problem
from convcalc.dims import Demand, Shape, prod
from convcalc.ops._join import Join, equal
from convcalc.ops._op import IDENTITY, Cost, Outcome, Taps, whole


class Matmul(Join):
    """``[..., n, k]`` by ``[..., k, m]`` to ``[..., n, m]``; the axes in front agree.

    Source: torch.matmul.
    """

    also = ("bmm", "dot", "batch_matmul", "mm")
    operands = (2, 2)
    spatial = (1, 4)
    saves = ("input",)

    def infer(self, *inputs: Shape) -> Outcome:
        self.same_rank(inputs)
        a, b = inputs
        if len(a) < 2:
            raise Problem("wrong-rank", "matmul takes matrices, these are vectors", "make them matrices with reshape")
        reason = "rows of {left} values meet columns of {right}"
        inner = Demand(a[-1], "==", b[-2], "shapes-disagree", reason, (1, len(b) - 2))
        return Outcome(((*a[:-1], b[-1]),), (*equal(inputs, range(len(a) - 2), self.name), inner))

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One MAC for each pair of values that meet."""
        return Cost(macs=prod(outputs[0]) * inputs[0][-1])

    def axes(self, *inputs: Shape) -> tuple[tuple[Taps, ...], ...]:
        """The axis that is summed over is read whole: the last of one operand, the last but one of the other."""
        a, b = inputs
        rows = tuple(whole(n) if axis == len(a) - 1 else IDENTITY for axis, n in enumerate(a))
        columns = tuple(whole(n) if axis == len(b) - 2 else IDENTITY for axis, n in enumerate(b))
        return rows, columns
