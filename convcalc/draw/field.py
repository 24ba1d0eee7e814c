"""A receptive field on its input, as a raster: each cell says how much of it is seen, and where it lies.

Of an input with more than two axes the last two are drawn, seen along the others; a signal is one row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.analysis.masks import trimmed
from convcalc.analysis.regions import count
from convcalc.analysis.view import hull
from convcalc.dims import ceil_div

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from convcalc.analysis.masks import Mask
    from convcalc.analysis.regions import Box
    from convcalc.analysis.view import View

Plane = tuple["Mask", "Mask"]

NEAR = 3
"""Positions around a small field that are drawn with it."""


class Frame(NamedTuple):
    """Which positions are drawn, and how many of them make a cell; of rows, then of columns."""

    first: tuple[int, int]
    shape: tuple[int, int]
    cell: tuple[int, int]
    input: tuple[int, int]

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of the raster."""
        return ceil_div(self.shape[0], self.cell[0]), ceil_div(self.shape[1], self.cell[1])

    def span(self, axis: int, index: int) -> tuple[int, int]:
        """The first position of a cell and the one behind its last."""
        start = self.first[axis] + index * self.cell[axis]
        return start, min(start + self.cell[axis], self.first[axis] + self.shape[axis])

    def inside(self, row: int, column: int) -> bool:
        """Whether the middle of a cell lies in the input."""
        places = (sum(self.span(axis, index)) for axis, index in enumerate((row, column)))
        return all(0 <= place < 2 * size for place, size in zip(places, self.input, strict=True))


class Picture(NamedTuple):
    """The share of each cell that is seen, by rows: in the input as it is, and in the padding by the bare field.

    Of a ``warm`` one, the strength of a gradient, its largest 1.
    """

    frame: Frame
    seen: list[list[float]]
    padding: list[list[float]]
    warm: bool = False


def picture(view: View, most: tuple[int, int], *, aspect: int = 1) -> Picture:
    """The field of a view in at most so many rows and columns; a cell has ``aspect`` times as many rows as columns."""
    sizes = _plane(view.sizes, 1)
    inside = [_flat(tuple(map(trimmed, box))) for box in view.seen.spatial()]
    beyond = [_flat(box) for box in view.field.boxes]
    frame = _frame([*beyond, *inside], sizes, most, aspect)
    return Picture(frame, _shares(inside, frame, sizes), _shares(beyond, frame, None))


def heat(values: list[list[float]], most: tuple[int, int], *, aspect: int = 1) -> Picture:
    """Values of all positions of an input, of a cell the largest."""
    sizes = len(values), len(values[0])
    frame = _frame([], sizes, most, aspect)
    rows, columns = frame.cells
    spans = [[slice(*frame.span(axis, i)) for i in range(n)] for axis, n in enumerate((rows, columns))]
    cells = [[max(max(row[across]) for row in values[down]) for across in spans[1]] for down in spans[0]]
    return Picture(frame, cells, [[0.0] * columns for _ in range(rows)], warm=True)


def _plane(values: tuple[int, ...], one: int) -> tuple[int, int]:
    """The last two entries; in front of a lone one there is one row."""
    return (one, one, *values)[-2:]  # type: ignore[return-value]


def _flat(box: Box[Mask]) -> Plane:
    return ((0, 1), (0, 1), *box)[-2:]  # type: ignore[return-value]


def _frame(boxes: Sequence[Box[Mask]], sizes: tuple[int, int], most: tuple[int, int], aspect: int) -> Frame:
    """The input and the field; or where that is large and the field is small, the field from near by."""
    firsts, shape = hull(boxes) if boxes else ((0, 0), (0, 0))
    stops = [first + size for first, size in zip(firsts, shape, strict=True)]
    low = [min(0, first) for first in firsts]
    high = [max(size, stop) for size, stop in zip(sizes, stops, strict=True)]
    if boxes and not _fits(low, high, most) and _fits(firsts, stops, [n - 2 * NEAR for n in most]):
        for axis in (0, 1):
            wanted = most[axis] if high[axis] - low[axis] <= most[axis] else shape[axis] + 2 * NEAR
            margin = (wanted - shape[axis]) // 2
            low[axis] = max(low[axis], firsts[axis] - margin)
            high[axis] = min(high[axis], stops[axis] + margin)
    extent = [stop - first for first, stop in zip(low, high, strict=True)]
    column = 1
    while (
        ceil_div(extent[1], column) > most[1] or ceil_div(extent[0], column * (aspect if column > 1 else 1)) > most[0]
    ):
        column += 1
    row = column * aspect if column > 1 else 1
    return Frame((low[0], low[1]), (extent[0], extent[1]), (row, column), sizes)


