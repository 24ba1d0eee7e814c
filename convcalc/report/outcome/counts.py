"""How much was checked, and how much was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convcalc.checks.outcome import Outcome


def counted(outcome: Outcome) -> str:
    """``12 specs, 15 nets: 3 findings``, and how many could not be read."""
    findings = len(outcome.findings)
    checked = f"{_number(len(outcome.files), 'spec')}, {_number(outcome.nets, 'net')}"
    unread = f", {len(outcome.unread)} could not be read" if outcome.unread else ""
    return f"{checked}: {_number(findings, 'finding') if findings else 'no findings'}{unread}"


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
