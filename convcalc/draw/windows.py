"""The windows of a layer on its operand, axis by axis, as data and in the terminal."""

from __future__ import annotations

from itertools import product, takewhile
from typing import TYPE_CHECKING, NamedTuple

from convcalc.diagnostics import Misuse
from convcalc.dims import ceil_div, prod
from convcalc.ops._border import COPIES, source
from convcalc.ops._convolution import Correlating
from convcalc.ops._op import IDENTITY, Taps
from convcalc.ops._pool import Pool
from convcalc.ops.pad import Pad

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convcalc.analysis import Row
    from convcalc.dims import Shape
    from convcalc.ops._op import Op

NAMES = ((), ("length",), ("height", "width"), ("depth", "height", "width"), ("time", "depth", "height", "width"))
WIDTH = 72
"""Positions of an axis that a line of text shows."""
MOST_FRAMES = 1000
"""Windows that are shown one by one."""
LEGEND = "# is read, o is not, x is read by no window, . is padding"


class Axis(NamedTuple):
    """One axis: ``size`` positions of the operand, ``outputs`` of the result, and what each of those reads.

    ``padding`` is what is added in front and behind, holding ``mode``; None where nothing lies beyond the operand.
    """

    name: str
    size: int
    outputs: int
    taps: Taps
    padding: tuple[int, int] | None = None
    mode: str = "zeros"

    def window(self, output: int) -> range:
        """The positions that an output reads, those in the padding included."""
        turn, phase = divmod(output, self.taps.period)
        start, step, count = self.taps.windows[phase]
        first = turn * self.taps.advance + start
        end = first + step * count
        if self.padding is None:
            first, end = first + step * max(0, ceil_div(-first, step)), min(end, self.size)
        return range(first, end, step)

    @property
    def before(self) -> int:
        """Positions of padding in front."""
        return max(0, self.padding[0]) if self.padding else 0

    @property
    def behind(self) -> int:
        """Positions of padding behind, or more where the last window reaches beyond it."""
        last = range(max(0, self.outputs - self.taps.period), self.outputs)
        reached = max((self.window(o)[-1] for o in last if self.window(o)), default=0) - self.size + 1
        return max(0, reached, self.padding[1] if self.padding else 0)

    def unread(self) -> list[int]:
        """Positions of the operand that no window reads, nor a copy of them in the padding."""
        read = {at for o in range(self.outputs) for at in self.window(o)}
        if self.mode in COPIES:
            read = {source(at, self.size, self.mode) for at in read}
        return [at for at in range(self.size) if at not in read]

    def unread_padding(self) -> int:
        """Positions of the padding behind that no window reads."""
        last = max((self.window(o)[-1] for o in range(self.outputs) if self.window(o)), default=-1)
        return self.size + self.behind - max(self.size, last + 1)


POINT = Axis("", 1, 1, IDENTITY)
"""The other axis of a signal's picture."""


def axes(row: Row, op: Op | None, operand: Shape) -> tuple[Axis, ...]:
    """The spatial axes of a layer with windows; raises Misuse for a layer without."""
    taps = op.taps(operand)[0] if op and op.operands[0] == 1 and not op.moves else None
    if op is None or not taps or len(taps) != len(row.shape) - 1:
        raise Misuse(f"{row.name} ({row.op}) has no windows to draw")
    sizes = operand[1:]
    parts = zip(NAMES[len(taps)], sizes, row.shape[1:], _placed(op, taps, sizes), strict=True)
    return tuple(Axis(name, n, outputs, *placed) for name, n, outputs, placed in parts)


def _placed(op: Op, taps: Sequence[Taps], sizes: Shape) -> Iterator[tuple[Taps, tuple[int, int] | None, str]]:
    """On each axis the taps as they lie on the padded operand, the padding, and what it holds."""
    if isinstance(op, (Correlating, Pool)):
        mode = op.padding_mode if isinstance(op, Correlating) else "zeros"
        for n, w in zip(sizes, op.windows(len(sizes)), strict=True):
            yield w.taps(n), w.padding(n), mode
    elif isinstance(op, Pad):
        for pair in op.pairs("padding", len(sizes)):
            yield Taps(1, 1, ((-pair[0], 1, 1),)), pair, op.mode
    else:
        for axis in taps:
            yield axis, None, "zeros"


