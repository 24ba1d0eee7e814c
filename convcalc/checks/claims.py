"""What came of a spec's claims, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from convcalc.diagnostics import Diagnostic


class Claims(NamedTuple):
    """What came of a spec's claims; ``not_run`` are parts that only a run can check.

    Of those that hold, ``proved`` hold for every value of ``variables``; for each other one that mentions a variable
    ``at_values`` says why it was checked at the present values alone.
    """

    hold: int = 0
    proved: int = 0
    variables: tuple[str, ...] = ()
    at_values: tuple[str, ...] = ()
    suspended: int = 0
    failed: tuple[Diagnostic, ...] = ()
    not_run: tuple[str, ...] = ()

    def told(self) -> list[str]:
        """The footer of a report: one sentence a line, nothing where there is nothing to say."""
        lines = []
        if self.hold:
            proved = f"; {self.proved} proved for every {', '.join(self.variables)}" if self.proved else ""
            lines.append(f"{self.hold} expectation{'s' * (self.hold != 1)} hold{'s' * (self.hold == 1)}{proved}")
        if self.at_values:
            why = "; ".join(dict.fromkeys(self.at_values))
            lines.append(f"{len(self.at_values)} checked at these values only: {why}")
        if self.failed:
            lines.append(f"{len(self.failed)} not met, see below")
        if self.suspended:
            lines.append(f"{self.suspended} suspended: said of other values of the variables")
        if self.not_run:
            lines.append(f"{' and '.join(self.not_run)}: not run")
        return lines
