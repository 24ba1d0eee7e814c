"""What can be expected or budgeted, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


def count(rows: tuple[Row, ...], name: str) -> int:
    """The sum of a count over layers."""
    return sum(getattr(row if hasattr(row, name) else row.cost, name) for row in rows)


def of_net(analysis: Analysis, name: str) -> Any:
    """A metric of the whole net, by one of ``NET_NAMES``."""
    return NET[name](analysis.totals) if name in NET else count(analysis.rows, name)
