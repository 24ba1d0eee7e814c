"""Channels last inside: a value is logical ``[N, C, *S]`` everywhere, its memory ``[N, *S, C]``.

So a plain kernel takes it as it is, and what works element by element keeps the layout.
"""

from __future__ import annotations

import threading
from math import prod
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

BLOCK = 2 * 1024 * 1024
"""Bytes of results that are finished while they are still in the cache."""


def channels_last(x: Array) -> Array:
    """Logical ``[N, C, *S]`` as contiguous ``[N, *S, C]``; free where the memory already is so."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def logical(x: Array) -> Array:
    """``[N, *S, C]`` seen as ``[N, C, *S]``."""
    return np.moveaxis(x, -1, 1)


def as_map(x: Array) -> Array:
    """Logical ``[N, C, W]`` or ``[N, C, H, W]`` as contiguous ``[N, H, W, C]``."""
    return channels_last(x if x.ndim == 4 else x[:, :, None])


def from_map(y: Array, rank: int) -> Array:
    """``[N, H, W, C]`` as logical ``[N, C, H, W]``, or ``[N, C, W]`` where the rank is 3."""
    return logical(y) if rank == 4 else logical(y)[:, :, 0]


class _Scratch(threading.local):
    def __init__(self) -> None:
        self.kept: dict[str, Array] = {}


_scratch = _Scratch()


def scratch(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Memory of this thread to work in, its content undefined, the same again for the same name."""
    size = prod(shape) * dtype.itemsize
    kept = _scratch.kept.get(name)
    if kept is None or kept.nbytes < size:
        kept = _scratch.kept[name] = np.empty(size, np.uint8)
    return kept[:size].view(dtype).reshape(shape)
