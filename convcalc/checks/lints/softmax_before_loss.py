"""A softmax in front of a loss that takes one itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.checks.lints._net import Remark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.checks.lints._net import Net


def look(net: Net) -> Iterator[Remark]:
    """Cross-entropies whose logits are the result of a softmax."""
    for place, node, _ in net.ops():
        if node.kind == "cross_entropy":
            before = net.behind_views(place)
            if net.nodes[before].kind in ("softmax", "log_softmax"):
                told = f"cross_entropy takes a softmax itself, and {net.title(before)} has taken one already"
                yield Remark(place, told, f"let it read what {net.title(before)} reads")
