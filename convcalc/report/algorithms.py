"""What each algorithm for convolution would perform, layer by layer, the smallest marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from convcalc.analysis.algorithms import ALGORITHMS, FALLBACK, Work, layers
from convcalc.report.numbers import grouped, short, size
from convcalc.report.summary import heading, title

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
    """For people three tables a net, layers that are alike in one row; for programs every layer and algorithm."""
    if format_ == "json":
        from convcalc.report.document import write_document

        write_document(file, nets=list(map(_net, analyses)))
    elif format_ == "csv":
        import csv

        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("net", "layer", "op", "algorithm", *Work._fields))
        for net in map(_net, analyses):
            for layer in net["layers"]:
                for name, work in layer["algorithms"].items():
                    writer.writerow((net["name"], layer["name"], layer["op"], name, *work.values()))
    else:
        for place, analysis in enumerate(analyses):
            file.write("\n" if place else "")
            _write(format_, analysis, file)


def _net(analysis: Analysis) -> dict[str, Any]:
    return {
        "name": title(analysis),
        "layers": [
            {
                "name": layer.name,
                "op": layer.op,
                "algorithms": {name: _plain(work) for name, work in layer.work.items()},
            }
            for layer in layers(analysis)
        ],
    }


def _plain(work: Work) -> dict[str, Any]:
    """Nothing rather than 0 where the algorithm does not apply, no reason where it does."""
    told = work._asdict()
    return {key: None if (key == "reason") != bool(work.reason) else value for key, value in told.items()}


def _write(format_: str, analysis: Analysis, file: TextIO) -> None:
    from convcalc.report.markdown import escaped, write_table
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
            write_table(header, [[cell.strip() for cell in row] for row in table], right, file)
        else:
            write_fitted([header, *table], right, file)
    file.write("\n")
    for note in _notes(rows):
        file.write(f"- {escaped(note)}\n" if markdown else f"{note}\n")


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
    yield f"{MARK} marks the smallest; forward pass; of layers that are alike the first is named"
    reasons: dict[str, int] = {}
    for name in ALGORITHMS:
        never = all(row[0].work[name].reason for row in rows)
        for row in rows:
            if reason := row[0].work[name].reason:
                told = f"{name} does not apply to {reason}" + ("" if never else f", and is {FALLBACK} in the totals")
                reasons[told] = reasons.get(told, 0) + len(row)
    for told, count in reasons.items():
        yield f"{told}: {grouped(count)} {'layer' if count == 1 else 'layers'}"
