"""Sets of positions on one axis, as bits of an integer: bit ``i`` is position ``i``.

A set at a concrete size is one such integer. What the outputs of a layer see without regard to borders is an
``Axis``, the sets of its phases; its bits are counted from the first position, which may lie in the padding.
"""

from __future__ import annotations

from functools import reduce
from math import gcd, lcm
from operator import or_
from typing import TYPE_CHECKING, NamedTuple

from convcalc.dims import ceil_div

if TYPE_CHECKING:
    from convcalc.ops._op import Taps

MOST_PHASES = 256
"""Of an axis; with more it is a bound: everything."""

MOST_BITS = 1 << 20
"""From the first to the last position of a set that is kept."""

Mask = tuple[int, int]
"""The first position, and the bits counted from there; of nothing (0, 0)."""

NOTHING: Mask = (0, 0)


class Axis(NamedTuple):
    """Output ``q * period + r`` sees ``masks[r]`` moved by ``q * advance``; of no phase: it sees all of the axis."""

    period: int
    advance: int
    masks: tuple[Mask, ...]

    @property
    def whole(self) -> bool:
        """Whether all positions are seen, however many there are."""
        return not self.masks

    def at(self, output: int) -> Mask:
        """What one output sees, positions in the padding included."""
        turn, phase = divmod(output, self.period)
        low, bits = self.masks[phase]
        return (low + turn * self.advance, bits) if bits else NOTHING

    def hulls(self) -> tuple[tuple[int, int] | None, ...]:
        """The first and the last position of each phase."""
        return tuple((low, low + bits.bit_length() - 1) if bits else None for low, bits in self.masks)

    def moves_with(self, other: Axis) -> bool:
        """Whether both move by the same number of input positions with each output."""
        return self.advance * other.period == other.advance * self.period

    def over(self, period: int) -> tuple[Mask, ...]:
        """The masks of so many phases, a multiple of its own."""
        return self.masks if period == self.period else tuple(self.at(r) for r in range(period))


HERE = Axis(1, 1, ((0, 1),))
WHOLE = Axis(1, 0, ())


def repeated(bits: int, step: int, count: int) -> int:
    """The bits ``count`` times, each ``step`` further on: in as many operations as ``count`` has digits."""
    done = 1
    while done < count:
        more = min(done, count - done)
        bits |= bits << step * more
        done += more
    return bits


def either(one: Mask, other: Mask) -> Mask:
    """The positions of both."""
    if not one[1] or not other[1]:
        return one if one[1] else other
    low = min(one[0], other[0])
    return low, one[1] << one[0] - low | other[1] << other[0] - low