def _fits(low: Iterable[int], high: Iterable[int], most: Iterable[int]) -> bool:
    return all(stop - first <= room for first, stop, room in zip(low, high, most, strict=True))


def _shares(boxes: Sequence[Plane], frame: Frame, sizes: tuple[int, int] | None) -> list[list[float]]:
    """How much of each cell lies in the boxes, or of the part of it that lies within ``sizes``."""
    spans = [[frame.span(axis, index) for index in range(n)] for axis, n in enumerate(frame.cells)]
    sides = [[[_cut(box[axis], *span) for span in spans[axis]] for axis in (0, 1)] for box in boxes]
    rooms = [[_overlap(span, None if sizes is None else sizes[axis]) for span in spans[axis]] for axis in (0, 1)]
    return [
        [_share([(down[i], across[j]) for down, across in sides], tall * wide) for j, wide in enumerate(rooms[1])]
        for i, tall in enumerate(rooms[0])
    ]


def _overlap(span: tuple[int, int], size: int | None) -> int:
    """How many positions of a span lie in 0 .. size - 1."""
    first, stop = span
    return stop - first if size is None else max(min(stop, size) - max(first, 0), 0)


def _cut(mask: Mask, first: int, stop: int) -> int:
    low, bits = mask
    moved = bits >> first - low if first >= low else bits << low - first
    return moved & ((1 << stop - first) - 1)


def _share(boxes: list[tuple[int, int]], room: int) -> float:
    hit = [box for box in boxes if box[0] and box[1]]
    return count(hit) / room if hit and room else 0.0


FINE = 128, 128
"""Cells of a fine picture."""

GLYPHS = {True: "·▒▓█░", False: ".-+#:"}
"""In Unicode and in ASCII: nothing, some, more, all; and the field in the padding."""

SHARES = ((0.0, "not seen"), (0.0, "some of it"), (0.5, "most of it"), (0.995, "seen"))
WARMTH = ((0.0, "less"), (0.01, "from 1 %"), (0.1, "from 10 %"), (0.5, "from 50 % of the largest"))
"""What a glyph stands for: more than this, or at least."""


def in_text(drawn: Picture, *, unicode: bool) -> list[str]:
    """The picture as lines, and what the characters mean."""
    frame = drawn.frame
    *shades, beyond = list(GLYPHS[unicode])
    scale = WARMTH if drawn.warm else SHARES
    rows, columns = frame.cells
    wide = 2 if frame.cell == (1, 1) and 2 * columns <= MOST_COLUMNS else 1
    used: set[str] = set()
    lines = []
    for row in range(rows):
        line = []
        for column in range(columns):
            share = drawn.seen[row][column]
            level = sum(share >= least and share > 0 for least, _ in scale[1:])
            glyph = shades[level]
            if not share and not frame.inside(row, column):
                glyph = beyond if drawn.padding[row][column] else " "
            used.add(glyph)
            line.append(glyph * wide)
        lines.append("".join(line).rstrip())
    meanings = [*zip(reversed(shades), (meaning for _, meaning in reversed(scale)), strict=True)]
    told = [f"{glyph} {meaning}" for glyph, meaning in (*meanings, (beyond, "in the padding")) if glyph in used]
    if max(frame.cell) > 1:
        told.append(f"a character is {frame.cell[0]}x{frame.cell[1]} positions")
    return [*lines, "", "  ".join(told)]


MOST_COLUMNS = 80
"""Characters of a line."""

