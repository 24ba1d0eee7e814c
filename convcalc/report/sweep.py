"""A sweep as a table, CSV, JSON lines or a plot, written as it is worked out."""

from __future__ import annotations

import csv
import json
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TextIO

from convcalc.diagnostics import Misuse, did_you_mean, times
from convcalc.report.numbers import grouped, short
from convcalc.report.text import wants_color, width
from convcalc.symbolic.points import front as front_of
from convcalc.symbolic.points import valid
from convcalc.symbolic.sweeping import CHUNK, METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convcalc.symbolic.points import Found
    from convcalc.symbolic.sweeping import Sweep

FORMATS = ("table", "csv", "jsonl")
HEIGHT = 15
REASONS = 5
"""So many reasons of invalid points are told."""


class Request(NamedTuple):
    """What is asked of a sweep; in ``pareto`` and ``plot`` names are metrics or variables."""

    format: str
    columns: tuple[str, ...]
    pareto: tuple[tuple[str, bool], ...]
    """Each name, and whether more is better."""
    plot: str

    @classmethod
    def of(cls, format_: str, columns: str, pareto: str, plot: str, variables: list[str]) -> Request:
        """Read from options; raises Misuse."""
        if format_ not in FORMATS:
            raise Misuse(f"sweep has no format '{format_}': {did_you_mean(format_, FORMATS)}")
        if plot and format_ != "table":
            raise Misuse(f"--plot draws, and --format {format_} does not: leave one of them out")
        names = tuple(dict.fromkeys(name.strip() for name in columns.split(",") if name.strip()))
        front = tuple((name.strip().lstrip("+"), name.strip().startswith("+")) for name in pareto.split(",") if name)
        for name in names:
            if name not in METRICS:
                raise Misuse(f"there is no metric '{name}' to sweep: {did_you_mean(name, METRICS)}")
        for name in (*(name for name, _ in front), *([plot] if plot else [])):
            if name not in (*METRICS, *variables):
                raise Misuse(f"there is no '{name}' in this sweep: {did_you_mean(name, (*METRICS, *variables))}")
        return cls(format_, names, front, plot)

    @property
    def metrics(self) -> list[str]:
        """Every metric that is needed."""
        return [name for name in METRICS if name in (*self.columns, self.plot, *(one for one, _ in self.pareto))]


def write_sweep(sweep: Sweep, start: int, stop: int, request: Request, out: TextIO, err: TextIO) -> None:
    """Write the points of a range of the grid; what was left out is told on ``err``."""
    why: Counter[str] = Counter()
    invalid = 0
    front: Found | None = None
    canvas = _Canvas(request.plot, width(out)) if request.plot else None
    write = _writer(request, out)
    with _progress(stop - start, err) as advance:
        for chunk in sweep.chunks(start, stop, request.metrics):
            why.update(chunk.why)
            points = valid(chunk)
            invalid += chunk.stop - chunk.start - len(points)
            if request.pareto and len(points):
                front = front_of(points if front is None else front.joined(points), request.pareto)
            elif canvas:
                canvas.add(points)
            elif len(points):
                write(points)
            advance(chunk.stop - chunk.start)
    if front is not None:
        if canvas:
            canvas.add(front)
        else:
            write(front)
    if canvas:
        canvas.draw(out)
    if invalid:
        err.write(f"{invalid:,} of {stop - start:,} points are not valid:\n")
        for told, count in why.most_common(REASONS):
            err.write(f"  {count:>9,}  {told}\n")
        if len(why) > REASONS:
            err.write(f"  {sum(why.values()) - sum(n for _, n in why.most_common(REASONS)):>9,}  other reasons\n")


def _writer(request: Request, out: TextIO) -> Callable[[Found], None]:
    if request.format == "csv":
        return _csv(request, out)
    return _jsonl(request, out) if request.format == "jsonl" else _table(request, out)


def _cells(points: Found, names: tuple[str, ...]) -> Iterator[list[int]]:
    columns = [*points.variables.values(), *(points.metrics[name] for name in names)]
    return (list(map(int, row)) for row in zip(*columns, strict=True))


