"""Upsampling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._axes import agree, per_axis

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Sizes, Vjp

LINEAR = ("linear", "bilinear", "trilinear")


def upsample(
    x: Array, *, scale_factor: Any = None, size: Any = None, mode: str = "nearest", align_corners: bool = False
) -> tuple[Array, Vjp]:
    """Every position of ``[N, C, *S]`` repeated ``scale_factor`` times by axis, or a map of another ``size``.

    With ``nearest`` output ``o`` is position ``floor(o * n / size)``, else it lies between two neighbours, see
    ``_between``. Source: torch.nn.Upsample.
    """
    rank = x.ndim - 2
    if (size is None) == (scale_factor is None):
        raise ValueError("upsample takes a size or a scale_factor")
    goals = per_axis(size, rank, "size") if scale_factor is None else _scaled(x.shape[2:], scale_factor)
    if mode == "nearest":
        if align_corners:
            raise ValueError("align_corners is for linear interpolation")
        sources = [np.arange(goal) * n // goal for n, goal in zip(x.shape[2:], goals, strict=True)]
        shares: list[Array | None] = [None] * rank
    else:
        if mode not in LINEAR:
            raise ValueError(f"no mode is called {mode!r}")
        if mode != "linear":
            agree("axes of the mode", LINEAR.index(mode) + 1, rank)
        between = [_between(n, goal, align_corners) for n, goal in zip(x.shape[2:], goals, strict=True)]
        sources, shares = [source for source, _ in between], [share for _, share in between]
    y = x
    for axis, (source, share) in enumerate(zip(sources, shares, strict=True), 2):
        y = _taken(y, axis, source, share)

    def vjp(dy: Array) -> Gradients:
        for axis in reversed(range(2, x.ndim)):
            dy = _returned(dy, axis, x.shape[axis], sources[axis - 2], shares[axis - 2])
        return {0: dy}

    return y, vjp


def _scaled(sizes: Sizes, scale_factor: Any) -> list[int]:
    """As many positions as there are repeats."""
    scales = per_axis(scale_factor, len(sizes), "scale_factor")
    return [len(range(n)) * scale for n, scale in zip(sizes, scales, strict=True)]


def _between(n: int, size: int, align_corners: bool) -> tuple[Array, Array]:
    """For each output the neighbour in front, and the share of the one behind; none where it stands on a position.

    ``align_corners``: the first and the last output stand on the first and the last position. Else the outputs' shares
    of the axis are equal, an output stands in the middle of its own, and the border reaches half a position beyond.
    Source: torch.nn.Upsample.
    """
    outputs = np.arange(size)
    if align_corners:
        above, below = outputs * (n - 1), max(size - 1, 1)
    else:
        above, below = np.clip((2 * outputs + 1) * n - size, 0, 2 * size * (n - 1)), 2 * size
    source, rest = np.divmod(above, below)
    return source, rest / below


def _taken(x: Array, axis: int, source: Array, share: Array | None) -> Array:
    """The positions of one axis at ``source``, or between them and the next."""
    near = x.take(source, axis=axis)
    if share is None:
        return near
    behind = _along(share, x.ndim - axis).astype(x.dtype)
    far = x.take(source + (share > 0), axis=axis)
    between: Array = (1 - behind) * near + behind * far
    return between


def _returned(dy: Array, axis: int, n: int, source: Array, share: Array | None) -> Array:
    """The adjoint."""
    if share is None:
        return _summed(dy, axis, n, source)
    behind = _along(share, dy.ndim - axis).astype(dy.dtype)
    return _summed((1 - behind) * dy, axis, n, source) + _summed(behind * dy, axis, n, source + (share > 0))


def _summed(dy: Array, axis: int, n: int, source: Array) -> Array:
    """Each of ``n`` positions with the sum over the outputs it is the source of, which are neighbours."""
    read, first = np.unique(source, return_index=True)
    dx = np.zeros((*dy.shape[:axis], n, *dy.shape[axis + 1 :]), dy.dtype)
    dx.swapaxes(0, axis)[read] = np.add.reduceat(dy, first, axis=axis).swapaxes(0, axis)
    return dx


def _along(values: Array, trailing: int) -> Array:
    """A vector on the first of ``trailing`` axes."""
    return values.reshape(-1, *(1,) * (trailing - 1))
