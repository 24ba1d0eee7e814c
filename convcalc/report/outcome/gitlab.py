"""The Code Quality report of GitLab, which shows findings in a merge request.

Source: docs.gitlab.com, Code Quality report format.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, TextIO

from convcalc.report.document import write_data
from convcalc.report.outcome.places import file_of, fingerprints, placed, sentences

if TYPE_CHECKING:
    from convcalc.checks.outcome import Outcome

SEVERITIES = {"error": "major", "warning": "minor", "info": "info"}


def write(outcome: Outcome, file: TextIO) -> None:
    """Write a list with an entry for each file that could not be read and for each finding."""
    entries = [
        _entry("unreadable", "blocker", message, placed(path), 1, sha256(placed(path).encode()).hexdigest())
        for path, message in outcome.unread
    ]
    for finding, mark in fingerprints(outcome.findings):
        line = finding.span.line if finding.span else 1
        told = "; ".join(sentences(finding))
        entries.append(_entry(finding.code, SEVERITIES[finding.severity], told, file_of(finding), line, mark))
    write_data(entries, file)


def _entry(code: str, severity: str, told: str, path: str, line: int, mark: str) -> dict[str, Any]:
    return {
        "description": told,
        "check_name": code,
        "fingerprint": mark,
        "severity": severity,
        "location": {"path": path, "lines": {"begin": line}},
    }
