"""A difference for programs: docs/continuous-integration.md describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from convcalc.report.document import write_document

if TYPE_CHECKING:
    from convcalc.analysis import Row
    from convcalc.checks.difference import Change, Two
    from convcalc.report.difference.compared import Compared


def write(compared: Compared, file: TextIO) -> None:
    """Write every layer that differs, and the totals of both nets."""
    difference = compared.difference
    write_document(
        file,
        old=compared.old,
        new=compared.new,
        same=difference.same,
        failed=[limit.text for limit in compared.passed],
        inputs=_both(difference.inputs),
        outputs=_both(difference.outputs),
        variables=_both(difference.variables),
        totals=_both(difference.totals),
        layers=[_layer(change) for change in difference.changed],
    )


def _both(differing: dict[str, Two]) -> dict[str, dict[str, Any]]:
    return {name: {"old": was, "new": now} for name, (was, now) in differing.items()}


def _layer(change: Change) -> dict[str, Any]:
    return {
        "old": _row(change.old),
        "new": _row(change.new),
        "settings": _both(change.settings),
        "reads": _both({"reads": change.reads})["reads"] if change.reads else None,
        "moved": {"old": change.moved[0], "new": change.moved[1]} if change.moved else None,
        "own": change.own,
    }


def _row(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "name": row.name,
        "op": row.op,
        "shape": row.shape,
        "receptive_field": row.receptive_field,
        "params": row.params,
        "macs": row.macs,
        "flops": row.flops,
    }
