"""Padding that is made of copies of the operand's own positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._windows import on, pad, unpad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.kernels._types import Array

COPIES: dict[str, Any] = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""PyTorch's words, and NumPy's."""


def surrounded(x: Array, amounts: Sequence[tuple[int, int]], mode: str) -> Array:
    """``x`` with ``(before, after)`` more positions on each spatial axis: zeros, or copies of its own."""
    if mode == "zeros":
        return pad(x, amounts)
    for axis, (before, after) in enumerate(amounts, 2):
        if before or after:
            x = x.take(_copied(x.shape[axis], before, after, mode), axis=axis)
    return x


def gathered(dx: Array, amounts: Sequence[tuple[int, int]], mode: str) -> Array:
    """The adjoint: what arrives at a copy is added to the position that it is a copy of."""
    if mode == "zeros":
        return unpad(dx, amounts)
    for axis, (before, after) in enumerate(amounts, 2):
        end = dx.shape[axis] - after
        own = dx[on(axis, slice(before, end))].copy()
        copied = _copied(end - before, before, after, mode)
        for place in (*range(before), *range(end, dx.shape[axis])):
            own[on(axis, slice(copied[place], copied[place] + 1))] += dx[on(axis, slice(place, place + 1))]
        dx = own
    return dx


def _copied(n: int, before: int, after: int, mode: str) -> Array:
    """For each position of the padded axis the one that it is a copy of; raises ValueError for more than there are."""
    if mode not in COPIES:
        raise ValueError(f"no padding is called {mode!r}")
    most = n - 1 if mode == "reflect" else n
    if mode != "replicate" and max(before, after) > most:
        raise ValueError(f"{before} and {after} positions cannot be copied of {n} with {mode}")
    return np.pad(np.arange(n), (before, after), COPIES[mode])
