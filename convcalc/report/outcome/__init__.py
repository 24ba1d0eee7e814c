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
    if name == "text":
        from convcalc.report.findings import print_outcome

        print_outcome(outcome, file)
    else:
        import_module(f"convcalc.report.outcome.{name}").write(outcome, file)


def counted(outcome: Outcome) -> str:
    """``12 specs, 15 nets: 3 findings``, and how many could not be read."""
    findings = len(outcome.findings)
    checked = f"{_number(len(outcome.files), 'spec')}, {_number(outcome.nets, 'net')}"
    unread = f", {len(outcome.unread)} could not be read" if outcome.unread else ""
    return f"{checked}: {_number(findings, 'finding') if findings else 'no findings'}{unread}"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
