"""Layers that are off whatever the variables are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.diagnostics import Problem
from convcalc.expressions import evaluate
from convcalc.spec.layers import every_layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.spec import Path, Spec


def read(spec: Spec) -> Iterator[tuple[Path, str, str]]:
    """Layers whose ``when`` or ``repeat`` is 0 without any variable in it."""
    for body in (spec.layers, *(block.layers for block in spec.blocks.values())):
        for layer in every_layer(body):
            for key, said in (("when", layer.when), ("repeat", layer.repeat)):
                if said is not None and _always_zero(said):
                    told = f"{layer.name} never runs: {key} is 0 whatever the variables are"
                    yield (*layer.path, key), told, f"remove the layer, or let {key} depend on a variable"


def _always_zero(said: int | str) -> bool:
    try:
        return (evaluate(said, {}) if isinstance(said, str) else said) == 0
    except Problem:
        return False
