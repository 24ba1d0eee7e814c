"""Findings as Markdown: the summary of a job, or a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from convcalc.report.markdown import code, escaped, write_rows
from convcalc.report.outcome.counts import counted
from convcalc.report.outcome.places import file_of, placed, sentences

if TYPE_CHECKING:
    from convcalc.checks.outcome import Outcome
    from convcalc.diagnostics import Diagnostic

MOST = 100
"""A comment on GitHub has 65,536 characters: findings after these are counted only."""

LONGEST = 400
"""Characters of a cell."""


def write(outcome: Outcome, file: TextIO) -> None:
    """Write how many findings there are, and a row for each, the worst first."""
    file.write(f"### convcalc check\n\n{counted(outcome)}\n")
    rows = [["unread", code(placed(path)), "", _cell([message])] for path, message in outcome.unread]
    for finding in outcome.worst_first:
        rows.append([finding.severity, code(_where(finding)), code(finding.code), _cell(sentences(finding))])
    if rows:
        file.write("\n")
        write_rows(["", "where", "code", "finding"], rows[:MOST], [False] * 4, file)
    if len(rows) > MOST:
        file.write(f"\nand {len(rows) - MOST} more\n")


def _where(finding: Diagnostic) -> str:
    return file_of(finding) + (f":{finding.span.line}:{finding.span.column}" if finding.span else "")


def _cell(lines: list[str]) -> str:
    return "<br>".join(escaped(line if len(line) <= LONGEST else f"{line[:LONGEST]} ...") for line in lines)
