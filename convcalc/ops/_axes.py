"""Axes as PyTorch counts them: 0 is the batch, 1 the channels, -1 the last."""

from __future__ import annotations

from typing import Any

from convcalc.diagnostics import Problem
from convcalc.ops._attributes import INTEGER_SCHEMA, PerAxis, T


class Axes(PerAxis[T]):
    """One axis, or a list of axes."""

    expected = "an axis or a list of axes"

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [INTEGER_SCHEMA, {"type": "array", "items": INTEGER_SCHEMA, "minItems": 1, "maxItems": 5}]}


def position(dim: int, rank: int, key: str = "dim") -> int:
    """The place of PyTorch's axis ``dim`` in a shape of ``rank`` axes without the batch; raises Problem."""
    axis = dim + rank if dim < 0 else dim - 1
    if dim == 0 or not 0 <= axis < rank:
        told = "the batch axis" if dim == 0 else "no axis of the operand"
        fix = f"write {key}: 1 for the channels" + (f", up to {rank} for the last axis" if rank > 1 else "")
        raise Problem("wrong-axis", f"{key} {dim} is {told}", fix, (key,))
    return axis
