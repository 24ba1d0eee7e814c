"""A variable that nothing depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.checks.lints._mentions import mentioned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.spec import Path, Spec


def read(spec: Spec) -> Iterator[tuple[Path, str, str]]:
    """Variables that neither a layer, nor an input, a claim, or another variable mentions."""
    used = mentioned(spec)
    for name in spec.vars:
        if name not in used:
            yield ("vars", name), f"nothing depends on the variable '{name}'", "remove it, or use it in an expression"
