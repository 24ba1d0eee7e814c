"""A norm right behind a norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.checks.lints._net import Remark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.checks.lints._net import Net


def look(net: Net) -> Iterator[Remark]:
    """Norms of channels whose mean and deviation the layer before has just set."""
    for place, node, op in net.ops():
        before = net.nodes[node.inputs[0].node]
        if op.centres and before.op is not None and before.op.centres:
            told = f"{node.kind} of what {net.title(node.inputs[0].node)} has just normalised"
            yield Remark(place, told, "remove one of the two")
