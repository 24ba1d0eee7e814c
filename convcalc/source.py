"""A text that was read, and places inside it."""

from __future__ import annotations

import os
from typing import NamedTuple


class Span(NamedTuple):
    """A run of characters on one line; line and column count from 1."""

    line: int
    column: int
    width: int = 1


class Source(NamedTuple):
    """A text and the name it is known by: a path, perhaps at a git revision (``main:net.yaml``), or ``<stdin>``."""

    path: str
    text: str

    @property
    def file(self) -> str:
        """The name of the file alone, as its variants start with: neither a folder nor a revision."""
        return os.path.basename(self.path).rpartition(":")[2]

    def line(self, number: int) -> str:
        """The text of one line, without its end; lines count from 1."""
        lines = self.text.split("\n")
        return lines[number - 1].rstrip("\r") if number <= len(lines) else ""
