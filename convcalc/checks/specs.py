"""A spec held against itself, in every variant."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from convcalc.analysis import examine
from convcalc.checks import check_claims
from convcalc.checks.lints import Linter
from convcalc.checks.outcome import Checked
from convcalc.diagnostics import Diagnostic, SpecError, Unreadable, in_order
from convcalc.expand import expand
from convcalc.loading import open_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


MOST = 200_000
"""Layers of all variants together; more take longer to check than anybody waits."""


def spec_files(arguments: Iterable[str]) -> Iterator[str]:
    """The specs that paths and names mean, folders searched for YAML files in a stable order.

    Raises Unreadable for a folder without any.
    """
    for argument in arguments:
        if not os.path.isdir(argument):
            yield argument
            continue
        found = sorted(_below(argument))
        if not found:
            raise Unreadable(f"{argument}: no .yaml or .yml file in this folder")
        yield from found


def _below(folder: str) -> Iterator[str]:
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.join(path, name) for name in files if name.endswith((".yaml", ".yml")))


def check_spec(argument: str) -> Checked:
    """Everything that is wrong with a spec, as its file declares it and in each of its variants.

    Raises Unreadable where there is nothing to read.
    """
    try:
        spec, named = open_spec(argument)
    except SpecError as error:
        return Checked(argument, error.diagnostics, 0)
    found_in: dict[Diagnostic, list[str]] = {}
    linter = Linter(spec)
    asked = [named] if named else ["", *spec.variants]
    layers = 0
    whole = True
    for variant in ("", *spec.variants):
        graph = expand(spec, variant=variant)
        layers += len(graph.nodes)
        if variant and layers > MOST:
            told = f"the variants make more than {MOST:,} layers in all"
            place = spec.marks.key(("variants", variant))
            found_in[Diagnostic("too-many-layers", told, "split the file", spec.source, place)] = [""]
            whole = False
            break
        analysis, found = examine(graph)
        if analysis is None:
            whole = False
        else:
            linter.look(analysis)
            found = list(check_claims(analysis).failed)
        for finding in dict.fromkeys(found):
            found_in.setdefault(finding, []).append(variant)
    if whole:  # what a mistake leaves unread would look unused
        found_in |= linter.findings()
    placed = (finding._replace(variants=() if "" in names else tuple(names)) for finding, names in found_in.items())
    return Checked(argument, in_order(placed), len(asked))