PIXELS, LETTERS = 640, 92
"""Of the longer side of an SVG picture, and of a line below it."""


EDGE, LINE = 16, 18
SEEN, PADDING, BARE = "#2563eb", "#c9c9c4", "#f1f1ee"
FAINTEST = 0.03
"""So much a cell is coloured at least, however little of it is seen."""


class Part(NamedTuple):
    """A picture, what stands below it, and a circle on it: a row, a column and a radius in positions."""

    drawn: Picture
    notes: Sequence[str] = ()
    circle: tuple[float, float, float] | None = None


def in_svg(title: str, *parts: Part) -> str:
    """Pictures, one below the other, as an SVG document."""
    from textwrap import wrap

    from convcalc.draw.canvas import Canvas

    canvas = Canvas()
    canvas.text(EDGE, EDGE + LINE / 2, title, size=14, anchor="start", font_weight="bold")
    top: float = EDGE + 2 * LINE
    for drawn, notes, circle in parts:
        (upper, left), (rows, columns) = drawn.frame.first, drawn.frame.shape
        scale = PIXELS / max(drawn.frame.shape)
        # Within, a unit is a position of the input; what leaves the frame is cut off.
        canvas.add(
            "svg", "".join(_inner(drawn, scale, circle)), x=EDGE, y=f"{top:.2f}", width=f"{columns * scale:.2f}",
            height=f"{rows * scale:.2f}", viewBox=f"{left} {upper} {columns} {rows}",
        )  # fmt: skip
        top += rows * scale + LINE
        for line in (line for note in notes for line in wrap(note, LETTERS)):
            canvas.text(EDGE, top, line, size=12, anchor="start")
            top += LINE
    return canvas.document(PIXELS + 2 * EDGE, top, title)


def _inner(drawn: Picture, scale: float, circle: tuple[float, float, float] | None) -> Iterator[str]:
    """The input, the field and the circle, in input positions."""
    from convcalc.draw.canvas import element

    def rect(first: Iterable[int], stop: Iterable[int], **style: Any) -> str:
        (upper, left), (lower, right) = first, stop
        return element("rect", x=left, y=upper, width=right - left, height=lower - upper, **style)

    frame = drawn.frame
    yield rect((0, 0), frame.input, fill=BARE)
    for first, stop, share in _rectangles(drawn.padding, frame):
        yield rect(first, stop, fill=PADDING, fill_opacity=share, shape_rendering="crispEdges")
    # What lies in the input is painted over what lies in the padding.
    yield rect((0, 0), frame.input, fill=BARE)
    for first, stop, share in _rectangles(drawn.seen, frame):
        within = [max(low, 0) for low in first], [min(high, size) for high, size in zip(stop, frame.input, strict=True)]
        yield rect(*within, fill=SEEN, fill_opacity=share, shape_rendering="crispEdges")
    yield rect((0, 0), frame.input, fill="none", stroke="#111", stroke_width=f"{1.5 / scale:.4f}")
    if circle:
        row, column, radius = (f"{place:.3f}" for place in (circle[0] + 0.5, circle[1] + 0.5, circle[2]))
        line: dict[str, Any] = {"fill": "none", "stroke": "#dc2626", "stroke_width": f"{2 / scale:.4f}"}
        yield element("circle", cx=column, cy=row, r=radius, **line)


def _rectangles(shares: list[list[float]], frame: Frame) -> Iterator[tuple[tuple[int, int], tuple[int, int], float]]:
    """Cells of one share in a row as the corners of a rectangle, with the share."""
    for row, entries in enumerate(shares):
        upper, lower = frame.span(0, row)
        for first, stop, share in _stretches(entries):
            if share:
                left, right = frame.span(1, first)[0], frame.span(1, stop - 1)[1]
                yield (upper, left), (lower, right), round(max(share, FAINTEST), 3)


def _stretches(entries: list[float]) -> Iterator[tuple[int, int, float]]:
    """Neighbouring cells of one share as (first, stop, share)."""
    start = 0
    for place in range(1, len(entries) + 1):
        if place == len(entries) or entries[place] != entries[start]:
            yield start, place, entries[start]
            start = place
