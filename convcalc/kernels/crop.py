"""Cropping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._axes import pairs, per_axis

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Sizes, Vjp


def crop(
    x: Array, like: Array | None = None, *, size: Any = None, margin: Any = None, offset: Any = None
) -> tuple[Array, Vjp]:
    """A smaller map of ``[N, C, *S]``: of a ``size``, less a ``margin``, or as large as ``like``.

    It begins at ``offset``, or is centred, the odd position left out behind; of ``like`` only the size is read.
    Source: Caffe's Crop layer; torchvision's center_crop.
    """
    sizes = x.shape[2:]
    rank = len(sizes)
    if sum(told is not None for told in (like, size, margin)) != 1:
        raise ValueError("crop takes a size, a margin or a second operand")
    if margin is not None:
        spans = [(before, n - after) for n, (before, after) in zip(sizes, pairs(margin, rank, "margin"), strict=True)]
    else:
        goals = per_axis(size, rank, "size") if like is None else _map(like, rank)
        starts = [(n - goal) // 2 for n, goal in zip(sizes, goals, strict=True)]
        if offset is not None:
            starts = list(per_axis(offset, rank, "offset"))
        spans = [(start, start + goal) for start, goal in zip(starts, goals, strict=True)]
    if any(not 0 <= start < end <= n for n, (start, end) in zip(sizes, spans, strict=True)):
        raise ValueError(f"{spans} does not lie in a map of {sizes}")
    part = (slice(None), slice(None), *(slice(*span) for span in spans))

    def vjp(dy: Array) -> Gradients:
        dx = np.zeros_like(x)
        dx[part] = dy
        return {0: dx}

    return x[part], vjp


def _map(like: Array, rank: int) -> Sizes:
    if like.ndim != rank + 2:
        raise ValueError(f"crop takes operands of one rank, not {rank + 2} and {like.ndim} axes")
    return like.shape[2:]
