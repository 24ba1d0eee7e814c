"""The windows of a layer as an SVG picture: the operand's cells, the window on them, the result's cells."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Misuse
from convcalc.dims import ceil_div
from convcalc.draw.canvas import Canvas, element, width_of
from convcalc.draw.windows import check_frames, panels, runs, seen
from convcalc.ops._border import COPIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convcalc.draw.windows import Axis

MARGIN = 24
TOP = 42
"""Below the title."""
SIDES, ROOM = (3, 18), 640
"""The smallest and the largest side of a cell, and the room that many cells share."""
MOST_CELLS = 300
"""Positions of an axis, padding included, that are drawn."""
SECONDS = 0.4
"""That an animation rests on a window."""
INPUT, PADDING, UNREAD, RESULT, EDGE = "#e8eef7", "#ffffff", "#d9d9d9", "#eef3e2", "#8a97a6"
WINDOW, NEXT = "#f2a65a", "#a8530f"
FAINT = "#6b7785"


class Panel(NamedTuple):
    """The operand's cells on two axes, the result's beside them; ``top`` in cells, which are ``side`` wide."""

    rows: Axis
    columns: Axis
    top: int
    side: int

    def at(self, row: int, column: int) -> tuple[float, float]:
        """The corner of a cell, counted from the first one of the padding; the result's stand behind a gap of two."""
        return MARGIN + self.side * column, TOP + self.side * (self.top + row)

    def draw(self, canvas: Canvas) -> None:
        """All cells: those of the padding with dashed edges, those that no window reads in grey."""
        rows, columns, side = self.rows, self.columns, self.side
        self._grid(canvas, (0, 0), (_cells(rows), _cells(columns)), PADDING, dashed=True)
        canvas.rectangle(*self.at(rows.before, columns.before), side * columns.size, side * rows.size, fill=INPUT)
        for first, count in runs(rows.unread()):
            corner = self.at(rows.before + first, columns.before)
            canvas.rectangle(*corner, side * columns.size, side * count, fill=UNREAD)
        for first, count in runs(columns.unread()):
            corner = self.at(rows.before, columns.before + first)
            canvas.rectangle(*corner, side * count, side * rows.size, fill=UNREAD)
        self._grid(canvas, (rows.before, columns.before), (rows.size, columns.size), "none")
        self._grid(canvas, (0, _cells(columns) + 2), (rows.outputs, columns.outputs), RESULT)

    def _grid(
        self, canvas: Canvas, first: tuple[int, int], cells: tuple[int, int], fill: str, *, dashed: bool = False
    ) -> None:
        (x, y), height, width = self.at(*first), self.side * cells[0], self.side * cells[1]
        lines = [f"M{x:g},{y + self.side * row:g}h{width}" for row in range(cells[0] + 1)]
        lines += [f"M{x + self.side * column:g},{y:g}v{height}" for column in range(cells[1] + 1)]
        dashes = {"stroke_dasharray": "3 2"} if dashed else {}
        canvas.rectangle(x, y, width, height, fill=fill)
        canvas.add("path", d="".join(lines), stroke=EDGE, stroke_width=self.line, **dashes)

    @property
    def line(self) -> float:
        """The width of an edge, thinner around small cells."""
        return min(1, self.side / 10)

    def marks(self, windows: tuple[range, range], output: tuple[int, int]) -> Iterator[str]:
        """The cells that an output reads, and the output."""
        style: dict[str, Any] = {
            "width": self.side, "height": self.side, "fill": WINDOW, "stroke": EDGE, "stroke_width": self.line,
        }  # fmt: skip
        for row, column in product(*windows):
            x, y = self.at(self.rows.before + row, self.columns.before + column)
            yield element("rect", x=x, y=y, fill_opacity=0.75, **style)
        x, y = self.at(output[0], _cells(self.columns) + 2 + output[1])
        yield element("rect", x=x, y=y, **style)

    def outline(self, canvas: Canvas, windows: tuple[range, range], output: tuple[int, int]) -> None:
        """From the first to the last cell that an output reads, and the output."""
        rows, columns = windows
        style: dict[str, Any] = {"fill": "none", "stroke": NEXT, "stroke_width": 2 * self.line}
        if rows and columns:
            height, width = self.side * (rows[-1] + 1 - rows[0]), self.side * (columns[-1] + 1 - columns[0])
            canvas.rectangle(
                *self.at(self.rows.before + rows[0], self.columns.before + columns[0]), width, height, **style
            )
        canvas.rectangle(*self.at(output[0], _cells(self.columns) + 2 + output[1]), self.side, self.side, **style)


