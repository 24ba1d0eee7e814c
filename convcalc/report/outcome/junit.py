"""JUnit's XML as Jenkins, GitLab and others read it: a test case for each file, which fails where it has findings.

Source: the schema junit-10.xsd of Jenkins' xUnit plugin.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TextIO
from xml.etree import ElementTree as ET

from convcalc.diagnostics import SEVERITIES
from convcalc.report.findings import rendered
from convcalc.report.outcome.places import placed

if TYPE_CHECKING:
    from convcalc.checks.outcome import Outcome

_ILLEGAL = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, section 2.2, and what its readers change."""


def write(outcome: Outcome, file: TextIO) -> None:
    """Write one suite; findings for information alone fail no case."""
    failed = sum(any(finding.severity != "info" for finding in checked.findings) for checked in outcome.files)
    counts = {
        "tests": str(len(outcome.files) + len(outcome.unread)),
        "failures": str(failed + len(outcome.unread)),
        "errors": "0",
    }
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(suites, "testsuite", {"name": "convcalc", **counts})
    for path, message in outcome.unread:
        _failure(_case(suite, path), message, "unreadable", message)
    for checked in outcome.files:
        case = _case(suite, checked.path)
        wrong = [finding for finding in checked.findings if finding.severity != "info"]
        told = "\n\n".join(map(rendered, checked.findings))
        if wrong:
            worst = min(wrong, key=lambda finding: SEVERITIES.index(finding.severity))
            more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            _failure(case, worst.message + more, worst.code, told)
        elif told:
            ET.SubElement(case, "system-out").text = _legal(told)
    ET.indent(suites)
    file.write('<?xml version="1.0" encoding="utf-8"?>\n')
    file.write(ET.tostring(suites, encoding="unicode") + "\n")


def _case(suite: ET.Element, path: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", {"classname": "convcalc.check", "name": _legal(placed(path))})


def _failure(case: ET.Element, message: str, kind: str, text: str) -> None:
    ET.SubElement(case, "failure", {"message": _legal(message), "type": kind}).text = _legal(text)


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text.replace("\r\n", "\n"))
