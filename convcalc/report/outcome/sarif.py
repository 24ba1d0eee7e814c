"""SARIF 2.1.0, which GitHub code scanning and many editors read.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0; docs.github.com, SARIF support for code scanning.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import quote

from convcalc import __version__
from convcalc.checks.codes import explain, names
from convcalc.report.document import write_data
from convcalc.report.outcome.places import file_of, fingerprints, placed, sentences

if TYPE_CHECKING:
    from convcalc.checks.outcome import Outcome
    from convcalc.diagnostics import Diagnostic
    from convcalc.source import Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def write(outcome: Outcome, file: TextIO) -> None:
    """Write one run: its rules are the codes that were found, what could not be read is a notification."""
    codes = sorted({finding.code for finding in outcome.findings})
    run = {
        "tool": {"driver": {"name": "convcalc", "version": __version__, "rules": _rules(codes)}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": not outcome.unread,
                "exitCode": outcome.exit_code,
                "toolExecutionNotifications": [_unread(path, message) for path, message in outcome.unread],
            }
        ],
        "results": [_result(finding, mark, codes) for finding, mark in fingerprints(outcome.findings)],
    }
    write_data({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, file)


def _rules(codes: list[str]) -> list[dict[str, Any]]:
    explained = {*names()}
    return [_rule(code) if code in explained else {"id": code} for code in codes]


def _rule(code: str) -> dict[str, Any]:
    found = explain(code)
    help_ = {"text": found.text, "markdown": found.text}
    return {"id": code, "shortDescription": {"text": found.summary}, "help": help_}


def _result(finding: Diagnostic, mark: str, codes: list[str]) -> dict[str, Any]:
    path = file_of(finding)
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": LEVELS[finding.severity],
        "message": {"text": "\n".join(sentences(finding, placed_notes=False))},
        "locations": [_location(path, finding.span)] if path else [],
        "partialFingerprints": {"convcalc/v1": mark},
    }
    elsewhere = [(note.message, note.span) for note in finding.notes if note.span and path]
    if elsewhere:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": message}, **_location(path, span)}
            for number, (message, span) in enumerate(elsewhere, 1)
        ]
    return result


def _unread(path: str, message: str) -> dict[str, Any]:
    return {"level": "error", "message": {"text": message}, "locations": [_location(placed(path), None)]}


def _location(path: str, span: Span | None) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(path)}}
    if span:
        line, column, width = span
        place["region"] = {"startLine": line, "startColumn": column, "endLine": line, "endColumn": column + width}
    return {"physicalLocation": place}


def _uri(path: str) -> str:
    """A path as a URI: from the root of the repository, or whole."""
    return ("file://" if os.path.isabs(path) else "") + quote(path)
