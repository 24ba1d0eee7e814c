"""A softmax over a single value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.checks.lints._net import Remark
from convcalc.ops._axes import position
from convcalc.ops._softmax import AlongAxis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.checks.lints._net import Net


def look(net: Net) -> Iterator[Remark]:
    """Softmax along an axis of size 1: whatever was computed before it is lost."""
    for place, node, op in net.ops():
        if isinstance(op, AlongAxis):
            x = net.shape(node.inputs[0])
            if x[position(op.dim, len(x))] == 1:
                constant = "0" if node.kind == "log_softmax" else "1"
                told = f"{node.kind} of one value is always {constant}: nothing before it has an effect"
                yield Remark(place, told, "use sigmoid, or write the dim that has several values")
