"""``convcalc explain``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from convcalc.cli._options import File, Inputs, Settings, Variant, input_shapes, settings


def explain(
    spec: File,
    layer: Annotated[str, typer.Argument(metavar="[LAYER]", help="A layer or a block; by default the whole net.")] = "",
    set_: Settings = None,
    input_: Inputs = None,
    variant: Variant = "",
    terms: Annotated[
        bool, typer.Option("--terms", help="The layer and its gradients as sums of products, term by term.")
    ] = False,
    format_: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="text, markdown or latex.")] = "text",
) -> None:
    """The arithmetic of a layer as in a lecture: formula, numbers, result."""
    from convcalc.analysis import analyze
    from convcalc.expand import expand
    from convcalc.explain.net import explanations
    from convcalc.explain.page import write, write_sums
    from convcalc.loading import open_spec

    opened, named = open_spec(spec)
    shapes = input_shapes(input_, list(opened.inputs))
    analysis = analyze(expand(opened, settings(set_), variant=variant or named, inputs=shapes))
    told = list(explanations(analysis, layer))
    if terms:
        write_sums(format_, told, sys.stdout)
    else:
        write(format_, told, sys.stdout)
