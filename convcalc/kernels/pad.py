"""Padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._axes import pairs
from convcalc.kernels._border import gathered, surrounded

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def pad(x: Array, *, padding: Any, mode: str = "constant", value: float = 0.0) -> tuple[Array, Vjp]:
    """Positions of ``value`` around ``[N, C, *S]``, or copies; negative amounts are cut off first.

    Source: torch.nn.functional.pad.
    """
    amounts = pairs(padding, x.ndim - 2, "padding")
    if mode != "constant":
        if value or min(map(min, amounts)) < 0:
            raise ValueError(f"mode {mode!r} takes no value, and cuts nothing off")
        return surrounded(x, amounts, mode), lambda dy: {0: gathered(dy, amounts, mode)}
    kept, own = [slice(None)] * 2, [slice(None)] * 2
    sizes = list(x.shape[:2])
    for n, (before, after) in zip(x.shape[2:], amounts, strict=True):
        positions = range(n)[max(-before, 0) : n - max(-after, 0)]
        if before + after <= -n or min(n + before, n + after) < 0:
            raise ValueError(f"{before} and {after} leave nothing of {n} positions")
        kept.append(slice(positions.start, positions.stop))
        own.append(slice(max(before, 0), max(before, 0) + len(positions)))
        sizes.append(max(before, 0) + len(positions) + max(after, 0))
    y = np.full(sizes, value, x.dtype)
    y[tuple(own)] = x[tuple(kept)]

    def vjp(dy: Array) -> Gradients:
        dx = np.zeros_like(x)
        dx[tuple(kept)] = dy[tuple(own)]
        return {0: dx}

    return y, vjp
