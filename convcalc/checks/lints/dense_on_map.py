"""A dense layer on a map that still has spatial axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.checks.lints._net import Remark
from convcalc.ops._global_pool import GlobalPool
from convcalc.ops._window import Windowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.checks.lints._net import Net


def look(net: Net) -> Iterator[Remark]:
    """Dense layers on what a convolution or a pool made; a permute, reshape or matmul between says that it is meant."""
    for place, node, _ in net.ops():
        x = net.shape(node.inputs[0])
        if node.kind == "linear" and len(x) > 1 and _is_map(net, node.inputs[0].node):
            told = f"{net.title(place)} mixes the last axis alone of a map of {'x'.join(map(str, x))}"
            yield Remark(place, told, "put flatten before it, or use conv with kernel_size: 1")


def _is_map(net: Net, place: int) -> bool:
    """Whether a window made the map, and all that came behind it kept every axis."""
    while (op := net.nodes[place].op) is not None:
        if isinstance(op, (Windowed, GlobalPool)):
            return True
        kept = net.result(place) == net.operands(place)[0]
        if len(net.nodes[place].inputs) > 1 or not kept:
            return False
        place = net.nodes[place].inputs[0].node
    return False
