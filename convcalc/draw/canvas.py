"""An SVG picture, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterable

FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
GLYPH = 0.62
"""Width of a character, at most, in font sizes; what text measures depends on who shows it."""


class Canvas:
    """Elements in user units, from back to front; (0, 0) is at the top left."""

    def __init__(self) -> None:
        self._elements: list[str] = []

    def add(self, tag: str, content: str = "", **attributes: Any) -> None:
        """An element; ``stroke_width`` is the attribute ``stroke-width``, ``content`` already SVG."""
        self._elements.append(element(tag, content, **attributes))

    def rectangle(self, x: float, y: float, width: float, height: float, **style: Any) -> None:
        """An upright rectangle by its top left corner."""
        self.add("rect", x=_short(x), y=_short(y), width=_short(width), height=_short(height), **style)

    def path(self, points: Iterable[tuple[float, float]], **style: Any) -> None:
        """A line through points."""
        told = " ".join(f"{_short(x)},{_short(y)}" for x, y in points)
        self.add("polyline", points=told, fill="none", **style)

    def text(self, x: float, y: float, words: str, *, size: float = 11, anchor: str = "middle", **style: Any) -> None:
        """A line of text whose base line begins, ends or has its middle at a point."""
        self.add("text", escape(words), x=_short(x), y=_short(y), font_size=size, text_anchor=anchor, **style)

    def document(self, width: float, height: float, title: str) -> str:
        """The whole picture as a file's text, on white."""
        size = f'width="{_short(width)}" height="{_short(height)}" viewBox="0 0 {_short(width)} {_short(height)}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family={quoteattr(FONT)}>'
        back = f"<title>{escape(title)}</title>\n" + element("rect", width="100%", height="100%", fill="#fff")
        return "\n".join([head, back, *self._elements, "</svg>\n"])


def element(tag: str, content: str = "", **attributes: Any) -> str:
    """One element of SVG."""
    told = "".join(f" {name.replace('_', '-')}={quoteattr(str(value))}" for name, value in attributes.items())
    return f"<{tag}{told}>{content}</{tag}>" if content else f"<{tag}{told}/>"


def width_of(words: str, size: float = 11) -> float:
    """The room that a line of text needs."""
    return len(words) * size * GLYPH


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
