"""Sets of sizes that repeat themselves from some size on, exactly: unions, intersections, neighbours.

A set is two integers whose bits are its members: those below ``start``, and one for each remainder of a period. So
an intersection is an ``and`` of integers, of whatever length.
"""

from __future__ import annotations

from math import lcm
from typing import TYPE_CHECKING

from convcalc.symbolic.periodic import Periodic, primes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST = 1 << 22
"""Where a set must have begun to repeat itself, and the longest period: sizes past it are not looked at."""


class Sizes:
    """The sizes ``n >= 1`` whose bit is set: in ``early`` below ``start``, then in ``cycle`` at ``n % period``.

    Made by ``sizes``, in its shortest form: so equal sets are equal.
    """

    __slots__ = ("cycle", "early", "period", "start")

    def __init__(self, start: int, period: int, early: int, cycle: int) -> None:
        self.start = start
        self.period = period
        self.early = early
        self.cycle = cycle

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sizes) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[int, ...]:
        return self.start, self.period, self.early, self.cycle

    def __contains__(self, n: object) -> bool:
        if not isinstance(n, int) or n < 1:
            return False
        return bool(self.early >> n & 1 if n < self.start else self.cycle >> n % self.period & 1)

    def __and__(self, other: Sizes) -> Sizes:
        start, period = max(self.start, other.start), _common(self, other)
        return sizes(
            start, period, self._until(start) & other._until(start),
            _tiled(self.cycle, self.period, period) & _tiled(other.cycle, other.period, period),
        )  # fmt: skip

    def __or__(self, other: Sizes) -> Sizes:
        start, period = max(self.start, other.start), _common(self, other)
        return sizes(
            start, period, self._until(start) | other._until(start),
            _tiled(self.cycle, self.period, period) | _tiled(other.cycle, other.period, period),
        )  # fmt: skip

    def __le__(self, other: Sizes) -> bool:
        """Whether all members are the other's too."""
        return self & other == self

    def __bool__(self) -> bool:
        return bool(self.early or self.cycle)

    def _until(self, stop: int) -> int:
        """The members below ``stop``, which is no smaller than ``start``."""
        if stop == self.start or not self.cycle:
            return self.early
        late = _tiled(self.cycle, self.period, -(-stop // self.period) * self.period) & ((1 << stop) - 1)
        return self.early | late >> self.start << self.start

    @property
    def is_finite(self) -> bool:
        """Whether there is a largest member."""
        return not self.cycle

    def above(self, n: int) -> int | None:
        """The smallest member that is no smaller than ``n``."""
        n = max(n, 1)
        early = self.early >> n if n < self.start else 0
        if early:
            return n + _lowest(early)
        if not self.cycle:
            return None
        n = max(n, self.start)
        phase = n % self.period
        turned = self.cycle >> phase | self.cycle << self.period - phase
        return n + _lowest(turned)

    def below(self, n: int) -> int | None:
        """The largest member that is no larger than ``n``."""
        if n >= self.start and self.cycle:
            phase = n % self.period
            turned = (self.cycle << self.period | self.cycle) & (1 << self.period + phase + 1) - 1
            found = n - (self.period + phase - (turned.bit_length() - 1))
            if found >= self.start:
                return found if found > 0 else None
        early = self.early & (1 << max(n, 0) + 1) - 1
        return early.bit_length() - 1 if early else None

    def __iter__(self) -> Iterator[int]:
        """The members in order, without end where there is none."""
        n = self.above(1)
        while n is not None:
            yield n
            n = self.above(n + 1)


class TooWide(Exception):
    """A set repeats itself so late that it is not looked at."""


def sizes(start: int, period: int, early: int, cycle: int) -> Sizes:
    """The set in its shortest form; raises TooWide."""
    if max(start, period) > MOST:
        raise TooWide
    for prime in primes(period):
        while period % prime == 0:
            shorter = period // prime
            first = cycle & (1 << shorter) - 1
            if _tiled(first, shorter, period) != cycle:
                break
            period, cycle = shorter, first
    early &= ~1
    if cycle & 1 and not start:
        start = 1
    differing = early ^ _tiled(cycle, period, -(-start // period) * period) & (1 << start) - 1
    start = differing.bit_length()
    return Sizes(start, period, early & (1 << start) - 1, cycle)


EVERY = Sizes(1, 1, 0, 1)
NONE = Sizes(0, 1, 0, 0)


def of(members: Iterable[int]) -> Sizes:
    """A finite set."""
    early = 0
    for n in members:
        early |= 1 << n
    return sizes(early.bit_length(), 1, early, 0)


def where(dim: Periodic | int, relation: str) -> Sizes:
    """The sizes for which the dim is ``>=``, ``<=`` or ``==`` 0; raises TooWide."""
    if isinstance(dim, int):
        return EVERY if (dim >= 0 if relation == ">=" else dim <= 0 if relation == "<=" else dim == 0) else NONE
    if relation == "<=":
        return where(dim * -1, ">=")
    start, period, step = dim.start, dim.period, dim.increment
    early = sum(
        1 << n for n, value in enumerate(dim.values[:start]) if (value >= 0 if relation == ">=" else value == 0)
    )
    cycle = 0
    runs: list[tuple[int, int, int]] = []
    last = 0
    for phase, value in enumerate(dim.values[start:]):
        if not step:
            if value >= 0 if relation == ">=" else value == 0:
                cycle |= 1 << (start + phase) % period
        elif relation == "==":
            times, rest = divmod(-value, step)
            if rest == 0 and times >= 0:
                runs.append((phase, times, times + 1))
                last = max(last, times + 1)
        elif step > 0:
            first = max(0, -(value // step))  # the least k with value + k*step >= 0
            runs.append((phase, first, -1))
            last = max(last, first)
            cycle |= 1 << (start + phase) % period
        elif value >= 0:
            runs.append((phase, 0, value // -step + 1))
            last = max(last, value // -step + 1)
    stop = start + last * period
    if stop > MOST:
        raise TooWide
    for phase, first, beyond in runs:
        count = (last if beyond < 0 else beyond) - first
        early |= _tiled(1, period, count * period) << start + phase + first * period
    return sizes(stop, period, early, cycle)


def _common(one: Sizes, other: Sizes) -> int:
    period = lcm(one.period, other.period)
    if period > MOST:
        raise TooWide
    return period


def _tiled(bits: int, period: int, length: int) -> int:
    """A pattern of ``period`` bits again and again, ``length`` in all: a multiple of the period."""
    while period < length:
        bits |= bits << period
        period *= 2
    return bits & (1 << length) - 1


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1
