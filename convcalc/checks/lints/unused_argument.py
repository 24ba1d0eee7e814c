"""An argument that its block does nothing with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.checks.lints._mentions import in_block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.spec import Path, Spec


def read(spec: Spec) -> Iterator[tuple[Path, str, str]]:
    """Arguments that neither a layer of their block nor the default of another argument mentions."""
    for block in spec.blocks.values():
        used = in_block(block)
        for name in block.args:
            if name not in used:
                told = f"block {block.name} does nothing with its argument '{name}'"
                yield (*block.path, "args", name), told, "remove it, or use it in an expression of the block"