def text(shown: Sequence[Axis], width: int = WIDTH) -> Iterator[str]:
    """A picture for each axis, one for all that are alike, of at most so many positions."""
    together: dict[Axis, list[str]] = {}
    for axis in shown:
        together.setdefault(axis._replace(name=""), []).append(axis.name)
    for axis, names in together.items():
        yield "\n".join(_lines(axis._replace(name=" and ".join(names)), width))


def _lines(axis: Axis, width: int) -> Iterator[str]:
    """A line of positions, and under it a line for each window, as far as the width goes."""
    before, behind = axis.before, axis.behind
    told = f"{axis.name}: {_counted(axis.size, 'position')}"
    added = max(0, axis.padding[1]) if axis.padding else 0
    if before or added:
        told += f", padding {before} in front and {added} behind"
    if behind > added:
        told += f", and {behind - added} more that the last window reaches"
    yield f"{told}; {_counted(axis.outputs, 'window')}"
    shown = range(-before, min(axis.size + behind, width - before))
    yield "  " + "".join(str(at % 10) if 0 <= at < axis.size else "." for at in shown)
    if axis.mode in COPIES and before + behind:
        copies = (" " if 0 <= at < axis.size else str(source(at, axis.size, axis.mode) % 10) for at in shown)
        yield "  " + "".join(copies) + f"  copies ({axis.mode})"
    fitting = list(takewhile(lambda o: max(axis.window(o), default=0) <= shown[-1], range(min(axis.outputs, width))))
    for output in fitting:
        yield "  " + "".join("#" if at in axis.window(output) else " " for at in shown) + f"  {output}"
    if len(fitting) < axis.outputs:
        yield f"  ... {_counted(axis.outputs - len(fitting), 'window')} more"
    unread = [ranges(axis.unread())] * bool(axis.unread())
    if axis.unread_padding():
        unread.append(f"{axis.unread_padding()} of the padding behind")
    if unread:
        yield f"  read by no window: {' and '.join(unread)}"


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


def ranges(places: Sequence[int]) -> str:
    """``0, 3-5, 9``."""
    told = [str(first) if count == 1 else f"{first}-{first + count - 1}" for first, count in runs(places)]
    if len(told) > 8:
        told = [*told[:4], "...", told[-1]]
    return ", ".join(told)


def runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """First place and length of each run of neighbours."""
    found: list[tuple[int, int]] = []
    for at in places:
        if found and at == sum(found[-1]):
            found[-1] = found[-1][0], found[-1][1] + 1
        else:
            found.append((at, 1))
    return found


def frames(shown: Sequence[Axis]) -> Iterator[str]:
    """Pictures of the operand, one for each output: ``#`` is read by it, ``.`` padding, ``x`` read by none.

    Of more than two axes each is a line of its own. Raises Misuse for what is wider than a terminal, and for more
    windows than anybody waits for.
    """
    if max(axis.before + axis.size + axis.behind for axis in shown) > WIDTH // 2:
        raise Misuse(f"more than {WIDTH // 2} positions do not fit: take a smaller input, with --set or --input")
    check_frames(shown)
    told = panels(shown)
    unread = [(set(rows.unread()), set(columns.unread())) for rows, columns in told]
    for output in product(*(range(axis.outputs) for axis in shown)):
        pictures = []
        for place, ((rows, columns), left_out) in enumerate(zip(told, unread, strict=True)):
            windows, _ = seen(place, shown, output)
            pictures += [
                _line(rows, columns, at, windows, left_out) + f"  {columns.name}" * (len(told) > 1) for at in _all(rows)
            ]
        yield "\n".join(pictures)


def check_frames(shown: Sequence[Axis]) -> None:
    """Raises Misuse for more windows than are shown one by one."""
    if prod(axis.outputs for axis in shown) > MOST_FRAMES:
        raise Misuse(f"more than {MOST_FRAMES:,} windows: take a smaller input, with --set or --input")


def panels(shown: Sequence[Axis]) -> list[tuple[Axis, Axis]]:
    """Rows and columns of the grids that show the operand: one grid of one or two axes, of more a strip for each."""
    return [(shown[0], shown[1])] if len(shown) == 2 else [(POINT, axis) for axis in shown]


def seen(panel: int, shown: Sequence[Axis], output: Sequence[int]) -> tuple[tuple[range, range], tuple[int, int]]:
    """The rows and the columns of a panel that an output reads, and where the output stands beside it."""
    if len(shown) == 2:
        return (shown[0].window(output[0]), shown[1].window(output[1])), (output[0], output[1])
    return (range(1), shown[panel].window(output[panel])), (0, output[panel])


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
