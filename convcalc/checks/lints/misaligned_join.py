"""Joins whose branches look at different places of an input."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from convcalc.analysis.alignment import misaligned, offsets
from convcalc.analysis.receptive import POINT
from convcalc.checks.lints._net import Remark
from convcalc.ops._window import Windowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.analysis import Row
    from convcalc.analysis.alignment import Misaligned
    from convcalc.analysis.receptive import Field
    from convcalc.checks.lints._net import Net


def look(net: Net) -> Iterator[Remark]:
    """Joins whose branches are apart by a step of the coarsest map on their ways, or more.

    Less is common and harmless: upsampling by nearest neighbours, an even kernel, a pool beside a stride. So is what
    is causal on one axis, where both branches end at the same place; and branches without a window, which shift.
    """
    if not _in_doubt(net):
        return
    rows = {row.name: row for row in net.analysis.rows}
    found = [m for m in misaligned(net.graph, net.steps) if _matters(net, rows, m)]
    for place, at_join in groupby(found, key=lambda m: m.place):
        several = list(at_join)
        if len({m.axis for m in several}) > 1 or any(not _causal(rows, m) for m in several):
            fix = "pad both branches alike, or crop as much in front as behind"
            yield Remark(place, several[0].told(), fix)


def _in_doubt(net: Net) -> bool:
    """Whether operands of some join are out of step, or a net has several inputs, of which rows name the widest."""
    joins = [node for node in net.nodes if len(node.inputs) > 1]
    if len(net.graph.inputs) > 1:
        return bool(joins)
    fields: list[tuple[Field, ...]] = []
    rows = iter(net.analysis.rows)
    for place, node in enumerate(net.nodes):
        fields.append((POINT,) * (len(net.result(place)) - 1) if node.is_input else next(rows).fields)
    for node in joins:
        first, *others = (fields[ref.node] for ref in node.inputs)
        if any(first and other and any(offsets(first, other)) for other in others if other != first):
            return True
    return False


def _matters(net: Net, rows: dict[str, Row], m: Misaligned) -> bool:
    windowed = any(isinstance(rows[name].applied.op, Windowed) for name in (*m.first.layers, *m.second.layers))
    return windowed and _apart(net, m) >= _step(rows, m)


def _apart(net: Net, m: Misaligned) -> float:
    """How far the branches are apart; with strides that differ, at the first or the last output."""
    if m.offset is not None:
        return float(abs(m.offset))
    last = net.result(m.place)[m.axis + 1] - 1
    ends = [[_centre(branch.field, output) for branch in (m.first, m.second)] for output in (0, last)]
    return max(abs(one - other) for one, other in ends)


def _centre(field: Field, output: int) -> float:
    turn, phase = divmod(output, field.period)
    first, last = field.spans[phase] or (0, 0)
    return (first + last) / 2 + turn * field.advance


def _step(rows: dict[str, Row], m: Misaligned) -> float:
    """Positions of the input between neighbours of the coarsest map on the ways to a join."""
    strides = [b.field.stride for b in (m.first, m.second)]
    ways = (*m.first.layers, *m.second.layers)
    return float(max(*strides, *(rows[name].stride[m.axis] for name in ways)))


def _causal(rows: dict[str, Row], m: Misaligned) -> bool:
    """Whether both branches see up to the same position."""
    ends = [span[1] if (span := branch.field.spans[0]) else 0 for branch in (m.first, m.second)]
    return m.offset is not None and abs(ends[0] - ends[1]) < _step(rows, m)
