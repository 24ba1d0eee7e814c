"""Comma-separated values: every layer, exact numbers."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, TextIO

from convcalc.report.columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.analysis import Analysis
    from convcalc.report.lines import Line


def write_csv(analysis: Analysis, lines: Sequence[Line], columns: Sequence[str], file: TextIO) -> None:
    """A header of column names and a row a layer."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([COLUMNS[name].value(line, analysis.totals) for name in columns] for line in lines)
