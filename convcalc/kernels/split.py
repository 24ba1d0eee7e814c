"""Several parts of one tensor."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from convcalc.kernels._axes import agree

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.kernels._types import Array, Gradients


def split(
    x: Array, *, sections: tuple[int, ...] | None = None, chunks: int | None = None, dim: int = 1
) -> tuple[tuple[Array, ...], Callable[[tuple[Array | None, ...]], Gradients]]:
    """The parts of axis ``dim``: of the sizes ``sections``, or ``chunks`` of one size. Source: torch.split."""
    if sections is not None:
        agree("sections", sum(sections), x.shape[dim])
        parts = np.split(x, list(accumulate(sections))[:-1], axis=dim)
    elif chunks is not None:
        parts = np.split(x, chunks, axis=dim)
    else:
        raise ValueError("split needs sections or chunks")

    def vjp(dy: tuple[Array | None, ...]) -> Gradients:
        pairs = zip(dy, parts, strict=True)
        return {0: np.concatenate([np.zeros_like(part) if d is None else d for d, part in pairs], axis=dim)}

    return tuple(parts), vjp
