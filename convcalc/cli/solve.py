"""``convcalc solve``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.cli._options import Inputs, Settings, Variant, input_shapes, settings
from convcalc.cli._outputs import check_outputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convcalc.graph import Graph
    from convcalc.symbolic.knobs import Knob
    from convcalc.symbolic.solving import Solution


def solve(
    spec: Annotated[
        str,
        typer.Argument(metavar="SPEC|OP", help="A file, - for standard input, a shipped spec's name; or an op."),
    ],
    sizes: Annotated[
        list[int] | None,
        typer.Argument(
            metavar="[FROM TO]", min=1, help="For an op: the size before and behind it.", show_default=False
        ),
    ] = None,
    set_: Settings = None,
    input_: Inputs = None,
    variant: Variant = "",
    free: Annotated[
        str, typer.Option(metavar="NAMES", help="What is open, instead of the inputs' sizes: H,W.", show_default=False)
    ] = "",
    link: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=EXPR", help="A size that hangs on another: W=2*H; may be repeated."),
    ] = None,
    exact: Annotated[bool, typer.Option("--exact", help="No layer may leave pixels at the border unread.")] = False,
    near: Annotated[
        str, typer.Option(metavar="N|NAME=N,...", help="The valid sizes next to these.", show_default=False)
    ] = "",
    want: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION", help="What must come out: output.H=7, params<=5M; may be repeated.", show_default=False
        ),
    ] = None,
    over: Annotated[
        str,
        typer.Option(
            metavar="NAME=FIRST:LAST", help="Values of a variable, for --want with a metric.", show_default=False
        ),
    ] = "",
    format_: Annotated[str, typer.Option("--format", "-f", metavar="FORMAT", help="text or json.")] = "text",
) -> None:
    """The exact set of input sizes that a net accepts, and which layer demands which part of it.

    With an op and two sizes (solve conv 28 7): every kernel, stride, padding and dilation from one to the other.

    The exit code is 1 where there is nothing.
    """
    from convcalc.diagnostics import SpecError
    from convcalc.expand import expand
    from convcalc.loading import open_spec
    from convcalc.report.domain import write_json, write_solution
    from convcalc.symbolic.knobs import spatial
    from convcalc.symbolic.solving import solve as solved

    check_outputs(format_, None, ("text", "json"))
    other_sizes = {"--free": free, "--link": link, "--exact": exact, "--near": near}
    if sizes:
        of_specs = {
            **other_sizes,
            "--set": set_,
            "--input": input_,
            "--variant": variant,
            "--want": want,
            "--over": over,
        }
        _refused(of_specs, "go with an op: it takes two sizes and --format")
        _op(spec, sizes, format_)
        return
    read, name = open_spec(spec)
    values = settings(set_)
    graph = expand(read, values, variant=variant or name, inputs=input_shapes(input_, list(read.inputs)))
    if graph.diagnostics:
        raise SpecError(graph.diagnostics)
    if over:
        _refused(other_sizes, "go with --over")
        _over(graph, over, want or [], format_)
        return
    names = [part.strip() for part in free.split(",") if part.strip()]
    solution = solved(
        graph,
        names or _left(spatial(graph), values),
        link=_links(link),
        exact=exact,
        want=want or (),
    )
    around = _near(near, solution) if near else None
    if format_ == "json":
        write_json(solution, around, sys.stdout)
    else:
        write_solution(solution, around, sys.stdout)
    if solution.domain is not None and not solution.domain:
        raise typer.Exit(1)


def _left(knobs: list[Knob], values: dict[str, int]) -> list[str]:
    """The sizes that --set leaves open; all, where it says of each what it is at present."""
    return [knob.name for knob in knobs if knob.name not in values]


def _refused(options: Mapping[str, object], why: str) -> None:
    from convcalc.diagnostics import Misuse

    if told := [option for option, given in options.items() if given]:
        raise Misuse(f"{' and '.join(told)} cannot {why}")


def _op(kind: str, sizes: list[int], format_: str) -> None:
    from convcalc.diagnostics import Misuse
    from convcalc.report.settings import write_settings
    from convcalc.symbolic.backwards import settings as fitting

    if len(sizes) != 2:
        raise Misuse(f"solve {kind} takes two sizes: before and behind it, as in solve conv 28 7")
    found = fitting(kind, sizes[0], sizes[1])
    write_settings(kind, found, format_, sys.stdout)
    if not found:
        raise typer.Exit(1)


def _over(graph: Graph, over: str, want: list[str], format_: str) -> None:
    from convcalc.checks.ranges import keeping
    from convcalc.diagnostics import Misuse
    from convcalc.report.ranges import write_kept

    if not want:
        raise Misuse("--over says which values to look at, and --want what is wanted of them: --want 'params<=5M'")
    kept = keeping(graph, over, want)
    write_kept(kept, format_, sys.stdout)
    if not kept.values:
        raise typer.Exit(1)


def _links(texts: list[str] | None) -> dict[str, str]:
    from convcalc.diagnostics import Misuse

    links = {}
    for text in texts or ():
        name, equals, expression = text.partition("=")
        if not equals:
            raise Misuse(f"--link takes a name and an expression, as in W=2*H, not '{text}'")
        links[name.strip()] = expression.strip()
    return links


def _near(text: str, solution: Solution) -> dict[str, int]:
    """One size for all that is open, or by name; what is not named stays as it is."""
    from convcalc.diagnostics import Misuse

    if text.strip().isdecimal() and len(text) < 19:
        return dict.fromkeys(solution.symbols, int(text))
    if "=" not in text:
        raise Misuse(f"--near takes a size, as in 570, or sizes by name, as in H=570,W=300, not '{text}'")
    values = settings([text], "--near")
    for name in values:
        if name not in solution.symbols:
            raise Misuse(f"--near: {name} is not open, but {', '.join(solution.symbols)}")
    return {**solution.present, **values}
