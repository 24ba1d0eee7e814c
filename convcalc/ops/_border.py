"""What padding holds where it is not zeros: copies of positions of the operand."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

from convcalc.dims import Demand, Dim
from convcalc.ops._op import Taps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.ops._window import Window

COPIES = ("reflect", "replicate", "circular")
MODES = ("zeros", *COPIES)

MOST_OUTPUTS = 1 << 12
"""On a longer axis copies are told by the positions beyond the border that they stand at."""


def demands(mode: str, n: Dim, before: Dim, after: Dim) -> Iterator[Demand]:
    """A reflection leaves out the border itself; a circle is gone round once (torch.nn.functional.pad)."""
    if mode == "reflect":
        reason = "{left} positions cannot be reflected: beside the border there are {right}"
        most = n - 1
    elif mode == "circular":
        reason = "{left} positions cannot be taken from the other end: there are {right}"
        most = n
    else:
        return
    for side in (before, after):
        yield Demand(side, "<=", most, "padding-too-large", reason, ("padding",))


def source(position: int, n: int, mode: str) -> int:
    """The position of ``n`` that is copied to one beyond the border."""
    if mode == "circular":
        return position % n
    if mode == "replicate":
        return min(max(position, 0), n - 1)
    return abs(position) if position < n else 2 * (n - 1) - position


def copied(n: int, before: int, after: int, mode: str) -> Taps:
    """The taps of padding: each position of the result is a copy of one."""
    if n + before + after > MOST_OUTPUTS:
        return Taps(1, 1, ((-before, 1, 1),))
    size = n + before + after
    return Taps(size, size, tuple((source(o - before, n, mode), 1, 1) for o in range(size)))


def windowed(w: Window, n: int, mode: str) -> Taps:
    """The taps of windows over a padded axis; those that read copies are told by a progression that holds them all."""
    count = w.count(n)
    if count > MOST_OUTPUTS or w.before == w.after == 0:
        return w.taps(n)
    found = []
    for o in range(count):
        first = o * w.stride - w.before
        read = sorted({source(first + w.dilation * j, n, mode) for j in range(w.kernel)})
        step = gcd(*(position - read[0] for position in read)) or 1
        found.append((read[0], step, (read[-1] - read[0]) // step + 1))
    return Taps(count, count * w.stride, tuple(found))
