"""Windows on an axis: placed one by one, and so counted.

A window that starts at ``p`` reads ``p, p + dilation, ... , p + reach``. Position 0 is the operand's first;
padding lies at ``-before .. -1`` and ``n .. n + after - 1``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.kernels._axes import pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from convcalc.kernels._types import Array, Sizes


def reach(kernel: int, dilation: int) -> int:
    """From the first tap to the last."""
    return range(0, dilation * kernel, dilation)[-1]


def inside(n: int, span: int, stride: int, before: int = 0, after: int = 0) -> range:
    """First positions of the windows that lie in the padded axis; raises ValueError where there are none."""
    last = n - 1 + after - span
    return _some(range(-before, last + 1, stride))


def overlapping(n: int, span: int, stride: int, before: int, after: int, *, anywhere: bool) -> range:
    """The same with a last window that reaches beyond the end, where the one before it leaves positions out.

    It starts in the operand or in front of it (torch.nn.MaxPool2d, ``ceil_mode``), or ``anywhere`` (Caffe).
    """
    last = n - 1 + after - span + stride - 1
    return _some(range(-before, (last if anywhere else min(last, n - 1)) + 1, stride))


def _some(starts: range) -> range:
    if not starts:
        raise ValueError("no window fits")
    return starts


def paddings(padding: Any, sizes: Sizes, spans: Sequence[int], strides: Sizes) -> list[tuple[int, int]]:
    """``(before, after)`` by axis for numbers or a word.

    ``same``: all of ``span``, the odd one behind (torch.nn.Conv2d); ``same_upper`` and ``same_lower``: what the
    windows at ``0, stride, ...`` lack at the end, the odd one behind or in front (ONNX, ``auto_pad``; TensorFlow).
    """
    if not isinstance(padding, str):
        return pairs(padding, len(sizes), "padding")
    return [_by_word(padding, n, span, stride) for n, span, stride in zip(sizes, spans, strides, strict=True)]


def _by_word(word: str, n: int, span: int, stride: int) -> tuple[int, int]:
    if word == "valid":
        return 0, 0
    if word == "full":
        return span, span
    if word == "same":
        if stride != 1:
            raise ValueError("padding 'same' with a stride")
        return span // 2, span - span // 2
    if word not in ("same_upper", "same_lower"):
        raise ValueError(f"no padding is called {word!r}")
    lacking = max(range(0, n, stride)[-1] + span - (n - 1), 0)
    less, more = lacking // 2, lacking - lacking // 2
    return (less, more) if word == "same_upper" else (more, less)


def pad(x: Array, amounts: Iterable[tuple[int, int]], value: float = 0) -> Array:
    """``x`` with ``(before, after)`` new positions on each spatial axis; itself where there are none."""
    amounts = list(amounts)
    if not any(map(any, amounts)):
        return x
    sizes = [n + before + after for n, (before, after) in zip(x.shape[2:], amounts, strict=True)]
    padded = np.full((*x.shape[:2], *sizes), value, x.dtype)
    unpad(padded, amounts)[...] = x
    return padded


def unpad(x: Array, amounts: Iterable[tuple[int, int]]) -> Array:
    """The part of ``x`` that ``pad`` put around it: its adjoint, as a view."""
    cut = (slice(before, n - after) for n, (before, after) in zip(x.shape[2:], amounts, strict=True))
    return x[(slice(None), slice(None), *cut)]


def tap(starts: range, offset: int) -> slice:
    """The positions that all windows read with the tap at ``offset`` from their start."""
    return slice(starts[0] + offset, starts[-1] + offset + 1, starts.step)


def taps(starts: Sequence[range], place: Sequence[int], dilation: Sizes) -> tuple[slice, ...]:
    """The same on all axes of ``[N, C, *S]``, for the tap number ``place`` of the kernel."""
    own = (tap(first, d * j) for first, j, d in zip(starts, place, dilation, strict=True))
    return (slice(None), slice(None), *own)


def on(axis: int, part: slice) -> tuple[slice, ...]:
    """An index that takes ``part`` of one axis."""
    return (*(slice(None),) * axis, part)
