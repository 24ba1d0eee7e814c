"""Windows that lie on padding alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.checks.lints._net import Remark
from convcalc.ops._window import Windowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.checks.lints._net import Net
    from convcalc.ops._op import Taps


def look(net: Net) -> Iterator[Remark]:
    """Convolutions and pools with padding whose first or last window holds no position of the operand, on some axis."""
    for place, _, op in net.ops():
        x = net.operands(place)[0]
        if not isinstance(op, Windowed) or not any(w.before or w.after for w in op.windows(len(x) - 1)):
            continue
        (taps,) = op.taps(x)
        if any(map(_leaves, taps or (), x[1:], net.result(place)[1:])):
            told = f"windows of {net.title(place)} lie on padding alone: what they give tells nothing of the input"
            yield Remark(place, told, "lower the padding until each window holds a position of the input", ("padding",))


def _leaves(taps: Taps, n: int, count: int) -> bool:
    """Whether output 0 or the last of ``count`` reads none of ``n`` positions; gaps between strided ones are fine."""
    if taps.period > 1:
        return False
    ((start, step, width),) = taps.windows
    if step < 0:
        start, step = start + step * (width - 1), -step
    for first in (start, start + (count - 1) * taps.advance):
        tap = max(0, -(first // step))  # the first one at or behind position 0
        if tap >= width or first + step * tap >= n:
            return True
    return False
