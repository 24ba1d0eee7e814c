"""The windows of a two-dimensional convolution as numbers, from the raw attributes of its layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.kernels._axes import per_axis
from convcalc.kernels._windows import inside, paddings, reach

if TYPE_CHECKING:
    from collections.abc import Mapping

Pair = tuple[int, int]


class Geometry(NamedTuple):
    """A kernel, and how it slides: ``padding`` is (before, after) by axis."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    padding: tuple[Pair, Pair]
    groups: int

    @property
    def is_point(self) -> bool:
        """Whether the kernel sees one position, and no padding."""
        return self.kernel == (1, 1) and self.padding == ((0, 0), (0, 0))

    @property
    def reach(self) -> Pair:
        """From the first tap to the last, by axis."""
        return reach(self.kernel[0], self.dilation[0]), reach(self.kernel[1], self.dilation[1])

    def places(self, size: Pair) -> Pair:
        """How many windows there are on each axis, counted."""
        rows, columns = (
            len(inside(n, span, step, *around))
            for n, span, step, around in zip(size, self.reach, self.stride, self.padding, strict=True)
        )
        return rows, columns

    def read(
        self, axis: int, tap: int, size: int, count: int, start: int = 0, stop: int | None = None
    ) -> tuple[slice, slice]:
        """The positions that a tap reads on one axis, and the windows that do; not those that read padding.

        Of the ``count`` windows only ``start .. stop - 1`` are looked at, and numbered from ``start``.
        """
        step = self.stride[axis]
        origin = tap * self.dilation[axis] - self.padding[axis][0]
        first = max(start, -(origin // step))
        last = min(count if stop is None else stop, (size - 1 - origin) // step + 1)
        if last <= first:
            return slice(0, 0), slice(0, 0)
        return slice(origin + first * step, origin + (last - 1) * step + 1, step), slice(first - start, last - start)

    def mirrored(self, size: Pair) -> Geometry:
        """The convolution by the mirrored kernel that leads gradients back to an operand of ``size``; stride 1 only."""
        found = []
        for n, count, span, (before, _) in zip(size, self.places(size), self.reach, self.padding, strict=True):
            ahead = span - before
            found.append((ahead, n + span - count - ahead))
        return self._replace(padding=(found[0], found[1]))


def geometry(given: Mapping[str, Any], kernel: tuple[int, ...], sizes: tuple[int, ...]) -> Geometry:
    """That of a layer with these attributes, on an operand of one or two axes; one axis is a map of one row."""
    rank = len(sizes)
    strides = per_axis(given.get("stride", 1), rank, "stride")
    dilations = per_axis(given.get("dilation", 1), rank, "dilation")
    spans = [reach(k, d) for k, d in zip(kernel, dilations, strict=True)]
    around = paddings(given.get("padding", 0), sizes, spans, strides)
    flat = rank == 1
    return Geometry(
        (1, kernel[0]) if flat else (kernel[0], kernel[1]),
        (1, strides[0]) if flat else (strides[0], strides[1]),
        (1, dilations[0]) if flat else (dilations[0], dilations[1]),
        ((0, 0), around[0]) if flat else (around[0], around[1]),
        given.get("groups", 1),
    )
