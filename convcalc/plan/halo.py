"""Rows of an operand with the padding around them, and all windows on these rows as a view."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from convcalc.plan.layout import scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.plan.geometry import Geometry, Pair
    from convcalc.plan.layout import Array


def halo(x: Array, top: int, rows: int, left: int, columns: int) -> Array:
    """``rows x columns`` positions of ``x [H, W, C]`` from ``(top, left)`` on, zero where there are none."""
    height, width, channels = x.shape
    if top >= 0 and left >= 0 and top + rows <= height and left + columns <= width:
        return x[top : top + rows, left : left + columns]
    padded = scratch("halo", (rows, columns, channels), x.dtype)
    first, last = _within(top, rows, height)
    near, far = _within(left, columns, width)
    padded[:first] = 0
    padded[last:] = 0
    padded[first:last, :near] = 0
    padded[first:last, far:] = 0
    padded[first:last, near:far] = x[top + first : top + last, left + near : left + far]
    return padded


def _within(start: int, count: int, size: int) -> tuple[int, int]:
    """Which of ``count`` positions from ``start`` on lie in ``0 .. size - 1``: from the first to behind the last."""
    first = min(max(-start, 0), count)
    return first, max(min(size - start, count), first)


def windows(x: Array, geometry: Geometry, places: Pair, start: int, stop: int) -> Array:
    """``[rows, Q, kh, kw, C]``: the windows ``start .. stop - 1`` of the first axis of ``x [H, W, C]``; a view."""
    (sh, sw), (dh, dw), (rh, rw) = geometry.stride, geometry.dilation, geometry.reach
    (above, _), (before, _) = geometry.padding
    rows, columns = (stop - start - 1) * sh + rh + 1, (places[1] - 1) * sw + rw + 1
    padded = halo(x, start * sh - above, rows, -before, columns)
    row, column, channel = padded.strides
    return np.lib.stride_tricks.as_strided(
        padded,
        (stop - start, places[1], *geometry.kernel, x.shape[2]),
        (sh * row, sw * column, dh * row, dw * column, channel),
    )


def blocks(count: int, most: int, least: int = 1) -> list[tuple[int, int]]:
    """``0 .. count - 1`` in blocks of about one size: at most ``most`` each, at least ``least`` of them."""
    number = min(max(-(-count // max(most, 1)), least), count)
    ends = [count * i // number for i in range(number + 1)]
    return list(pairwise(ends))


def by_sample(first: int, last: int, rows: int) -> Iterator[tuple[int, int, int, slice]]:
    """Rows ``first .. last - 1`` of all samples together: ``(sample, start, stop, where in the block)``."""
    at = first
    while at < last:
        n, start = divmod(at, rows)
        stop = min(rows, start + last - at)
        yield n, start, stop, slice(at - first, at - first + stop - start)
        at += stop - start
