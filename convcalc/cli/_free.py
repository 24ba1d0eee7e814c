"""``convcalc shape --free``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from convcalc.cli._options import input_shapes
from convcalc.diagnostics import Misuse, SpecError

if TYPE_CHECKING:
    from convcalc.diagnostics import Diagnostic


def write_free(
    specs: list[str],
    free: str,
    values: dict[str, int],
    inputs: list[str] | None,
    variant: str,
    batch: int,
    depth: int,
    columns: str,
    format_: str,
) -> None:
    """Write the closed forms of nets, each held against the concrete analysis first."""
    from convcalc.expand import expand
    from convcalc.loading import open_spec
    from convcalc.report.forms import check_form_format, form_columns, write_forms
    from convcalc.symbolic.closed import check, closed_forms

    check_form_format(format_)
    shown = form_columns(columns)
    names = list(dict.fromkeys(name.strip() for name in free.split(",") if name.strip()))
    if not names:
        raise Misuse(f"--free takes names of variables, as in H,W, not '{free}'")
    for name in names:
        if name in values:
            raise Misuse(f"{name} is both free and set: leave out --set {name}, or free the others only")
    nets = []
    failed: list[Diagnostic] = []
    for argument in specs:
        spec, named = open_spec(argument)
        graph = expand(spec, values, variant=variant or named, inputs=input_shapes(inputs, list(spec.inputs)))
        try:
            closed = closed_forms(graph, *names, batch=batch)
        except SpecError as error:
            failed += error.diagnostics
            continue
        nets.append((closed, check(closed, graph)))
    if nets:
        write_forms(format_, nets, shown, depth, sys.stdout)
    if failed:
        raise SpecError(failed)