def _csv(request: Request, out: TextIO) -> Callable[[Found], None]:
    writer = csv.writer(out, lineterminator="\n")
    begun: list[bool] = []

    def write(points: Found) -> None:
        if not begun:
            outputs = [f"output.{name}" for name in points.outputs] if len(points.outputs) > 1 else ["output"]
            writer.writerow([*points.variables, *request.columns, *outputs])
            begun.append(True)
        rows = zip(_cells(points, request.columns), points.shapes(), strict=True)
        writer.writerows([*cells, *map(times, shapes)] for cells, shapes in rows)

    return write


def _jsonl(request: Request, out: TextIO) -> Callable[[Found], None]:
    def write(points: Found) -> None:
        names = [*points.variables, *request.columns]
        for cells, shapes in zip(_cells(points, request.columns), points.shapes(), strict=True):
            outputs = {name: shape for name, shape in zip(points.outputs, shapes, strict=True) if shape}
            line = {**dict(zip(names, cells, strict=True)), "outputs": outputs}
            out.write(json.dumps(line) + "\n")

    return write


def _table(request: Request, out: TextIO) -> Callable[[Found], None]:
    widths: list[int] = []

    def write(points: Found) -> None:
        names = [*points.variables, *request.columns, "output"]
        rows = [
            [*map(grouped, cells), ", ".join(map(times, filter(None, shapes)))]
            for cells, shapes in zip(_cells(points, request.columns), points.shapes(), strict=True)
        ]
        if not widths:
            widths.extend(max(map(len, column)) for column in zip(names, *rows, strict=True))
            out.write("  ".join(f"{name:>{room}}" for name, room in zip(names, widths, strict=True)) + "\n")
            out.write("  ".join("-" * room for room in widths) + "\n")
        out.writelines(
            "  ".join(f"{cell:>{room}}" for cell, room in zip(row, widths, strict=True)) + "\n" for row in rows
        )

    return write


class _Canvas:
    """A plot of a metric over the first variable, of which each column keeps the least and the most."""

    def __init__(self, metric: str, room: int) -> None:
        self.metric = metric
        self.columns = max(room - 12, 20)
        self.points: list[tuple[int, int]] = []
        self.name = ""

    def add(self, points: Found) -> None:
        """Take points in, of many some that stand for all."""
        if len(points):
            self.name = next(iter(points.variables))
            self.points += points.thinned(self.name, self.metric, THINNED)

    def draw(self, out: TextIO) -> None:
        """Dots, the extremes of both axes beside them."""
        if not self.points:
            out.write("no valid points to draw\n")
            return
        xs, ys = zip(*self.points, strict=True)
        left, right, low, high = min(xs), max(xs), min(ys), max(ys)
        cells = [[0] * self.columns for _ in range(HEIGHT)]
        for x, y in self.points:
            across = (x - left) * (2 * self.columns - 1) // max(right - left, 1)
            up = (y - low) * (4 * HEIGHT - 1) // max(high - low, 1)
            cells[HEIGHT - 1 - up // 4][across // 2] |= DOTS[up % 4][across % 2]
        marks = {0: short(high), HEIGHT - 1: short(low)}
        out.write(f"{self.metric} over {self.name}\n")
        for row, line in enumerate(cells):
            drawn = "".join(chr(0x2800 + cell) for cell in line).rstrip(chr(0x2800))
            out.write(f"{marks.get(row, ''):>10} {drawn}".rstrip() + "\n")
        ends = f"{left:,}", f"{right:,}"
        out.write(f"{'':>10} {ends[0]}{ends[1]:>{self.columns - len(ends[0])}}\n")


DOTS = ((0x40, 0x80), (0x04, 0x20), (0x02, 0x10), (0x01, 0x08))
"""The bits of a Braille character from below, left and right."""

THINNED = 2000
"""Points of a chunk that are drawn."""


@contextmanager
def _progress(points: int, err: TextIO) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, where there are several chunks to wait for."""
    if points <= 4 * CHUNK or not wants_color(err):
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=err), transient=True) as progress:
        task = progress.add_task("sweep", total=points)
        yield lambda done: progress.advance(task, done)
