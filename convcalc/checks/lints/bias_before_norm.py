"""A bias that the norm behind it takes off again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.checks.lints._net import Remark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.checks.lints._net import Net


def look(net: Net) -> Iterator[Remark]:
    """Layers with a bias for each channel, all of whose users take the mean of the channel off.

    A bias that several layers share is passed over.
    """
    shared = {node.shares for node in net.nodes}
    for place, node, op in net.ops():
        users = net.users[place]
        if not getattr(op, "bias", False) or not users or place in net.outputs:
            continue
        if node.shares is not None or place in shared:
            continue
        by_channel = op.parameters(*net.operands(place)).get("bias", ()) == net.result(place)[:1]
        if by_channel and all(_centres(net, user) for user in users):
            title = net.title(users[0])
            told = f"{title} takes the mean of each channel off, and the bias of {net.title(place)} with it"
            yield Remark(place, told, "write bias: false", ("bias",))


def _centres(net: Net, place: int) -> bool:
    op = net.nodes[place].op
    return op is not None and op.centres
