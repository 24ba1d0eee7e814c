"""Findings for a terminal, each with an excerpt."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from convcalc.report.findings import print_findings
from convcalc.report.outcome.counts import counted

if TYPE_CHECKING:
    from convcalc.checks.outcome import Outcome


def write(outcome: Outcome, file: TextIO) -> None:
    """Write what a check found, or that it found nothing; what could not be read is not told here."""
    if outcome.findings:
        print_findings(outcome.findings, file)
    elif outcome.files:
        file.write(f"{counted(outcome)}\n")
