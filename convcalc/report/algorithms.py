"""What each algorithm for convolution would perform, layer by layer, the smallest marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TextIO

from convcalc.analysis.algorithms import ALGORITHMS, FALLBACK, Work, layers
from convcalc.report.numbers import grouped, short, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from convcalc.analysis import Analysis
    from convcalc.analysis.algorithms import Layer

MARK = "*"


class Measure(NamedTuple):
    """A table: what it shows, and what its last row says of all layers."""

    title: str
    value: Callable[[Work], int]
    text: Callable[[int], str]
    last: str
    total: Callable[[Sequence[int]], int]


MEASURES = (
    Measure("multiplications", lambda work: work.multiplications, short, "total", sum),
    Measure("additions", lambda work: work.additions, short, "total", sum),
    Measure("workspace", lambda work: work.workspace, size, "largest", lambda values: max(values, default=0)),
)


def write_algorithms(format_: str, analyses: Sequence[Analysis], file: TextIO) -> None:
    """For people three tables a net, layers that are alike in one row; for programs a record a layer and algorithm."""
    if format_ == "json":
        import json

        json.dump([record for analysis in analyses for record in _records(analysis)], file, indent=2)
        file.write("\n")
    elif format_ == "csv":
        import csv

        records = [record for analysis in analyses for record in _records(analysis)]
        writer = csv.DictWriter(file, ("net", "layer", "op", "algorithm", *Work._fields), lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
    else:
        for analysis in analyses:
            _write(format_, analysis, file)


def _records(analysis: Analysis) -> Iterator[dict[str, object]]:
    from convcalc.report.summary import title

    for layer in layers(analysis):
        for name, work in layer.work.items():
            yield {"net": title(analysis), "layer": layer.name, "op": layer.op, "algorithm": name, **work._asdict()}


def _write(format_: str, analysis: Analysis, file: TextIO) -> None:
    from convcalc.report.markdown import escaped, write_table
    from convcalc.report.summary import heading
    from convcalc.report.text import write_fitted

    alike: dict[object, list[Layer]] = {}
    for layer in layers(analysis):
        alike.setdefault(layer.alike, []).append(layer)
    rows = list(alike.values())
    markdown = format_ == "markdown"
    file.write(f"### {escaped(heading(analysis))}\n" if markdown else f"{heading(analysis)}\n")
    if not rows:
        file.write("\nno convolutions\n")
        return
    right = [False, True, *(True for _ in ALGORITHMS)]
    for measure in MEASURES:
        file.write("\n")
        header = [measure.title, "layers", *ALGORITHMS]
        table = [[row[0].name, str(len(row)), *_cells(measure, row[0].work)] for row in rows]
        table.append([measure.last, str(sum(map(len, rows))), *_marked(measure, _totals(measure, rows))])
        if markdown:
            write_table(header, table, right, file)
        else:
            write_fitted([header, *table], right, file)
    file.write("\n")
    for note in _notes(rows):
        file.write(f"{'- ' if markdown else ''}{escaped(note) if markdown else note}\n")


def _cells(measure: Measure, work: dict[str, Work]) -> list[str]:
    return _marked(measure, [None if own.reason else measure.value(own) for own in work.values()])


def _totals(measure: Measure, rows: list[list[Layer]]) -> list[int | None]:
    """Over all layers, with the fallback's figures where an algorithm does not apply; None where it never does."""
    every = [layer.work for row in rows for layer in row]
    return [
        None
        if all(work[name].reason for work in every)
        else measure.total([measure.value(work[FALLBACK] if work[name].reason else work[name]) for work in every])
        for name in ALGORITHMS
    ]


def _marked(measure: Measure, values: Sequence[int | None]) -> list[str]:
    least = min(value for value in values if value is not None)
    return ["-" if v is None else measure.text(v) + (MARK if v == least else " ") for v in values]


def _notes(rows: list[list[Layer]]) -> Iterator[str]:
    yield f"{MARK} smallest; forward pass; the layer named is the first of those that are alike"
    reasons: dict[str, int] = {}
    for row in rows:
        for name, work in row[0].work.items():
            if work.reason:
                told = f"{name}: {work.reason}"
                reasons[told] = reasons.get(told, 0) + len(row)
    if reasons:
        yield f"- does not apply; totals have {FALLBACK} there"
    for reason, count in reasons.items():
        yield f"  {reason} ({grouped(count)} {'layer' if count == 1 else 'layers'})"