def svg(title: str, axes: Sequence[Axis], *, animate: bool = False) -> str:
    """One or two axes as a grid, of more each as a strip; the first window on it, or every window in turn.

    Raises Misuse for more cells, or windows in turn, than a picture can show.
    """
    most = max(max(_cells(axis), axis.outputs) for axis in axes)
    if most > MOST_CELLS:
        raise Misuse(f"more than {MOST_CELLS} cells on an axis: take a smaller input, with --set or --input")
    if animate:
        check_frames(axes)
    side = min(max(ROOM // most, SIDES[0]), SIDES[1])
    canvas = Canvas()
    canvas.text(MARGIN, MARGIN, title, size=12, anchor="start", font_weight="600")
    shown: list[Panel] = []
    top, label = 0, ceil_div(16, side)
    for rows, columns in panels(axes):
        if len(axes) > 2:
            top += label
            canvas.text(MARGIN, TOP + side * top - 4, columns.name, size=10, anchor="start", fill=FAINT)
        shown.append(Panel(rows, columns, top, side))
        shown[-1].draw(canvas)
        top += max(_cells(rows), rows.outputs) + 1
    outputs = list(product(*(range(axis.outputs) for axis in axes)))
    for number, output in enumerate(outputs if animate else outputs[:1]):
        change = _shown(number, len(outputs)) if animate else ""
        marks = (mark for place, panel in enumerate(shown) for mark in panel.marks(*seen(place, axes, output)))
        canvas.add("g", change + "".join(marks))
    following = tuple(min(1, axis.outputs - 1) for axis in axes)
    if not animate and any(following):
        for place, panel in enumerate(shown):
            panel.outline(canvas, *seen(place, axes, following))
    bottom = TOP + side * (top - 1) + MARGIN
    words = _legend(axes, following=not animate and any(following))
    canvas.text(MARGIN, bottom, words, size=10, anchor="start", fill=FAINT)
    right = max(panel.at(0, _cells(panel.columns) + 2 + panel.columns.outputs)[0] for panel in shown)
    width = max(right, MARGIN + width_of(title, 12), MARGIN + width_of(words, 10)) + MARGIN
    return canvas.document(width, bottom + MARGIN, title)


def _cells(axis: Axis) -> int:
    """Positions of an axis with its padding."""
    return axis.before + axis.size + axis.behind


def _legend(axes: Sequence[Axis], *, following: bool) -> str:
    """What stands in the picture, in words."""
    words = ["orange: one output and what it reads" + ", outlined: the next on every axis" * following]
    if any(axis.before or axis.behind for axis in axes):
        words.append("dashed: padding" + "".join(f", {axis.mode}" for axis in axes[:1] if axis.mode in COPIES))
    if any(axis.unread() for axis in axes):
        words.append("grey: read by no window")
    return "; ".join(words)


def _shown(number: int, count: int) -> str:
    """Visible in its turn alone, over and over."""
    times = [0.0, number / count, (number + 1) / count]
    values = ["hidden", "visible", "hidden"]
    if number == 0:
        times, values = times[1:], values[1:]
    if number == count - 1:
        times, values = times[:-1], values[:-1]
    return element(
        "animate", attributeName="visibility", values=";".join(values), keyTimes=";".join(f"{t:.6g}" for t in times),
        dur=f"{count * SECONDS:.6g}s", calcMode="discrete", repeatCount="indefinite",
    )  # fmt: skip
