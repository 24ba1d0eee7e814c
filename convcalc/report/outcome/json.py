"""Findings for programs: docs/continuous-integration.md describes the fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from convcalc.report.document import write_document
from convcalc.report.outcome.places import placed

if TYPE_CHECKING:
    from convcalc.checks.outcome import Checked, Outcome
    from convcalc.diagnostics import Diagnostic
    from convcalc.source import Span


def write(outcome: Outcome, file: TextIO) -> None:
    """Write every file with its findings, and what could not be read."""
    write_document(
        file,
        exit_code=outcome.exit_code,
        files=[_file(checked) for checked in outcome.files],
        unread=[{"path": placed(path), "message": message} for path, message in outcome.unread],
    )


def _file(checked: Checked) -> dict[str, Any]:
    return {
        "path": placed(checked.path),
        "nets": checked.nets,
        "ignored": checked.ignored,
        "findings": [_finding(finding) for finding in checked.findings],
    }


def _finding(finding: Diagnostic) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "fix": finding.fix,
        **_place(finding.span),
        "variants": finding.variants,
        "notes": [{"message": note.message, **_place(note.span)} for note in finding.notes],
    }


def _place(span: Span | None) -> dict[str, int | None]:
    line, column, width = span or (None, None, None)
    return {"line": line, "column": column, "width": width}
