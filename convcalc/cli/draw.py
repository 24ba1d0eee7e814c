"""``convcalc draw``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.cli._options import Inputs, Settings, Variant, input_shapes, settings
from convcalc.diagnostics import Misuse, did_you_mean, listing

if TYPE_CHECKING:
    from convcalc.analysis import Analysis

ENDINGS = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid", ".txt": "text"}
PAUSE = 0.25
"""Seconds that the terminal rests on a window."""


def draw(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="A file, - for standard input, or a shipped spec.")],
    layer: Annotated[str, typer.Argument(metavar="[LAYER]", help="Draw this layer's windows.")] = "",
    set_: Settings = None,
    input_: Inputs = None,
    variant: Variant = "",
    depth: Annotated[int, typer.Option(min=0, metavar="N", help="Levels of blocks to open.")] = 0,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Write to this file; its ending says the format.")
    ] = "",
    format_: Annotated[
        str, typer.Option("--format", "-f", metavar="FORMAT", help="svg, dot or mermaid; of a layer text or svg.")
    ] = "",
    animate: Annotated[bool, typer.Option("--animate", help="A layer window by window.")] = False,
) -> None:
    """Draw a net as boxes and arrows with shapes, or the windows of one layer on its operand."""
    from convcalc.analysis import analyze
    from convcalc.expand import expand
    from convcalc.loading import open_spec

    name = _format(format_, output, ("text", "svg") if layer else ("mermaid", "dot", "svg"))
    opened, named = open_spec(spec)
    shapes = input_shapes(input_, list(opened.inputs))
    analysis = analyze(expand(opened, settings(set_), variant=variant or named, inputs=shapes))
    if animate and not layer:
        raise Misuse("--animate shows a layer window by window: name one")
    text = _layer(analysis, layer, name, animate=animate) if layer else _net(analysis, depth, name)
    if output:
        from convcalc.replacing import replacing

        with replacing(output) as file:
            file.write(text.encode())
    elif animate and name == "text" and sys.stdout.isatty():
        _play(text)
    else:
        print(text, end="")


def _format(asked: str, output: str, known: tuple[str, ...]) -> str:
    """The format that is asked for, or that the file's ending says, or the first one."""
    name = asked or (ENDINGS.get(os.path.splitext(output)[1].lower(), "") if output else known[0])
    if name not in known:
        told = f"there is no format '{name}' here" if name else f"the ending of {output} names no format"
        raise Misuse(f"{told}: {did_you_mean(name, known) or f'use --format with {listing(known)}'}")
    return name


def _net(analysis: Analysis, depth: int, name: str) -> str:
    from importlib import import_module

    from convcalc.draw.boxes import picture

    module, function = {"svg": ("net", "svg"), "dot": ("dot", "dot"), "mermaid": ("mermaid", "mermaid")}[name]
    return str(getattr(import_module(f"convcalc.draw.{module}"), function)(picture(analysis, depth)))


def _layer(analysis: Analysis, layer: str, name: str, *, animate: bool) -> str:
    from convcalc.draw.grid import svg
    from convcalc.draw.windows import axes, frames, text
    from convcalc.report.numbers import times

    try:
        row = analysis[layer]
    except KeyError:
        raise Misuse(f"there is no layer '{layer}': {did_you_mean(layer, [r.name for r in analysis.rows])}") from None
    node = next(node for node in analysis.graph.nodes if node.name == row.name)
    operand = analysis.shape(node.inputs[0])
    shown = axes(row, node.op, operand)
    title = f"{row.name}: {node.op!r} of {times(operand)} makes {times(row.shape)}"
    if name == "svg":
        return svg(title, shown, animate=animate)
    pictures = frames(shown) if animate else [title, *text(shown)]
    return "\n\n".join(pictures) + "\n"


def _play(text: str) -> None:
    """One frame after the other in the same place of the terminal."""
    from time import sleep

    pictures = text.rstrip("\n").split("\n\n")
    height = pictures[0].count("\n") + 1
    for number, picture in enumerate(pictures):
        print(f"\x1b[{height}A" * (number > 0) + picture, flush=True)
        sleep(PAUSE)
