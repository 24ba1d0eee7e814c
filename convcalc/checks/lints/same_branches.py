"""Branches that come to the same."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from convcalc.checks.lints._net import Remark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.checks.lints._net import Net


def look(net: Net) -> Iterator[Remark]:
    """Joins of branches of which more than one has no layer that is on.

    A join that names a tensor twice with ``from`` says what it wants.
    """
    for place, node, _ in net.ops():
        by_branches = node.layer is not None and node.layer.branches is not None
        if by_branches and len(set(node.inputs)) < len(node.inputs):
            ((_, times),) = Counter(node.inputs).most_common(1)
            told = f"{times} branches of {net.title(place)} have no layers: each is what forks"
            yield Remark(place, told, "remove all but one of them, or give them layers that are on")
