"""Ops that join several operands of one shape."""

from __future__ import annotations

from typing import ClassVar

from convcalc.diagnostics import Problem
from convcalc.dims import Demand, Shape
from convcalc.ops._op import Op


class Join(Op):
    """Two operands or more, written as branches or with ``from``."""

    operands: ClassVar[tuple[int, int | None]] = (2, None)

    def same_rank(self, inputs: tuple[Shape, ...]) -> None:
        """Refuse operands of different rank; raises Problem."""
        ranks = [len(x) for x in inputs]
        if len(set(ranks)) > 1:
            told = ", ".join(map(str, ranks))
            message = f"{self.name} joins operands of one rank, these have {told} axes"
            raise Problem("shapes-disagree", message, "bring them to one rank, for example with flatten")


def equal(inputs: tuple[Shape, ...], axes: range | list[int], name: str) -> tuple[Demand, ...]:
    """The operands agree on these axes; the key leads to the operand that does not."""
    first = inputs[0]
    reason = "{right} and {left} differ"
    return tuple(
        Demand(other[axis], "==", first[axis], "shapes-disagree", reason, (index, axis))
        for index, other in enumerate(inputs[1:], 1)
        for axis in axes
    )
