"""``convcalc sweep``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from convcalc.cli._options import Batch, File, Inputs, Variant, input_shapes
from convcalc.diagnostics import Misuse, Problem, SpecError

MOST = 1_000_000
"""Values of one variable."""


def sweep(
    spec: File,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUES",
            help="Values of a variable: 16,32,64, or first:last, or first:last:step; may be repeated.",
            show_default=False,
        ),
    ] = None,
    input_: Inputs = None,
    variant: Variant = "",
    batch: Batch = 1,
    columns: Annotated[
        str, typer.Option(metavar="NAMES", help="Metrics to show: params, macs, flops, memory.")
    ] = "params,macs,memory",
    pareto: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Only points that no other beats in all of these, metrics or variables; +NAME where more is better.",
            show_default=False,
        ),
    ] = "",
    plot: Annotated[
        str, typer.Option(metavar="METRIC", help="Draw a metric over the first variable.", show_default=False)
    ] = "",
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Only the I-th of N parts of the grid.", show_default=False)
    ] = "",
    format_: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="table, csv or jsonl.")] = "table",
) -> None:
    """Parameters, cost, memory and output shape over a grid of variables.

    A million points take a second. Points at which the net is not valid are left out, and counted with their reasons.
    """
    from convcalc.expand import expand
    from convcalc.loading import open_spec
    from convcalc.report.sweep import Request, write_sweep
    from convcalc.symbolic.sweeping import Grid, Sweep

    read, named = open_spec(spec)
    grid = Grid(axes(set_))
    graph = expand(read, variant=variant or named, inputs=input_shapes(input_, list(read.inputs)))
    if graph.diagnostics:
        raise SpecError(graph.diagnostics)
    request = Request.of(format_, columns, pareto, plot, list(grid.axes))
    start, stop = grid.part(*part(shard))
    write_sweep(Sweep(graph, grid, batch), start, stop, request, sys.stdout, sys.stderr)


def axes(options: list[str] | None) -> dict[str, list[int]]:
    """``H=64:512:32`` (the last value included), ``width=16,32,64``, several with commas. Raises Misuse."""
    found: dict[str, list[int]] = {}
    name = ""
    for option in options or ():
        for part_ in option.split(","):
            before, equals, text = part_.partition("=")
            name = before.strip() if equals else name
            if not name or (not equals and name not in found):
                raise Misuse(f"--set takes name=values, not '{part_}'")
            found.setdefault(name, []).extend(_values(name, text if equals else part_))
            if len(found[name]) > MOST:
                raise Misuse(f"--set {name}: at most {MOST:,} values")
    if not found:
        raise Misuse("sweep needs --set NAME=VALUES, as in --set H=64:512:32")
    return found


def _values(name: str, text: str) -> range | list[int]:
    from convcalc.expressions import evaluate

    try:
        ends = [int(evaluate(end, {})) for end in text.split(":")]
    except Problem as problem:
        raise Misuse(f"--set {name}={text}: {problem.message}") from None
    if len(ends) == 1:
        return ends
    first, last, *more = ends
    step = more[0] if more else 1
    if len(more) > 1 or step < 1 or last < first:
        raise Misuse(f"--set {name}={text}: a range is first:last:step, with a positive step")
    if (last - first) // step >= MOST:
        raise Misuse(f"--set {name}={text}: at most {MOST:,} values")
    return range(first, last + 1, step)


def part(shard: str) -> tuple[int, int]:
    """``2/8`` as two numbers. Raises Misuse."""
    if not shard:
        return 1, 1
    first, slash, last = shard.partition("/")
    if not (slash and first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise Misuse(f"--shard takes I/N with I from 1 to N, not '{shard}'")
    return int(first), int(last)
