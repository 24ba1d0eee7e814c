"""The windows of a layer as an SVG picture: the operand's cells, the window on them, the result's cells."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import Misuse
from convcalc.draw.canvas import Canvas, element, width_of
from convcalc.draw.windows import Axis
from convcalc.ops._op import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CELL = 18
MARGIN = 24
MOST_CELLS = 48
"""Positions of an axis, padding included, that are drawn."""
MOST_FRAMES = 400
SECONDS = 0.4
"""That an animation rests on a window."""
INPUT, PADDING, UNREAD, WINDOW, RESULT, EDGE = "#e8eef7", "#ffffff", "#d9d9d9", "#f2a65a", "#eef3e2", "#8a97a6"


def svg(title: str, axes: Sequence[Axis], *, animate: bool = False) -> str:
    """One or two axes as a grid, the first window on it, or every window in turn.

    Raises Misuse for more axes, and for more cells than a picture can show.
    """
    if len(axes) > 2:
        raise Misuse("cells are drawn for one or two axes: without -o every axis is told in text")
    rows, columns = (axes[0], axes[1]) if len(axes) == 2 else (Axis("", 1, 1, IDENTITY), axes[0])
    if max(len(cells(axis)) for axis in (rows, columns)) > MOST_CELLS:
        raise Misuse(f"more than {MOST_CELLS} cells on an axis: take a smaller input, with --set or --input")
    outputs = list(product(range(rows.outputs), range(columns.outputs)))
    if animate and len(outputs) > MOST_FRAMES:
        raise Misuse(f"more than {MOST_FRAMES} windows: take a smaller input, with --set or --input")
    canvas = Canvas()
    top = MARGIN + CELL
    right = MARGIN + CELL * len(cells(columns)) + 2 * CELL
    canvas.text(MARGIN, MARGIN, title, size=12, anchor="start", font_weight="600")
    for style, (row, column) in _operand(rows, columns):
        x, y = MARGIN + CELL * (column + columns.before), top + CELL * (row + rows.before)
        canvas.rectangle(x, y, CELL, CELL, **style)
    for row, column in outputs:
        canvas.rectangle(right + CELL * column, top + CELL * row, CELL, CELL, fill=RESULT, stroke=EDGE)
    for number, output in enumerate(outputs if animate else outputs[:1]):
        marks = "".join(_marks(rows, columns, output, top, right))
        change = _shown(number, len(outputs)) if animate else ""
        canvas.add("g", change + marks)
    bottom = top + CELL * max(len(cells(rows)), rows.outputs) + MARGIN
    words = "dashed: padding; grey: read by no window"
    canvas.text(MARGIN, bottom, words, size=10, anchor="start", fill="#6b7785")
    width = max(right + CELL * columns.outputs, MARGIN + width_of(title, 12), MARGIN + width_of(words, 10)) + MARGIN
    return canvas.document(width, bottom + MARGIN, title)


def cells(axis: Axis) -> range:
    """The positions of an axis with the padding that windows reach."""
    return range(-axis.before, axis.size + axis.behind)


def _operand(rows: Axis, columns: Axis) -> Iterator[tuple[dict[str, Any], tuple[int, int]]]:
    """Every cell of the operand and its padding, with its style; padding first, so that its dashes lie behind."""
    unread = set(rows.unread()), set(columns.unread())
    inner = []
    for row, column in product(cells(rows), cells(columns)):
        if 0 <= row < rows.size and 0 <= column < columns.size:
            fill = UNREAD if row in unread[0] or column in unread[1] else INPUT
            inner.append(({"fill": fill, "stroke": EDGE}, (row, column)))
        else:
            yield {"fill": PADDING, "stroke": EDGE, "stroke_dasharray": "3 2"}, (row, column)
    yield from inner


def _marks(rows: Axis, columns: Axis, output: tuple[int, int], top: float, right: float) -> Iterator[str]:
    """The cells that an output reads, and the output."""
    size: dict[str, Any] = {"width": CELL, "height": CELL, "fill": WINDOW, "stroke": EDGE}
    for row, column in product(rows.window(output[0]), columns.window(output[1])):
        x, y = MARGIN + CELL * (column + columns.before), top + CELL * (row + rows.before)
        yield element("rect", x=x, y=y, fill_opacity=0.75, **size)
    yield element("rect", x=right + CELL * output[1], y=top + CELL * output[0], **size)


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
