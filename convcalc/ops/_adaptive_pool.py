"""What adaptive max and average pooling share."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any

from convcalc.dims import Dim, Free, Shape, ceil_div, prod, undecided
from convcalc.ops._attributes import PerAxisOrKeep
from convcalc.ops._op import IDENTITY, Op, Outcome, Taps, phases, whole
from convcalc.ops._window import divisors

if TYPE_CHECKING:
    from collections.abc import Iterator


class AdaptivePool(Op):
    """``output_size`` bins: bin ``i`` of ``o`` over ``n`` positions is ``floor(i*n/o) .. ceil((i+1)*n/o) - 1``."""

    spatial = (1, 4)

    output_size = PerAxisOrKeep[Any](
        "Size of the result: an integer, or a list with an integer or null (keep the size) for each spatial axis.",
        minimum=1,
        also=("output_shape", "size"),
    )

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        goals = self.per_axis("output_size", len(sizes))
        return Outcome(((channels, *(n if o is None else o for n, o in zip(sizes, goals, strict=True))),))

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        sizes = inputs[0][1:]
        goals = self.per_axis("output_size", len(sizes))
        return (tuple(map(_bins, sizes, goals)),)

    def sized(self, *inputs: Shape) -> bool:
        """Bins are shares of the size."""
        return any(goal is not None and goal != 1 for goal in self.per_axis("output_size", len(inputs[0]) - 1))

    def read_in_all(self, inputs: tuple[Shape, ...]) -> Dim:
        """Positions of all bins: those in several bins count once for each; raises Problem where that has no form."""
        channels, *sizes = inputs[0]
        return channels * prod(_shares(sizes, self.per_axis("output_size", len(sizes))))


def _shares(sizes: list[Dim], goals: tuple[Any, ...]) -> Iterator[Dim]:
    for n, o in zip(sizes, goals, strict=True):
        if o is None:
            yield n
        elif isinstance(n, int) and isinstance(o, int):
            shared = gcd(n, o)  # so often the bins repeat
            yield shared * sum(ceil_div((i + 1) * n, o) - i * n // o for i in range(phases(o // shared)))
        else:  # two bins that meet share a position, unless their border lies between positions
            yield n + o - common(n, o)


def common(n: Dim, o: Dim) -> Dim:
    """The greatest common divisor of a free dim and an int, in floors; raises Problem for that of two free dims.

    It is the sum of ``phi(d)`` over the common divisors ``d`` (Graham, Knuth, Patashnik, Concrete Mathematics, equation
    4.54), and ``n`` is divided by ``d`` where ``n//d - (n-1)//d`` is 1.
    """
    if isinstance(o, Free):
        n, o = o, n
    if isinstance(o, Free):
        raise undecided(f"the greatest common divisor of {n} and {o}")
    phi: dict[int, int] = {}
    for divisor in divisors(o):
        phi[divisor] = divisor - sum(less for other, less in phi.items() if divisor % other == 0)
    return sum(count * (n // divisor - (n - 1) // divisor) for divisor, count in phi.items())


def _bins(n: int, goal: int | None) -> Taps:
    """The bins; they repeat where their bounds are whole."""
    if goal is None:
        return IDENTITY
    if goal == 1:
        return whole(n)
    period, advance = phases(goal // gcd(n, goal)), n // gcd(n, goal)
    bounds = ((i * n // goal, ceil_div((i + 1) * n, goal)) for i in range(period))
    return Taps(period, advance, tuple((start, 1, end - start) for start, end in bounds))
