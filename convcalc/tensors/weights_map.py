"""The map file: our names and a weights file's names, one to a line.

conv_1.weight: features.0.weight
stage2/3/conv_1: layer2.2.conv1         # a layer: all its parameters by their own names
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.diagnostics import did_you_mean
from convcalc.spec import read
from convcalc.spec.document import load
from convcalc.spec.findings import Findings
from convcalc.spec.model import Marks
from convcalc.spec.structure import kind, mapping
from convcalc.tensors.matching import split

if TYPE_CHECKING:
    from collections.abc import Collection

EXAMPLE = "conv_1.weight: features.0.weight"


def read_map(path: str, wanted: Collection[str], theirs: Collection[str]) -> dict[str, str]:
    """The file's name for each of ours that the map speaks of.

    Raises Unreadable, and SpecError with the place of every name that is neither ours nor theirs.
    """
    source = read(path)
    found = Findings(source, Marks())
    if not source.text.strip():
        found.add((), "empty", "there is no map in this file", f"write lines like `{EXAMPLE}`")
        found.stop()
    given = mapping(found, load(source, found), (), "a map of names", EXAMPLE)
    layers = dict.fromkeys(split(name)[0] for name in wanted)
    parameters: dict[str, str] = {}
    of_layers: dict[str, str] = {}
    for ours, value in given.items():
        there = _written(found, ours, value)
        if isinstance(value, (dict, list)) or value is None:
            message = f"'{ours}' leads to {kind(value)}"
            found.add((ours,), "not-a-name", message, f"write the file's name, as in `{EXAMPLE}`")
        elif ours in wanted:
            parameters[ours] = there
            if there not in theirs:
                found.add((ours,), "unknown-name", f"the file has no '{there}'", did_you_mean(there, theirs))
        elif ours in layers:
            own = [name for name in wanted if split(name)[0] == ours]
            of_layers |= {name: f"{there}.{split(name)[1]}" for name in own}
            if not any(of_layers[name] in theirs for name in own):
                near = did_you_mean(there, dict.fromkeys(split(name)[0] for name in theirs))
                found.add((ours,), "unknown-name", f"the file has no parameter of a layer '{there}'", near)
        else:
            near = did_you_mean(ours, [*wanted, *layers] if "." in ours else layers)
            found.add((ours,), "unknown-parameter", f"there is no parameter or layer '{ours}'", near, key=True)
    found.stop()
    return of_layers | parameters


def _written(found: Findings, key: str, value: object) -> str:
    """A name as it stands in the file: ``1.10`` is no number here."""
    span = found.marks.values.get((key,))
    if isinstance(value, str) or span is None:
        return str(value)
    return found.source.line(span.line)[span.column - 1 : span.column - 1 + span.width]
