"""What a check found, one module a format."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from convcalc.checks.outcome import Outcome

FORMATS = ("text", "json", "github", "sarif", "junit", "gitlab", "markdown")
"""``text`` is for a terminal, each other one for a program that shows findings its own way."""


def write_outcome(name: str, outcome: Outcome, file: TextIO) -> None:
    """Write an outcome in the format of that name."""
    import_module(f"convcalc.report.outcome.{name}").write(outcome, file)
