"""A text that was read, and places inside it."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """A run of characters on one line; line and column count from 1."""

    line: int
    column: int
    width: int = 1


class Source(NamedTuple):
    """A text and the name it is known by: a path, or ``<stdin>``."""

    path: str
    text: str

    def line(self, number: int) -> str:
        """The text of one line, without its end; lines count from 1."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if number <= len(lines) else ""
