"""What can be expected or budgeted, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.analysis import Analysis, Row, Totals

COUNTS = (
    "params", "macs", "flops", "weight_macs", "input_macs",
    "adds", "multiplies", "compares", "divides", "exponentials",
)  # fmt: skip
"""Sums over layers: of one layer, of a block, or of the net."""

NET: dict[str, Callable[[Totals], Any]] = {
    "receptive_field": lambda totals: totals.receptive_field,
    "stride": lambda totals: tuple(field.stride for field in totals.fields),
    "depth": lambda totals: totals.depth,
    "buffers": lambda totals: totals.buffers,
    "parameter_bytes": lambda totals: totals.parameter_bytes,
    "activation_bytes": lambda totals: totals.memory.activations,
    "peak_bytes": lambda totals: totals.memory.peak,
    "backward_bytes": lambda totals: totals.memory.saved,
    "memory": lambda totals: totals.parameter_bytes + totals.memory.peak,
}
"""Of the whole net; ``memory`` is what inference needs: parameters and the peak of activations."""

LAYER: dict[str, Callable[[Row], Any]] = {
    "receptive_field": lambda row: row.receptive_field,
    "stride": lambda row: row.stride,
}
"""Of one layer; of a repeated one the last copy."""

NET_NAMES = (*COUNTS, *NET)
LAYER_NAMES = ("shape", *COUNTS, *LAYER)
LAYER_BUDGETS = LAYER_NAMES[1:]
"""What can be limited of a layer or a block by its name: all but the shape."""


def count(rows: tuple[Row, ...], name: str) -> int:
    """The sum of a count over layers."""
    return sum(getattr(row if hasattr(row, name) else row.cost, name) for row in rows)


def of_net(analysis: Analysis, name: str) -> Any:
    """A metric of the whole net, by one of ``NET_NAMES``."""
    return NET[name](analysis.totals) if name in NET else count(analysis.rows, name)


def of_layer(analysis: Analysis, name: str, metric: str) -> Any:
    """A metric of a layer or a block, by one of ``LAYER_BUDGETS``: a sum over all copies, a field of the last.

    Raises Problem where there is no such layer.
    """
    rows = _rows(analysis, name)
    return count(rows, metric) if metric in COUNTS else LAYER[metric](rows[-1])


def _rows(analysis: Analysis, name: str) -> tuple[Row, ...]:
    """The rows of a layer, of a block, or of all copies of either."""
    nodes, groups = analysis.graph.nodes, analysis.graph.groups
    inside = {
        nodes[place].name
        for group in groups
        if name in (group.name, group.name.removesuffix(f"/{group.copy}"))
        for place in range(group.start, group.stop)
    }
    rows = tuple(row for row in analysis.rows if row.name in inside or row.name == name)
    if not rows:
        known = dict.fromkeys([group.name.removesuffix(f"/{group.copy}") for group in groups])
        known |= dict.fromkeys([row.name for row in analysis.rows] + [group.name for group in groups])
        raise Problem("unknown-layer", f"there is no layer '{name}' to budget", did_you_mean(name, known))
    return rows
