"""A block that no layer is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.spec.layers import every_layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.spec import Path, Spec


def read(spec: Spec) -> Iterator[tuple[Path, str, str]]:
    """Blocks that are never called, at the top level or from another block."""
    bodies = [spec.layers, *(block.layers for block in spec.blocks.values())]
    called = {layer.kind for body in bodies for layer in every_layer(body)}
    for name in spec.blocks:
        if name not in called:
            yield ("blocks", name), f"no layer is the block '{name}'", "remove it, or list it among the layers"
