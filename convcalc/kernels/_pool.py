"""What pools share: where windows start, and the way back to the largest values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convcalc.kernels._axes import per_axis
from convcalc.kernels._windows import inside, overlapping, paddings, reach

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Sizes


class Window(NamedTuple):
    """The windows on one axis of a padded operand; ``starts`` count from its first padding."""

    starts: range
    kernel: int
    dilation: int
    before: int
    after: int
    """Padding that the windows reach; ``beyond`` of it is no padding, but what the last window has too much."""
    beyond: int


def place(
    sizes: Sizes, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool | str
) -> list[Window]:
    """The windows by axis.

    ``ceil_mode``: a last window that reaches beyond the end counts, where the one before it leaves positions out and
    it does not itself start behind the operand; with ``caffe`` and no padding even then (Caffe's pooling layer).
    """
    rank = len(sizes)
    kernels, dilations = per_axis(kernel_size, rank, "kernel_size"), per_axis(dilation, rank, "dilation")
    strides = kernels if stride is None else per_axis(stride, rank, "stride")
    spans = [reach(k, d) for k, d in zip(kernels, dilations, strict=True)]
    if padding in ("same", "full"):
        raise ValueError(f"pools have no padding {padding!r}")
    amounts = paddings(padding, sizes, spans, strides)
    partial = ceil_mode and padding not in ("same_upper", "same_lower")
    anywhere = ceil_mode == "caffe" and not any(map(any, amounts))
    found = []
    axes = zip(sizes, kernels, strides, dilations, spans, amounts, strict=True)
    for n, k, s, d, span, (before, after) in axes:
        if partial:
            starts = overlapping(n, span, s, before, after, anywhere=anywhere)
        else:
            starts = inside(n, span, s, before, after)
        beyond = max(starts[-1] + span - (n - 1 + after), 0)
        shifted = range(starts[0] + before, starts[-1] + before + 1, s)
        found.append(Window(shifted, k, d, before, after + beyond, beyond))
    return found


def flat_places(sizes: Sizes, shape: Sizes) -> Array:
    """For every value of ``[N, C, *sizes]`` its place in the flattened map: int64, no memory of its own."""
    places: Array = np.arange(int(np.prod(sizes)), dtype=np.int64).reshape(sizes)
    return np.broadcast_to(places, shape)


def scatter(dy: Array, indices: Array, shape: Sizes) -> Array:
    """``[N, C, *S]`` with each value of ``dy`` added at its place in the flattened map; a place of -1 is nowhere."""
    maps = shape[0] * shape[1]
    size = int(np.prod(shape[2:]))
    places = indices.reshape(maps, -1)
    shifted = (places + size * np.arange(maps)[:, None]).ravel()
    kept = places.ravel() >= 0
    sums = np.bincount(shifted[kept], dy.ravel()[kept], minlength=maps * size)
    return sums.astype(dy.dtype, copy=False).reshape(shape)
