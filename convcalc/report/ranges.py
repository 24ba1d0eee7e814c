"""For which values of a variable a net keeps to bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from convcalc.report.document import write_document
from convcalc.report.numbers import grouped
from convcalc.symbolic.wording import condition, runs

if TYPE_CHECKING:
    from convcalc.checks.ranges import Kept


def write_kept(kept: Kept, format_: str, file: TextIO) -> None:
    """The set, and the metrics on both sides of its ends."""
    if format_ == "json":
        write_document(
            file, variable=kept.variable, range=[kept.first, kept.last],
            values=runs(kept.values.early), metrics=kept.metrics,
        )  # fmt: skip
        return
    file.write(f"{condition(kept.variable, kept.values)}, of {kept.first}..{kept.last}\n")
    for value, metrics in kept.metrics.items():
        told = ", ".join(f"{name} {grouped(n) if isinstance(n, int) else n}" for name, n in metrics.items())
        file.write(f"{kept.variable}={value}: {told}{'' if value in kept.values else ' (not wanted)'}\n")
