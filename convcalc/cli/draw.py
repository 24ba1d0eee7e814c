"""``convcalc draw``."""

from __future__ import annotations

import os
import sys
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.cli._options import File, Inputs, Settings, Variant, input_shapes, settings
from convcalc.diagnostics import Misuse, did_you_mean, listing, times

if TYPE_CHECKING:
    from convcalc.analysis import Analysis
    from convcalc.draw.windows import Axis
    from convcalc.graph import Graph, Group

ENDINGS = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".mermaid": "mermaid", ".txt": "text"}
PAUSE = 0.25
"""Seconds that the terminal rests on a window."""


def draw(
    spec: File,
    layer: Annotated[
        str, typer.Argument(metavar="[LAYER]", help="Draw this layer's windows, or this block as a net.")
    ] = "",
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
    """Draw a net or a block as boxes and arrows with shapes, or the windows of one layer on its operand."""
    from convcalc.analysis import analyze
    from convcalc.expand import expand
    from convcalc.loading import open_spec

    opened, named = open_spec(spec)
    shapes = input_shapes(input_, list(opened.inputs))
    analysis = analyze(expand(opened, settings(set_), variant=variant or named, inputs=shapes))
    block = _block(analysis.graph, layer)
    windows = bool(layer) and block is None
    name = _format(format_, output, ("text", "svg") if windows else ("mermaid", "dot", "svg"))
    if animate and not windows:
        raise Misuse("--animate shows a layer window by window: name one")
    if animate and name == "text" and not output and sys.stdout.isatty():
        _play(*_windows(analysis, layer))
        return
    text = _layer(analysis, layer, name, animate=animate) if windows else _net(analysis, depth, block, name)
    if output:
        from convcalc.replacing import replacing

        with replacing(output) as file:
            file.write(text.encode())
    else:
        print(text, end="")


def _format(asked: str, output: str, known: tuple[str, ...]) -> str:
    """The format that is asked for, or that the file's ending says, or the first one."""
    name = asked or (ENDINGS.get(os.path.splitext(output)[1].lower(), "") if output else known[0])
    if name not in known:
        of = "the windows of a layer" if "text" in known else "a net"
        told = f"there is no format '{name}' for {of}" if name else f"the ending of {output} names no format"
        raise Misuse(f"{told}: {did_you_mean(name, known) or f'use --format with {listing(known)}'}")
    return name


def _block(graph: Graph, name: str) -> Group | None:
    """The block of a name; of a repeated one, the last copy."""
    groups = {group.name: group for group in graph.groups} | {
        group.name.rpartition("/")[0]: group for group in graph.groups if group.copy == group.copies > 1
    }
    return None if any(node.name == name for node in graph.nodes) else groups.get(name)


def _net(analysis: Analysis, depth: int, block: Group | None, name: str) -> str:
    from importlib import import_module

    from convcalc.draw.boxes import picture

    module, function = {"svg": ("net", "svg"), "dot": ("dot", "dot"), "mermaid": ("mermaid", "mermaid")}[name]
    return str(getattr(import_module(f"convcalc.draw.{module}"), function)(picture(analysis, depth, block)))


def _windows(analysis: Analysis, layer: str) -> tuple[str, tuple[Axis, ...]]:
    """A layer in words, and the axes that its windows lie on."""
    from convcalc.draw.windows import axes

    try:
        row = analysis[layer]
    except KeyError:
        raise Misuse(f"there is no layer '{layer}': {did_you_mean(layer, [r.name for r in analysis.rows])}") from None
    node = next(node for node in analysis.graph.nodes if node.name == row.name)
    operand = analysis.shape(node.inputs[0])
    return f"{row.name}: {node.op!r} of {times(operand)} makes {times(row.shape)}", axes(row, node.op, operand)


def _layer(analysis: Analysis, layer: str, name: str, *, animate: bool) -> str:
    from convcalc.draw.grid import svg
    from convcalc.draw.windows import LEGEND, WIDTH, frames, text
    from convcalc.report.text import width

    title, shown = _windows(analysis, layer)
    if name == "svg":
        return svg(title, shown, animate=animate)
    room = max(1, min(WIDTH, width(sys.stdout) - 8)) if sys.stdout.isatty() else WIDTH
    pictures = [LEGEND, *frames(shown)] if animate else text(shown, room)
    return "\n\n".join([title, *pictures]) + "\n"


def _play(title: str, shown: tuple[Axis, ...]) -> None:
    """One window after the other in the same place of the terminal, or below each other where they do not fit."""
    from time import sleep

    from convcalc.draw.windows import LEGEND, frames

    print(title, LEGEND, sep="\n\n", end="\n\n")
    columns, lines = get_terminal_size()
    for number, picture in enumerate(frames(shown)):
        told = picture.split("\n")
        fits = len(told) < lines and max(map(len, told)) <= columns
        print((f"\x1b[{len(told)}A" if fits else "\n") * (number > 0) + picture, flush=True)
        sleep(PAUSE)
