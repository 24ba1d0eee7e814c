"""Two dense layers that are as good as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.checks.lints._net import Remark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.checks.lints._net import Net


def look(net: Net) -> Iterator[Remark]:
    """Dense layers right behind another that nobody else uses, unless that one is narrower than both its sides.

    A narrow layer between is a matrix of low rank, which is asked for.
    """
    for place, node, _ in net.ops():
        if node.kind != "linear":
            continue
        before = net.behind_views(place)
        if net.nodes[before].kind != "linear" or len(net.users[before]) > 1 or before in net.outputs:
            continue
        first, middle, last = net.operands(before)[0][-1], net.result(before)[-1], net.result(place)[-1]
        if middle >= min(first, last) and len(net.operands(place)[0]) == len(net.result(before)):
            told = f"nothing lies between {net.title(before)} and {net.title(place)}: one matrix does what both do"
            yield Remark(place, told, "put an activation between them, or remove one")
