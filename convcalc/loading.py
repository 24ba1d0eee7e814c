"""From a path, a name, a text or plain data to a Graph."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import Unreadable
from convcalc.expand import expand
from convcalc.source import Source
from convcalc.spec import read, read_spec, spec_from
from convcalc.spec.shipped import locate, no_such_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convcalc.graph import Graph
    from convcalc.spec import Spec


def load(spec: str | os.PathLike[str] | dict[str, Any], *, variant: str = "") -> Graph:
    """The graph of a spec: a path, the name of a shipped spec, a text (with a line break), or plain data.

    Raises Unreadable where there is nothing to read, SpecError with every mistake in what was read. Whether
    the shapes fit is found by ``Graph.analyze``, for each value of the variables anew.
    """
    if isinstance(spec, dict):
        graph = expand(spec_from(spec), variant=variant)
    elif isinstance(spec, str) and "\n" in spec:
        graph = expand(read_spec(Source("<text>", spec), partial=True), variant=variant)
    else:
        graph = open_graph(os.fspath(spec), variant=variant)
    if graph.diagnostics:
        graph.analyze()
    return graph


def open_graph(
    argument: str,
    values: Mapping[str, int] | None = None,
    *,
    variant: str = "",
    inputs: Mapping[str, Sequence[int]] | None = None,
) -> Graph:
    """The graph of a command line argument, its mistakes in ``Graph.diagnostics``."""
    spec, named = open_spec(argument)
    return expand(spec, values, variant=variant or named, inputs=inputs)


def open_spec(argument: str) -> tuple[Spec, str]:
    """The spec of a command line argument, and the variant that the argument names.

    Raises Unreadable, also for a name that starts like a shipped file but is no variant of it.
    """
    source, variant = open_source(argument)
    return spec_of(source, variant), variant


def open_source(argument: str) -> tuple[Source, str]:
    """The text of a command line argument, and the variant that the argument names; raises Unreadable."""
    path, variant = locate(argument)
    return read(path), variant


def spec_of(source: Source, variant: str = "") -> Spec:
    """The spec that a text describes; raises Unreadable where it has no such variant."""
    spec = read_spec(source, partial=True)
    if variant and variant not in spec.variants:
        stem = source.file.removesuffix(".yaml")
        raise Unreadable(no_such_name(variant, [stem, *spec.variants]))
    return spec
