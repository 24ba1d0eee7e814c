"""The windows of a layer on its operand, axis by axis, as data and in the terminal."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from convcalc.diagnostics import Misuse
from convcalc.ops._op import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convcalc.analysis import Row
    from convcalc.dims import Shape
    from convcalc.ops._op import Op, Taps

NAMES = ((), ("length",), ("height", "width"), ("depth", "height", "width"), ("time", "depth", "height", "width"))
WIDTH = 72
"""Positions of an axis that a line of text shows."""


class Axis(NamedTuple):
    """One axis: ``size`` positions of the operand, ``outputs`` of the result, and what each of those reads."""

    name: str
    size: int
    outputs: int
    taps: Taps

    def window(self, output: int) -> range:
        """The positions that an output reads, those in the padding included."""
        turn, phase = divmod(output, self.taps.period)
        start, step, count = self.taps.windows[phase]
        first = turn * self.taps.advance + start
        return range(first, first + step * count, step)

    @property
    def before(self) -> int:
        """Positions of padding in front, as far as windows reach."""
        firsts = (self.window(o)[0] for o in range(min(self.outputs, self.taps.period)) if self.window(o))
        return max(0, -min(firsts, default=0))

    @property
    def behind(self) -> int:
        """Positions of padding behind, as far as windows reach."""
        last = range(max(0, self.outputs - self.taps.period), self.outputs)
        return max(0, max((self.window(o)[-1] for o in last if self.window(o)), default=0) - self.size + 1)

    def unread(self) -> list[int]:
        """Positions of the operand that no window reads."""
        read = {at for o in range(self.outputs) for at in self.window(o)}
        return [at for at in range(self.size) if at not in read]


def axes(row: Row, op: Op | None, operand: Shape) -> tuple[Axis, ...]:
    """The spatial axes of a layer with windows; raises Misuse for a layer without."""
    taps = op.taps(operand)[0] if op and op.operands[0] == 1 else None
    if not taps or len(taps) != len(row.shape) - 1:
        raise Misuse(f"{row.name} ({row.op}) has no windows to draw")
    parts = zip(NAMES[len(taps)], operand[1:], row.shape[1:], taps, strict=True)
    return tuple(Axis(*part) for part in parts)


def text(shown: Sequence[Axis]) -> Iterator[str]:
    """A picture for each axis, one for all that are alike."""
    together: dict[Axis, list[str]] = {}
    for axis in shown:
        together.setdefault(axis._replace(name=""), []).append(axis.name)
    for axis, names in together.items():
        yield "\n".join(_lines(axis._replace(name=" and ".join(names))))


def _lines(axis: Axis) -> Iterator[str]:
    """A line of positions, and under it a line for each window, as far as the width goes."""
    before, behind = axis.before, axis.behind
    told = f"{axis.name}: {axis.size} positions"
    if before or behind:
        told += f", padding {before} in front and {behind} behind"
    yield f"{told}; {axis.outputs} windows"
    shown = range(-before, min(axis.size + behind, WIDTH - before))
    yield "  " + "".join(str(at % 10) if 0 <= at < axis.size else "." for at in shown)
    fitting = list(takewhile(lambda o: max(axis.window(o), default=0) <= shown[-1], range(min(axis.outputs, WIDTH))))
    for output in fitting:
        yield "  " + "".join("#" if at in axis.window(output) else " " for at in shown) + f"  {output}"
    if len(fitting) < axis.outputs:
        yield f"  ... {axis.outputs - len(fitting)} windows more"
    unread = axis.unread()
    if unread:
        yield f"  read by no window: {ranges(unread)}"


def ranges(places: Sequence[int]) -> str:
    """``0, 3-5 and 9``."""
    runs: list[list[int]] = []
    for at in places:
        if runs and at == runs[-1][1] + 1:
            runs[-1][1] = at
        else:
            runs.append([at, at])
    told = [str(first) if first == last else f"{first}-{last}" for first, last in runs]
    if len(told) > 8:
        told = [*told[:4], "...", told[-1]]
    return ", ".join(told)


def frames(shown: Sequence[Axis]) -> Iterator[str]:
    """Pictures of the operand, one for each output: ``#`` is read by it, ``.`` padding, ``x`` read by none.

    Raises Misuse for more than two axes and for what is wider than a terminal.
    """
    if len(shown) > 2:
        raise Misuse("windows are shown one by one on one or two axes")
    if max(axis.before + axis.size + axis.behind for axis in shown) > WIDTH // 2:
        raise Misuse(f"more than {WIDTH // 2} positions do not fit: take a smaller input, with --set or --input")
    rows = shown[0] if len(shown) == 2 else Axis("", 1, 1, IDENTITY)
    columns = shown[-1]
    unread = set(rows.unread()), set(columns.unread())
    for row in range(rows.outputs):
        for column in range(columns.outputs):
            yield "\n".join(
                _line(rows, columns, at, (rows.window(row), columns.window(column)), unread) for at in _all(rows)
            )


def _all(axis: Axis) -> range:
    return range(-axis.before, axis.size + axis.behind)


def _line(rows: Axis, columns: Axis, row: int, windows: tuple[range, range], unread: tuple[set[int], set[int]]) -> str:
    cells = []
    for column in _all(columns):
        if row in windows[0] and column in windows[1]:
            cells.append("#")
        elif not (0 <= row < rows.size and 0 <= column < columns.size):
            cells.append(".")
        else:
            cells.append("x" if row in unread[0] or column in unread[1] else "o")
    return "  " + " ".join(cells)
