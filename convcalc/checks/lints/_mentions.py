"""The names that the expressions of a spec mention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import Problem
from convcalc.expressions import parse
from convcalc.spec.layers import every_layer

if TYPE_CHECKING:
    from convcalc.spec import Block, Layer, Spec


def mentioned(spec: Spec) -> set[str]:
    """Every name in an expression of the file, whatever it stands for there."""
    variants = spec.variants.values()
    return {
        *_names([spec.vars, spec.expect, [given.shape for given in spec.inputs.values()]]),
        *_names([variant.vars for variant in variants]),
        *_names([variant.expect for variant in variants]),
        *_in_layers(spec.layers),
        *(name for block in spec.blocks.values() for name in in_block(block)),
    }


def in_block(block: Block) -> set[str]:
    """Every name in an expression of a block, the defaults of its arguments among them."""
    return _names(block.args) | _in_layers(block.layers)


def _in_layers(layers: list[Layer]) -> set[str]:
    return {
        name for layer in every_layer(layers) for name in _names([layer.args, layer.when, layer.repeat, layer.expect])
    }


def _names(said: Any) -> set[str]:
    if isinstance(said, str):
        try:
            return set(parse(said).names)
        except Problem:
            return set()
    parts = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    return {name for part in parts for name in _names(part)}
