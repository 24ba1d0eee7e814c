"""Several parts of one tensor."""

from __future__ import annotations

from itertools import accumulate
from math import gcd
from typing import Any

from convcalc.diagnostics import Problem
from convcalc.dims import Demand, Dim, Shape
from convcalc.ops._attributes import Integer, Integers
from convcalc.ops._axes import position
from convcalc.ops._op import FREE, IDENTITY, Cost, Op, Outcome, Taps
from convcalc.ops._window import divisors

MOST = 10_000
"""Parts of a tensor."""


class Split(Op):
    """The operand in parts on one axis, a port for each: ``0``, ``1`` and so on.

    The number of parts does not depend on the operand: ``sections`` sum up to it, ``chunks`` divide it.
    Source: torch.split, torch.chunk.
    """

    also = ("chunk", "unstack", "tensor_split")
    view = True
    selects = True

    sections = Integers[Any](
        "The size of each part.", None, minimum=1, also=("split_size", "split_size_or_sections", "size_splits")
    )
    chunks = Integer[Any](
        "How many parts of one size.", None, minimum=1, also=("num_splits", "num_or_size_splits", "num_outputs")
    )
    dim = Integer[int]("The axis to split: 1 is the channels, 2 the first spatial axis.", 1, also=("axis",))

    def check(self) -> None:
        if self.sections is None and self.chunks is None:
            raise Problem("missing-argument", "split needs sections or chunks", "add chunks: 2")
        if self.sections is not None and self.chunks is not None:
            told = "split is told both sections and chunks"
            raise Problem("contradiction", told, "remove chunks, or sections", ("chunks",))
        if self.chunks is not None and not isinstance(self.chunks, int):
            told = "the number of parts must be known: chunks depends on a free variable"
            raise Problem("wrong-type", told, "write sections: [a, b]", ("chunks",))

        if self.chunks is not None and self.chunks > MOST:
            raise Problem("too-large", f"{self.chunks:,} parts, the most is {MOST:,}", "write sections", ("chunks",))

    @property
    def ports(self) -> tuple[str, ...]:
        return tuple(map(str, range(self.chunks or len(self.sections))))

    def _parts(self, n: Dim) -> tuple[Dim, ...]:
        return (n // self.chunks,) * self.chunks if self.sections is None else tuple(self.sections)

    def infer(self, *inputs: Shape) -> Outcome:
        x = inputs[0]
        axis = position(self.dim, len(x))
        n = x[axis]
        if self.sections is None:
            reason = f"{{left}} of {n} are left over when they are divided into {self.chunks} chunks"
            demand = Demand(n % self.chunks, "==", 0, "indivisible-chunks", reason, ("chunks",))
        else:
            reason = "the sections sum up to {left}, the axis has {right}"
            demand = Demand(sum(self.sections), "==", n, "wrong-sections", reason, ("sections",))
        shapes = tuple((*x[:axis], part, *x[axis + 1 :]) for part in self._parts(n))
        return Outcome(shapes, (demand,))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        n = inputs[0][position(self.dim, len(inputs[0]))]
        if demand.code == "wrong-sections":
            *front, _ = self.sections
            last = n - sum(front)
            return f"write sections: {[*front, last]}" if last >= 1 else f"write sections: [{n}], or other sizes"
        near = sorted(divisors(n), key=lambda d: abs(d - self.chunks))[0]
        parts = [n // self.chunks + 1] * (n % self.chunks) + [n // self.chunks] * (self.chunks - n % self.chunks)
        uneven = f", or sections: {parts} instead" if parts[-1] and len(parts) <= 8 else ""
        return f"write chunks: {near}{uneven}"

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed."""
        return FREE

    def _offsets(self, n: Dim) -> list[Dim]:
        """Where each part begins."""
        return list(accumulate(self._parts(n)[:-1], initial=0))

    def reads(self, port: int, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        x = inputs[0]
        axis = position(self.dim, len(x))
        own = Taps(1, 1, ((self._offsets(x[axis])[port], 1, 1),))
        return (tuple(own if place == axis else IDENTITY for place in range(len(x))),)

    def sized(self, *inputs: Shape) -> bool:
        """In chunks, on a spatial axis."""
        return self.sections is None and position(self.dim, len(inputs[0])) != 0

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        """On the axis that is split, what one of the parts or another reads."""
        x = inputs[0]
        axis = position(self.dim, len(x))
        offsets = self._offsets(x[axis])
        step = gcd(*offsets) or 1
        own = Taps(1, 1, ((0, step, offsets[-1] // step + 1),))
        return (tuple(own if place == axis else IDENTITY for place in range(1, len(x))),)
