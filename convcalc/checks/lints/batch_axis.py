"""Windows that slide in three dimensions, over an input that looks like a batch of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.checks.lints._net import Remark
from convcalc.ops._window import Windowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.checks.lints._net import Net


def look(net: Net) -> Iterator[Remark]:
    """Windows right on an input of four axes, the second as long as an image has channels: hardly a volume's depth."""
    for place, node, op in net.ops():
        x = net.shape(node.inputs[0])
        if isinstance(op, Windowed) and net.nodes[node.inputs[0].node].is_input and len(x) == 4 and x[1] in (1, 3):
            image = [str(size) for size in x[1:]]
            told = f"{net.title(place)} reads {x[0]}x{'x'.join(image)} as a volume of {'x'.join(image)}"
            yield Remark(place, f"{told}: a spec has no batch axis", f"write input: [{', '.join(image)}]")
