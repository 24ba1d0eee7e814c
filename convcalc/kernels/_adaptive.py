"""Bins of adaptive pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc.kernels._axes import per_axis

if TYPE_CHECKING:
    from convcalc.kernels._types import Sizes


def bins(sizes: Sizes, output_size: Any) -> list[list[slice] | None]:
    """By axis, the positions of each bin: all that its share of the axis touches; None where the size is kept.

    Bin ``i`` of ``o`` has the share from ``i * n / o`` to ``(i + 1) * n / o``. Source: torch.nn.AdaptiveAvgPool2d.
    """
    goals = per_axis(output_size, len(sizes), "output_size")
    return [None if goal is None else _shares(n, goal) for n, goal in zip(sizes, goals, strict=True)]


def _shares(n: int, goal: int) -> list[slice]:
    return [slice(i * n // goal, -(-(i + 1) * n // goal)) for i in range(goal)]
