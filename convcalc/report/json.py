"""The JSON form, for programs: docs/json.md describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from convcalc.report.document import write_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.analysis import Analysis, Row
    from convcalc.analysis.receptive import Field
    from convcalc.checks.claims import Claims


def write_json(analyses: Sequence[tuple[Analysis, Claims]], file: TextIO) -> None:
    """Write every layer and total of each net as one JSON document."""
    write_document(file, nets=[_net(analysis, claims) for analysis, claims in analyses])


def _net(analysis: Analysis, claims: Claims) -> dict[str, Any]:
    graph, totals = analysis.graph, analysis.totals
    return {
        "name": graph.name,
        "variant": graph.variant or None,
        "file": graph.spec.source.path if graph.spec else None,
        "variables": graph.values,
        "batch": analysis.batch,
        "dtype": analysis.dtype,
        "inputs": {
            name: {"shape": graph.nodes[ref.node].shape, "dtype": graph.nodes[ref.node].dtype}
            for name, ref in graph.inputs.items()
        },
        "outputs": analysis.outputs,
        "totals": {
            "params": totals.params,
            "buffers": totals.buffers,
            "macs": totals.macs,
            "flops": totals.flops,
            "cost": totals.cost._asdict(),
            "weight_macs": totals.weight_macs,
            "input_macs": totals.input_macs,
            "receptive_field": _field(totals.fields, totals.sees_all),
            "depth": totals.depth,
            "parameter_bytes": totals.parameter_bytes,
            "activation_bytes": totals.memory.activations,
            "peak_bytes": totals.memory.peak,
            "peak_at": totals.peak_at,
            "backward_bytes": totals.memory.saved,
        },
        "layers": [_layer(row) for row in analysis.rows],
        "claims": {
            "hold": claims.hold,
            "proved": claims.proved,
            "proved_for": claims.variables,
            "checked_at_values": len(claims.at_values),
            "suspended": claims.suspended,
            "failed": [finding(failed) for failed in claims.failed],
            "not_run": claims.not_run,
        },
    }


def _layer(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "op": row.op,
        "operands": row.operands,
        "shape": row.shape,
        "receptive_field": _field(row.fields, row.sees_all),
        "params": row.params,
        "parameters": row.parameters,
        "macs": row.macs,
        "flops": row.flops,
        "cost": row.cost._asdict(),
        "weight_macs": row.weight_macs,
        "input_macs": row.input_macs,
    }


def _field(fields: Sequence[Field], sees_all: bool) -> dict[str, Any]:
    """Per axis; a stride below one input position is a fraction, as text."""
    return {
        "size": [field.size for field in fields],
        "stride": [field.stride if isinstance(field.stride, int) else str(field.stride) for field in fields],
        "start": [field.start for field in fields],
        "exact": all(field.exact for field in fields),
        "sees_all": sees_all,
    }


def finding(diagnostic: Any) -> dict[str, Any]:
    """A diagnostic."""
    place = diagnostic.span
    return {
        "code": diagnostic.code,
        "message": diagnostic.message,
        "fix": diagnostic.fix,
        "line": place.line if place else None,
        "column": place.column if place else None,
    }
