"""A net as an SVG picture."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from convcalc.draw.arrangement import arrange
from convcalc.draw.boxes import COLOURS
from convcalc.draw.canvas import Canvas, element, width_of

if TYPE_CHECKING:
    from convcalc.draw.arrangement import Point
    from convcalc.draw.boxes import Box, Picture

LINE = 15
PAD = 8
INK, FAINT = "#26323f", "#6b7785"


def svg(picture: Picture) -> str:
    """Boxes from the top down, shapes on the arrows. Raises Misuse where the library that places them is missing."""
    sizes = [_size(box) for box in picture.boxes]
    placed = arrange(sizes, picture.arrows)
    canvas = Canvas()
    head = element("path", d="M0,0 L8,4 L0,8 z", fill=FAINT)
    frame = {"viewBox": "0 0 8 8", "refX": 8, "refY": 4, "markerWidth": 7, "markerHeight": 7, "orient": "auto"}
    canvas.add("defs", element("marker", head, id="head", **frame))
    for points in placed.arrows:
        canvas.path(points, stroke=FAINT, stroke_width=1.2, marker_end="url(#head)")
    for box, size, middle in zip(picture.boxes, sizes, placed.boxes, strict=True):
        _draw(canvas, box, size, middle)
    leaving = Counter(arrow.source for arrow in picture.arrows)
    for arrow, points in zip(picture.arrows, placed.arrows, strict=True):
        _label(canvas, arrow.shape, points, spread=leaving[arrow.source] > 2)
    return canvas.document(placed.width, placed.height, picture.title)


def _size(box: Box) -> Point:
    words = (box.name, *box.lines)
    return max(60.0, *map(width_of, words)) + 2 * PAD, LINE * len(words) + PAD


def _draw(canvas: Canvas, box: Box, size: Point, middle: Point) -> None:
    (width, height), (x, y) = size, middle
    round_ = 12 if box.kind in ("input", "output") else 3
    canvas.rectangle(x - width / 2, y - height / 2, width, height, rx=round_, fill=COLOURS[box.kind], stroke=INK)
    for number, line in enumerate((box.name, *box.lines)):
        base = y - height / 2 + PAD / 2 + LINE * number + 11
        canvas.text(x, base, line, fill=FAINT if number else INK, font_weight="normal" if number else "600")


def _label(canvas: Canvas, words: str, points: tuple[Point, ...], *, spread: bool) -> None:
    """The shape beside an upright arrow or on a slanting one, with a white edge over the lines behind it.

    It stands where the arrow has left its box, or further away, where many that leave it have spread.
    """
    (x, y), (to_x, to_y) = points[0], points[1]
    part = min(0.6, (19 if spread else LINE) / max(to_y - y, 1))
    upright = abs(to_x - x) < 1
    place = x + (to_x - x) * part + 4 * upright, y + (to_y - y) * part + 3 * (not upright)
    anchor = "start" if upright else "middle"
    canvas.text(*place, words, size=9, anchor=anchor, fill="#fff", stroke="#fff", stroke_width=3)
    canvas.text(*place, words, size=9, anchor=anchor, fill=FAINT)
