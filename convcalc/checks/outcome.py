"""What a check brings to light, as data: ``report`` renders it in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from convcalc.diagnostics import SEVERITIES

if TYPE_CHECKING:
    from convcalc.diagnostics import Diagnostic


class Checked(NamedTuple):
    """One file: what was found, in the order of its text, how many nets it describes, what its comments silenced."""

    path: str
    findings: tuple[Diagnostic, ...]
    nets: int
    ignored: int = 0


class Unread(NamedTuple):
    """What could not be checked at all, and why."""

    path: str
    message: str


class Outcome(NamedTuple):
    """All of a check: the files in a stable order, and what could not be read."""

    files: tuple[Checked, ...]
    unread: tuple[Unread, ...] = ()

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """Of all files, in the order of the files and of their texts."""
        return tuple(finding for file in self.files for finding in file.findings)

    @property
    def worst_first(self) -> tuple[Diagnostic, ...]:
        """The findings by severity, else in the same order."""
        return tuple(sorted(self.findings, key=lambda finding: SEVERITIES.index(finding.severity)))

    @property
    def nets(self) -> int:
        """Nets in all files: each as it stands, and its variants."""
        return sum(file.nets for file in self.files)

    @property
    def exit_code(self) -> int:
        """0 where nothing is wrong, 1 for findings but those for information, 2 where something was unread."""
        if self.unread:
            return 2
        return int(any(finding.severity != "info" for finding in self.findings))
