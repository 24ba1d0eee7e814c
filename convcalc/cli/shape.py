"""``convcalc shape``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from convcalc.cli._options import Batch, Inputs, Settings, Specs, Variant, input_shapes, settings

DTYPES = ("float16", "bfloat16", "float32", "float64")

READ_BY = {
    "--free": ("--columns", "--depth"),
    "--device": ("--depth", "--dtype"),
    "--conventions": ("--dtype",),
    "--memory": ("--dtype",),
    "--algorithms": ("--dtype",),
}
"""Of the options for the table those that a report in its place goes by."""


def shape(
    specs: Specs,
    set_: Settings = None,
    input_: Inputs = None,
    variant: Variant = "",
    batch: Batch = 1,
    dtype: Annotated[
        str, typer.Option(metavar="DTYPE", help="Of all numbers: float16, bfloat16, float32 or float64.")
    ] = "float32",
    depth: Annotated[
        int, typer.Option(min=0, metavar="N", help="Levels of blocks to open: 0 folds each into a row.")
    ] = 0,
    columns: Annotated[
        str,
        typer.Option(
            metavar="NAMES", help="Columns to show, or + and columns to add: +flops,layers.", show_default=False
        ),
    ] = "",
    format_: Annotated[
        str,
        typer.Option(
            "--format", "-f", metavar="FORMAT", help="table, json, csv or markdown; latex or python with --free."
        ),
    ] = "table",
    backward: Annotated[
        bool, typer.Option("--backward", help="MACs of the backward pass: of parameters' gradients, of operands'.")
    ] = False,
    input_gradient: Annotated[
        bool, typer.Option("--input-gradient", help="In it the gradient of the net's inputs too.")
    ] = False,
    convention: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Count as another tool does, in place of MACs: --conventions names them.",
            show_default=False,
        ),
    ] = "",
    conventions: Annotated[
        bool, typer.Option("--conventions", help="What other tools count for the net, and why it differs.")
    ] = False,
    device: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", help="What this device takes at least, and waits for, by layer.", show_default=False
        ),
    ] = "",
    free: Annotated[
        str,
        typer.Option(
            metavar="NAMES", help="Closed forms in these variables; N is the batch: --free H,W.", show_default=False
        ),
    ] = "",
    memory: Annotated[
        bool, typer.Option("--memory", help="What is alive at the peak, and what a training step keeps.")
    ] = False,
    schedule: Annotated[
        str, typer.Option(metavar="NAME", help="For --memory: torch, or convcalc, what a run here holds.")
    ] = "torch",
    optimizer: Annotated[str, typer.Option(metavar="NAME", help="For --memory: sgd, momentum or adam.")] = "sgd",
    algorithms: Annotated[
        bool,
        typer.Option("--algorithms", help="What each algorithm for convolution would perform and hold, by layer."),
    ] = False,
) -> None:
    """Output shapes, receptive fields, parameters and cost of a net, layer by layer.

    Several specs give one table of totals, side by side.
    """
    from convcalc.analysis import examine
    from convcalc.checks import check_claims
    from convcalc.diagnostics import Misuse, SpecError, did_you_mean
    from convcalc.expand import expand
    from convcalc.loading import open_spec
    from convcalc.report import check_format, write

    instead = {
        "--free": free, "--device": device, "--conventions": conventions, "--memory": memory,
        "--algorithms": algorithms,
    }  # fmt: skip
    if len(told := [option for option, given in instead.items() if given]) > 1:
        raise Misuse(f"{' and '.join(told)} are reports of their own: ask for one at a time")
    table = {
        "--columns": columns, "--depth": depth, "--dtype": dtype != "float32", "--backward": backward,
        "--input-gradient": input_gradient, "--convention": convention,
    }  # fmt: skip
    for report in told:
        idle = [option for option, given in table.items() if given and option not in READ_BY[report]]
        if idle:
            raise Misuse(f"{' and '.join(idle)} cannot go with {report}")
    if dtype not in DTYPES:
        raise Misuse(f"there is no dtype '{dtype}': {did_you_mean(dtype, DTYPES)}")
    for option, given in {"--schedule": schedule != "torch", "--optimizer": optimizer != "sgd"}.items():
        if given and not memory:
            raise Misuse(f"{option} is of no use without --memory")
    values = settings(set_)
    if free:
        from convcalc.cli._free import write_free

        write_free(specs, free, values, input_, variant, batch, depth, columns, format_)
        return
    check_format(format_)
    how = None
    if memory:
        from convcalc.report.memory import How, check_how

        how = How(schedule, optimizer)
        check_how(how)
    target = None
    if device:
        from convcalc.devices import open_device

        target = open_device(device)
    analyses, failed = [], []
    for argument in specs:
        try:
            spec, named = open_spec(argument)
            graph = expand(spec, values, variant=variant or named, inputs=input_shapes(input_, list(spec.inputs)))
            analysis, found = examine(graph, batch=batch, dtype=dtype, input_gradient=input_gradient)
        except SpecError as error:
            analysis, found = None, list(error.diagnostics)
        failed += found
        if analysis:
            claims = check_claims(analysis, prove=False)
            failed += claims.failed
            analyses.append((analysis, claims))
    if analyses and algorithms:
        from convcalc.report.algorithms import write_algorithms

        write_algorithms(format_, [analysis for analysis, _ in analyses], sys.stdout)
    elif analyses and how:
        from convcalc.report.memory import write_memory

        write_memory(format_, [analysis for analysis, _ in analyses], how, sys.stdout)
    elif analyses and target:
        from convcalc.report.roofline import write_roofline

        write_roofline(format_, [analysis for analysis, _ in analyses], target, sys.stdout, depth=depth)
    elif analyses and conventions:
        from convcalc.report.conventions import write_conventions

        write_conventions(format_, [analysis for analysis, _ in analyses], sys.stdout)
    elif analyses:
        write(format_, analyses, sys.stdout, columns=columns, backward=backward, headline=convention, depth=depth)
    if failed:
        raise SpecError(failed)
