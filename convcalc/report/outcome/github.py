"""Workflow commands of GitHub Actions: each finding becomes an annotation at its line.

Source: docs.github.com, workflow commands for GitHub Actions. The worst come first, for GitHub shows ten annotations
of each kind a step.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

from convcalc.report.outcome import markdown
from convcalc.report.outcome.counts import counted
from convcalc.report.outcome.places import file_of, placed, sentences

if TYPE_CHECKING:
    from convcalc.checks.outcome import Outcome
    from convcalc.diagnostics import Diagnostic

COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def write(outcome: Outcome, file: TextIO) -> None:
    """Write a command for each file that could not be read and for each finding, then how many there are."""
    for path, message in outcome.unread:
        file.write(_command("error", {"file": placed(path), "title": "unreadable"}, [message]))
    for finding in outcome.worst_first:
        file.write(_command(COMMANDS[finding.severity], _where(finding), sentences(finding)))
    file.write(f"{counted(outcome)}\n")


def add_summary(outcome: Outcome) -> None:
    """Append the findings as Markdown to the summary of the job, where there is one; raises OSError."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            markdown.write(outcome, file)


def _where(finding: Diagnostic) -> dict[str, str]:
    where = {"file": file_of(finding)}
    if finding.span:
        line, column, width = finding.span
        where |= {"line": str(line), "col": str(column), "endColumn": str(column + width)}
    return {**where, "title": finding.code}


def _command(name: str, properties: dict[str, str], lines: list[str]) -> str:
    told = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
    return f"::{name} {told}::{_data(chr(10).join(lines))}\n"


def _data(text: str) -> str:
    seen = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    return seen.replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
