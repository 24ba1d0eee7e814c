"""An activation right behind the same activation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.checks.lints._net import Remark
from convcalc.ops._pointwise import Pointwise
from convcalc.ops._softmax import AlongAxis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.checks.lints._net import Net


def look(net: Net) -> Iterator[Remark]:
    """Activations of the very values that the same activation has just made; softmax and its logarithm are one."""
    for place, node, op in net.ops():
        if not isinstance(op, (Pointwise, AlongAxis)):
            continue
        before = net.behind_views(place)
        other = net.nodes[before].op
        if type(op) is type(other) or (isinstance(op, AlongAxis) and isinstance(other, AlongAxis)):
            told = f"{node.kind} of what {net.title(before)} has just made: nothing lies between the two"
            yield Remark(place, told, "remove one of the two, or put a layer between them")