def compose(axis: Axis, taps: Taps) -> Axis | None:
    """What an op with these taps sees through an operand that sees ``axis``; None where that is too much to keep."""
    if axis.whole or taps.advance == 0:
        return WHOLE
    period, advance, masks = axis
    if period == 1 == taps.period:
        ((start, step, count),) = taps.windows
        ((low, bits),) = masks
        if step * advance * count + bits.bit_length() > MOST_BITS:
            return None
        reached = repeated(bits, step * advance, count) if count else 0
        return Axis(1, advance * taps.advance, ((low + start * advance, reached) if reached else NOTHING,))
    repeats = period // gcd(taps.advance, period)
    if taps.period * repeats > MOST_PHASES:
        return None
    longest = max(bits.bit_length() for _, bits in masks)
    if max(step * count for _, step, count in taps.windows) * advance + longest > MOST_BITS:
        return None
    turns = (divmod(phase, taps.period) for phase in range(taps.period * repeats))
    found = tuple(_read(axis, turn * taps.advance, taps.windows[window]) for turn, window in turns)
    return Axis(taps.period * repeats, taps.advance * repeats // period * advance, found)


def _read(axis: Axis, base: int, window: tuple[int, int, int]) -> Mask:
    """The union of what the positions of a window see; those that are alike lie ``apart`` taps from each other."""
    start, step, count = window
    apart = axis.period // gcd(step, axis.period)
    seen = NOTHING
    for tap in range(min(apart, count)):
        low, bits = axis.at(base + start + step * tap)
        if bits:
            alike = (count - 1 - tap) // apart + 1
            seen = either(seen, (low, repeated(bits, step * apart // axis.period * axis.advance, alike)))
    return seen


def common(one: Axis, other: Axis) -> int:
    """The phases of two axes that move together, 0 where they do not or there are too many."""
    if not one.moves_with(other):
        return 0
    period = lcm(one.period, other.period)
    return period if period <= MOST_PHASES else 0


def contains(one: Axis, other: Axis) -> bool:
    """Whether every output sees in ``one`` all that it sees in ``other``, as far as that can be told."""
    if one.whole or one == other:
        return True
    period = 0 if other.whole else common(one, other)
    pairs = zip(one.over(period), other.over(period), strict=True) if period else ()
    return period > 0 and all(_within(large, small) for large, small in pairs)


def _within(large: Mask, small: Mask) -> bool:
    shift = small[0] - large[0]
    return not small[1] or (shift >= 0 and not small[1] << shift & ~large[1])


def merged(one: Axis, other: Axis) -> Axis | None:
    """The union, or None where the two do not move together."""
    if one.whole or other.whole:
        return WHOLE
    period = common(one, other)
    if not period:
        return None
    pairs = zip(one.over(period), other.over(period), strict=True)
    return Axis(period, one.advance * (period // one.period), tuple(either(a, b) for a, b in pairs))


def read_by(outputs: int, taps: Taps, size: int) -> int:
    """The positions below ``size`` that these outputs read."""
    if not outputs or (taps.period == 1 == taps.advance and taps.windows[0] == (0, 1, 1)):
        return outputs & ((1 << size) - 1)
    digits = bin(outputs)[:1:-1]
    found = 0
    for phase, window in enumerate(taps.windows):
        turns = digits[phase :: taps.period]
        if window[2] and "1" in turns:
            found |= _reached(turns if taps.advance else "1", taps.advance, window, size)
    return found


def _reached(turns: str, advance: int, window: tuple[int, int, int], size: int) -> int:
    """The positions below ``size`` in a window at each turn that is 1, ``advance`` further on with each.

    What lies outside is left out before anything of its length is made.
    """
    start, step, count = window
    if advance:
        first = max(ceil_div(-start - step * (count - 1), advance), 0)
        turns = turns[first : max((size - 1 - start) // advance + 1, 0)]
        start += first * advance
    if "1" not in turns:
        return 0
    skipped = max((-start - (len(turns) - 1) * advance) // step, 0)
    start += skipped * step
    count = min(count - skipped, (size - 1 - start) // step + 1)
    if len(turns) > 1 and advance >= size:
        places = [place for place, digit in enumerate(turns) if digit == "1"]
        return reduce(or_, [_reached("1", 0, (start + place * advance, step, count), size) for place in places])
    if count > 1 and step >= size:
        return reduce(or_, [_reached(turns, advance, (start + tap * step, 1, 1), size) for tap in range(count)])
    if count < 1:
        return 0
    base = int(("0" * (advance - 1)).join(turns[::-1]), 2) if len(turns) > 1 else 1
    reached = repeated(base, step, count)
    return (reached << start if start >= 0 else reached >> -start) & ((1 << size) - 1)


def trimmed(bits: int) -> Mask:
    """A set at a concrete size as one that is counted from its first position."""
    low = (bits & -bits).bit_length() - 1
    return (low, bits >> low) if bits else NOTHING


def clipped(mask: Mask, size: int) -> int:
    """The set without what lies before 0, and from ``size`` on."""
    low, bits = mask
    return (bits << low if low >= 0 else bits >> -low) & ((1 << size) - 1)


def ranges(mask: Mask) -> list[tuple[int, int]]:
    """A set as (first, last) of its stretches."""
    low, bits = mask
    digits = bin(bits)[:1:-1]
    found, place = [], 0
    while (place := digits.find("1", place)) >= 0:
        stop = digits.find("0", place)
        stop = len(digits) if stop < 0 else stop
        found.append((low + place, low + stop - 1))
        place = stop
    return found
