"""One net as every convention counts it, with the reason for each difference from the MACs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from convcalc.analysis.conventions import by_conventions
from convcalc.report.numbers import grouped
from convcalc.report.summary import heading, title

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convcalc.analysis import Analysis
    from convcalc.analysis.conventions import Counted

HEADER = ("convention", "counted", "over MACs", "where and how")
RIGHT = (False, True, True, False)
KEYS = ("net", "convention", "counted", "op", "layers", "of_these", "over", "why")


def write_conventions(format_: str, analyses: Sequence[Analysis], file: TextIO) -> None:
    """For people a table a net, an item below each convention for all that it counts otherwise than as MACs."""
    if format_ == "json":
        from convcalc.report.document import write_document

        write_document(file, nets=list(map(_net, analyses)))
    elif format_ == "csv":
        import csv

        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(KEYS)
        for analysis in analyses:
            for counted in by_conventions(analysis):
                writer.writerow((title(analysis), counted.name, counted.total, "", "", "", "", counted.source))
                writer.writerows((title(analysis), counted.name, "", *item) for item in counted.items)
    else:
        for place, analysis in enumerate(analyses):
            file.write("\n" if place else "")
            _write(format_, analysis, file)


def _net(analysis: Analysis) -> dict[str, Any]:
    return {
        "name": title(analysis),
        "conventions": {
            counted.name: {
                "source": counted.source,
                "counted": counted.total,
                "items": [item._asdict() for item in counted.items],
            }
            for counted in by_conventions(analysis)
        },
    }


def _write(format_: str, analysis: Analysis, file: TextIO) -> None:
    from convcalc.report.markdown import escaped, write_table
    from convcalc.report.text import write_grid

    found = by_conventions(analysis)
    rows = [row for counted in found for row in _rows(counted)]
    if format_ == "markdown":
        file.write(f"### {escaped(heading(analysis))}\n\n")
        write_table(HEADER, rows, RIGHT, file)
    else:
        file.write(f"{heading(analysis)}\n\n")
        write_grid([list(HEADER), *rows], RIGHT, file)
    file.write("\n")
    for counted in found:
        said = f"{counted.name}: {counted.source}"
        file.write(f"- {escaped(said)}\n" if format_ == "markdown" else f"{said}\n")


def _rows(counted: Counted) -> Iterator[list[str]]:
    """The total, and a row an item; one item stands beside the total."""
    over = sum(item.over for item in counted.items)
    told = [[_signed(item.over), f"{item.layers} {item.op}: {item.why}"] for item in counted.items]
    if len(told) == 1:
        yield [counted.name, grouped(counted.total), *told[0]]
        return
    yield [counted.name, grouped(counted.total), _signed(over) if told else "", ""]
    yield from (["", "", *row] for row in told)


def _signed(n: int) -> str:
    return f"{n:+,}"
