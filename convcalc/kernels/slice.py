"""A range of positions."""

from __future__ import annotations

from builtins import slice as positions
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def slice(x: Array, *, dim: int, start: int = 0, end: int | None = None, step: int = 1) -> tuple[Array, Vjp]:  # noqa: A001
    """The positions ``start, start + step, ...`` before ``end`` of axis ``dim``, negative ones counted from behind.

    Source: Python's slices, but a range that leaves the operand is refused.
    """
    n = x.shape[dim]
    first = start + n if start < 0 else start
    behind = n if end is None else end + n if end < 0 else end
    if not 0 <= first < behind <= n:
        raise ValueError(f"{start} to {end} is no range of {n} positions")
    taken = (*(positions(None),) * (dim % x.ndim), positions(first, behind, step))

    def vjp(dy: Array) -> Gradients:
        dx = np.zeros_like(x)
        dx[taken] = dy
        return {0: dx}

    return x[taken], vjp
