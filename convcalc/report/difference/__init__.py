"""What differs between two nets as text, one module a format."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from convcalc.report.difference.compared import Compared

FORMATS = ("text", "markdown", "json")


def write_difference(name: str, compared: Compared, file: TextIO) -> None:
    """Write a difference in the format of that name."""
    import_module(f"convcalc.report.difference.{name}").write(compared, file)
