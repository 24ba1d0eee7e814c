"""The arrays of worked examples: nested lists of exact numbers, every row as long as the first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import times
from convcalc.spec.structure import PLACE, kind, mapping, name

if TYPE_CHECKING:
    from convcalc.spec.findings import Findings
    from convcalc.spec.model import Path

_FRACTION = re.compile(r"[-+]?[0-9]+ ?/ ?0*[1-9][0-9]*")


def array(found: Findings, value: Any, path: Path) -> Any:
    """The value as written, a number, a fraction or a regular nesting of them; findings if it is not."""
    _extent(found, value, path)
    return value


def arrays(found: Findings, value: Any, path: Path, example: str) -> dict[str, Any]:
    """A map of names to arrays."""
    given = mapping(found, value, path, path[-1] if path and isinstance(path[-1], str) else "this", example)
    for key, entry in given.items():
        name(found, key, (*path, key), "a layer or a tensor of one", PLACE, key=True)
        array(found, entry, (*path, key))
    return given


def _extent(found: Findings, value: Any, path: Path) -> tuple[int, ...] | None:
    """The array's shape; None, after a finding, if it has none."""
    if not isinstance(value, list):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return ()
        if isinstance(value, str) and _FRACTION.fullmatch(value):
            return ()
        fix = "write an integer, a decimal number or a fraction like -1/2"
        found.add(path, "not-a-number", f"an array holds numbers, and this is {kind(value)}", fix)
        return None
    if not value:
        found.add(path, "empty-list", "an array without numbers", "give it at least one number")
        return None
    extents = [_extent(found, entry, (*path, i)) for i, entry in enumerate(value)]
    if None in extents:
        return None
    first = extents[0] or ()
    for i, extent in enumerate(extents):
        if extent != first:
            message = f"this is {_said(extent or ())}, and the first entry beside it {_said(first)}"
            found.add((*path, i), "ragged-array", message, "make all rows equally long")
            return None
    return (len(extents), *first)


def _said(extent: tuple[int, ...]) -> str:
    if not extent:
        return "a number"
    return f"a row of {extent[0]}" if len(extent) == 1 else times(extent)
