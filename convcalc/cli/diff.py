"""``convcalc diff``."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from convcalc.cli._options import Batch, Inputs, Settings, Variant, input_shapes, settings
from convcalc.cli._outputs import Outputs, check_outputs, write_outputs

Side = "A file, a file at a git revision (main:net.yaml), or a shipped spec's name."


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=Side, show_default=False)],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same.", show_default=False)],
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-on",
            metavar="LIMIT",
            help="Exit with 1 past this: 'params>+2%', 'macs>+10M', 'depth>50', 'changes>0'; may be repeated.",
            show_default=False,
        ),
    ] = None,
    format_: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="text, markdown or json.")] = "text",
    output: Outputs = None,
    complete: Annotated[
        bool, typer.Option("--all", help="Tell also of layers that differ only by what reaches them.")
    ] = False,
    set_: Settings = None,
    input_: Inputs = None,
    variant: Variant = "",
    batch: Batch = 1,
) -> None:
    """What differs between two nets, layer by layer and in total."""
    from convcalc.analysis import examine
    from convcalc.checks.difference import compare
    from convcalc.checks.limits import exceeded, limit
    from convcalc.diagnostics import SpecError, Unreadable
    from convcalc.expand import expand
    from convcalc.loading import open_spec
    from convcalc.report.difference import FORMATS, write_difference
    from convcalc.report.difference.compared import Compared

    wanted = check_outputs(format_, output, FORMATS)
    limits = [limit(text) for text in fail_on or ()]
    values = settings(set_)
    nets, failed = [], []
    for argument, other in ((old, new), (new, old)):
        try:
            spec, named = open_spec(argument)
            graph = expand(spec, values, variant=variant or named, inputs=input_shapes(input_, list(spec.inputs)))
            analysis, found = examine(graph, batch=batch)
        except Unreadable as error:
            raise Unreadable(_meant(argument, other) or str(error)) from None
        except SpecError as error:
            analysis, found = None, list(error.diagnostics)
        failed += found
        if analysis:
            nets.append(analysis)
    if failed:
        raise SpecError(failed)
    difference = compare(*nets)
    passed = tuple(each for each in limits if exceeded(each, difference))
    compared = Compared(old, new, difference, passed, complete)
    write_outputs(wanted, lambda name, file: write_difference(name, compared, file))
    if passed:
        raise typer.Exit(1)


def _meant(argument: str, other: str) -> str:
    """What to write instead of a git revision without a file: most likely the other net's; nothing for what is none."""
    from convcalc.revision import names_revision

    if not names_revision(argument):
        return ""
    path = "./" + os.path.relpath(other).replace(os.sep, "/") if os.path.isfile(other) else "nets/net.yaml"
    return f"{argument} is a git revision: name the file too, as in {argument}:{path}"
