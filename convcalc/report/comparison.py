"""Several nets side by side, by their totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from convcalc.diagnostics import times
from convcalc.report.numbers import grouped, per_axis, size
from convcalc.report.summary import title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.analysis import Analysis

HEADER = ("net", "input", "params", "MACs", "FLOPs", "field", "depth", "peak", "backward")
KEYS = ("name", "input", "params", "macs", "flops", "receptive_field", "depth", "peak_bytes", "backward_bytes")


def write_comparison(name: str, analyses: Sequence[Analysis], file: TextIO) -> None:
    """A row a net, in the format of that name."""
    right = [False, *(True for _ in HEADER[1:])]
    if name == "csv":
        import csv

        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(KEYS)
        writer.writerows(map(_values, analyses))
    elif name == "markdown":
        from convcalc.report.markdown import write_table

        write_table(HEADER, list(map(_cells, analyses)), right, file)
    else:
        from convcalc.report.text import write_grid

        write_grid([list(HEADER), *map(_cells, analyses)], right, file)


def _input(analysis: Analysis) -> str:
    graph = analysis.graph
    return " ".join(times(graph.nodes[ref.node].shape or ()) for ref in graph.inputs.values())


def _values(analysis: Analysis) -> list[object]:
    totals = analysis.totals
    field = per_axis(totals.receptive_field) if totals.fields else ""
    counts = (totals.params, totals.macs, totals.flops, field, totals.depth, totals.memory.peak, totals.memory.saved)
    return [title(analysis), _input(analysis), *counts]


def _cells(analysis: Analysis) -> list[str]:
    name, shape, params, macs, flops, field, depth, peak, saved = _values(analysis)
    exact = [grouped(n) for n in (params, macs, flops) if isinstance(n, int)]
    return [
        str(name),
        str(shape),
        *exact,
        str(field),
        str(depth),
        *(size(n) for n in (peak, saved) if isinstance(n, int)),
    ]
