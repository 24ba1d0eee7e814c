"""Cross-correlation by several algorithms, one module each, all with these three functions.

    correlate(x, w, stride, dilation, groups) -> y
    input_adjoint(dy, w, sizes, stride, dilation, groups) -> dx
    weight_adjoint(x, dy, kernel, stride, dilation, groups) -> dw

``x`` is ``[N, C, *sizes]``, already padded; ``w`` is ``[O, C / groups, *kernel]``; ``y`` is ``[N, O, *P]`` with

    y[n, o, p] = sum over c, j of w[o, c, j] * x[n, c, stride * p + dilation * j]

where the channels ``c`` are those of the group of ``o``. ``stride``, ``dilation``, ``sizes`` and ``kernel`` have one
entry an axis. The other two are the adjoints of this map in ``x`` and in ``w``; the first of them is the transposed
convolution. An algorithm adds what it really multiplies and adds to ``tally``; one that does not apply raises
``NotApplicable``.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from convcalc.kernels._windows import inside, reach

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Sizes


class NotApplicable(ValueError):
    """The algorithm cannot do this layer: a kernel, stride or size that it is not made for."""


class Algorithm(Protocol):
    """The three functions of a module."""

    @staticmethod
    def correlate(x: Array, w: Array, stride: Sizes, dilation: Sizes, groups: int) -> Array:
        """The map itself."""

    @staticmethod
    def input_adjoint(dy: Array, w: Array, sizes: Sizes, stride: Sizes, dilation: Sizes, groups: int) -> Array:
        """Its adjoint in ``x``."""

    @staticmethod
    def weight_adjoint(x: Array, dy: Array, kernel: Sizes, stride: Sizes, dilation: Sizes, groups: int) -> Array:
        """Its adjoint in ``w``."""


def names() -> list[str]:
    """The algorithms there are: the modules of this package."""
    files = os.listdir(os.path.dirname(__file__))
    return sorted(file[:-3] for file in files if file.endswith(".py") and not file.startswith("_"))


def find(name: str) -> Algorithm:
    """An algorithm by its name."""
    return cast("Algorithm", import_module(f"convcalc.kernels.correlation.{name}"))


def place(sizes: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes) -> list[range]:
    """By axis, the first positions of all windows in ``sizes``."""
    axes = zip(sizes, kernel, stride, dilation, strict=True)
    return [inside(n, reach(k, d), s) for n, k, s, d in axes]


def counts(starts: list[range]) -> Sizes:
    """How many windows there are, by axis."""
    return tuple(map(len, starts))


def grouped(array: Array, groups: int, axis: int) -> Array:
    """The channels on ``axis`` as two axes: groups, and channels of a group."""
    channels = array.shape[axis]
    if channels % groups:
        raise ValueError(f"{channels} channels do not divide into {groups} groups")
    return array.reshape(*array.shape[:axis], groups, channels // groups, *array.shape[axis + 1 :])
