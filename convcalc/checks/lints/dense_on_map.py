"""A dense layer on a map that still has spatial axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.checks.lints._net import Remark
from convcalc.diagnostics import times
from convcalc.ops._global_pool import GlobalPool
from convcalc.ops._window import Windowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.checks.lints._net import Net


def look(net: Net) -> Iterator[Remark]:
    """Dense layers on what a convolution or a pool made; a permute, reshape or matmul between says that it is meant."""
    maps: set[int] = set()
    for place, node, op in net.ops():
        x, source = net.shape(node.inputs[0]), node.inputs[0].node
        if node.kind == "linear" and len(x) > 1 and source in maps:
            told = f"{net.title(place)} mixes the last axis alone of a map of {times(x)}"
            yield Remark(place, told, "put flatten before it, or use conv with kernel_size: 1")
        kept = len(node.inputs) == 1 and source in maps and net.result(place) == x
        if kept or isinstance(op, (Windowed, GlobalPool)):
            maps.add(place)
