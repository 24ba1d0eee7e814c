"""``convcalc rf``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.cli._options import File, Inputs, Settings, Variant, input_shapes, settings
from convcalc.cli._outputs import check_outputs

if TYPE_CHECKING:
    from convcalc.analysis.fields import Trace
    from convcalc.analysis.view import View
    from convcalc.graph import Ref
    from convcalc.witness.effective import Effective

ROWS, COLUMNS = 32, 80
"""Of a picture in the terminal, at most."""


def rf(
    spec: File,
    layer: Annotated[
        str, typer.Argument(metavar="[LAYER]", help="A layer; by default the output, or the last map in front of it.")
    ] = "",
    set_: Settings = None,
    input_: Inputs = None,
    variant: Variant = "",
    at: Annotated[
        str, typer.Option("--at", metavar="Y,X", help="The unit to look at; by default the middle.", show_default=False)
    ] = "",
    local: Annotated[
        bool, typer.Option("--local", help="Leave out global operations: what a gate or a head gathers.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="A line for each layer, no picture.")] = False,
    effective: Annotated[
        int,
        typer.Option(
            "--effective",
            min=0,
            metavar="N",
            help="Also run N random inputs: where the gradient is.",
            show_default=False,
        ),
    ] = 0,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Seed of the random parameters and inputs of --effective.")
    ] = 0,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE.svg", help="Also draw it as SVG.", show_default=False)
    ] = "",
    format_: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="text or json.")] = "text",
) -> None:
    """The receptive field of a layer: which input positions it sees, exactly, with a picture."""
    from convcalc.analysis.fields import Trace
    from convcalc.analysis.view import field_of, last_map, middle, view
    from convcalc.diagnostics import Misuse
    from convcalc.expand import expand
    from convcalc.graph import Ref
    from convcalc.loading import open_spec
    from convcalc.report import field as report
    from convcalc.report.summary import named

    check_outputs(format_, None, ("text", "json"))
    if output and not output.endswith(".svg"):
        raise Misuse(f"a picture is written as SVG: --output {output}.svg")
    opened, variant_named = open_spec(spec)
    shapes = input_shapes(input_, list(opened.inputs))
    graph = expand(opened, settings(set_), variant=variant or variant_named, inputs=shapes)
    trace = Trace(graph, local=local)
    title = named(graph)
    if every:
        rows = []
        for place, node in enumerate(graph.nodes):
            for name, source in _sources(trace, Ref(place)).items() if node.op else ():
                shape = trace.shape(Ref(place))
                field = field_of(trace.region(Ref(place), source), trace.sizes(source), shape, middle(shape))
                rows.append(report.Seen(node.name, node.kind, shape, name, field))
        if format_ == "json":
            report.write_json(title, sys.stdout, [], rows)
        else:
            report.write_summary(title, rows, sys.stdout)
        return
    ref = _named(trace, layer) if layer else last_map(trace)
    unit = _unit(at, trace.shape(ref)) if at else None
    views = [view(trace, ref, source, unit) for source in _sources(trace, ref)]
    observed = [_observe(trace, each, ref, effective, seed) if effective else None for each in views]
    if output:
        _draw(output, title, views, observed)
    if format_ == "json":
        told = [each and each.summary() for each in observed] if effective else None
        report.write_json(title, sys.stdout, views, effective=told)
        return
    for place, (each, found) in enumerate(zip(views, observed, strict=True)):
        sys.stdout.write("\n" if place else "")
        report.write_view(title, each, sys.stdout)
        _show(each, found)


def _sources(trace: Trace, ref: Ref) -> dict[str, int]:
    """The inputs that a result sees and their places; where it sees none, the first."""
    inputs = {name: node.node for name, node in trace.graph.inputs.items()}
    seen = {name: place for name, place in inputs.items() if trace.region(ref, place)}
    return seen or dict([*inputs.items()][:1])


def _named(trace: Trace, name: str) -> Ref:
    """A layer, one of its results (``split_1.2``), or the last layer of a block; raises Misuse."""
    from convcalc.diagnostics import Misuse, did_you_mean
    from convcalc.graph import Ref

    graph = trace.graph
    ports = {f"{node.name}.{port}": Ref(place, index) for place, node in enumerate(graph.nodes) if node.op
             for index, port in enumerate(node.op.ports)}  # fmt: skip
    ref = graph.find(name) or ports.get(name)
    if ref is None:
        known = dict.fromkeys([*(group.name for group in graph.groups), *(node.name for node in graph.nodes)])
        raise Misuse(f"there is no layer '{name}': {did_you_mean(name, known)}")
    return ref


def _unit(text: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A position of a map; raises Misuse where it is none."""
    from convcalc.diagnostics import Misuse, times

    parts = text.replace("x", ",").split(",")
    unit = tuple(int(part) if part.strip().isdecimal() and len(part) < 19 else -1 for part in parts)
    if len(unit) != len(shape) - 1 or not all(0 <= i < n for i, n in zip(unit, shape[1:], strict=True)):
        last = ",".join(str(n - 1) for n in shape[1:])
        room = f"--at takes a position up to {last}" if last else "it has no positions for --at"
        raise Misuse(f"'{text}' is no unit of a map of {times(shape)}: {room}")
    return unit


def _observe(trace: Trace, seen: View, ref: Ref, samples: int, seed: int) -> Effective | None:
    """The gradient of the view's unit, None of an input without spatial axes; raises Misuse where none arrives."""
    from convcalc.analysis import analyze
    from convcalc.checks.capacity import refuse_too_large
    from convcalc.diagnostics import Misuse
    from convcalc.witness.effective import effective

    if not seen.sizes:
        return None
    refuse_too_large(analyze(trace.graph), forward_only=False)
    position = trace.orders.as_it_is(ref.node, (slice(None), *seen.field.unit))
    try:
        return effective(trace.graph, ref, seen.input, position, samples, seed=seed)
    except ValueError as error:
        raise Misuse(f"{seen.name}: {error}") from None


def _draw(path: str, title: str, views: list[View], observed: list[Effective | None]) -> None:
    from convcalc.diagnostics import Misuse
    from convcalc.draw.field import FINE, Part, heat, in_svg, picture
    from convcalc.replacing import replacing
    from convcalc.report.field import caption, effective_text

    parts, kind, layer = [], "receptive", views[0].name
    for each, found in zip(views, observed, strict=True):
        if found:
            kind = "effective"
            parts.append(Part(heat(found.rows(), FINE), [*caption(each), effective_text(found)], found.circle()))
        elif each.sizes:
            parts.append(Part(picture(each, FINE), caption(each)))
    if not parts:
        raise Misuse(f"there is nothing to draw of {layer}: {views[0].input} has no spatial axes")
    with replacing(path) as file:
        file.write(in_svg(f"{title}: {kind} field of {layer}", *parts).encode())


def _show(seen: View, observed: Effective | None) -> None:
    from convcalc.draw.field import heat, in_text, picture
    from convcalc.report.field import effective_text
    from convcalc.report.text import width

    if not seen.sizes:
        return
    unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    room = (ROWS, min(width(sys.stdout), COLUMNS))
    lines = ["", *in_text(picture(seen, room, aspect=2), unicode=unicode)]
    if observed:
        lines += ["", effective_text(observed), "", *in_text(heat(observed.rows(), room, aspect=2), unicode=unicode)]
    sys.stdout.writelines(line + "\n" for line in lines)
