"""What convolutions share: how a kernel slides over an operand and the padding around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.kernels._axes import per_axis
from convcalc.kernels._border import gathered, surrounded
from convcalc.kernels._windows import paddings, reach

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Sizes


class Sliding(NamedTuple):
    """Strides and dilations by axis, the padding in front and behind, and what it holds."""

    strides: Sizes
    dilations: Sizes
    amounts: list[tuple[int, int]]
    mode: str

    def padded(self, x: Array) -> Array:
        """``x [N, C, *S]`` with its padding."""
        return surrounded(x, self.amounts, self.mode)

    def gathered(self, dx: Array) -> Array:
        """The adjoint of ``padded``."""
        return gathered(dx, self.amounts, self.mode)


def sliding(sizes: Sizes, kernel: Sizes, stride: Any, padding: Any, dilation: Any, mode: str = "zeros") -> Sliding:
    """A kernel over an operand of these sizes; raises ValueError for a padding that cannot be."""
    if mode != "zeros" and padding in ("same_upper", "same_lower"):
        raise ValueError(f"padding {padding!r} is made of zeros")
    strides, dilations = per_axis(stride, len(sizes), "stride"), per_axis(dilation, len(sizes), "dilation")
    spans = [reach(k, d) for k, d in zip(kernel, dilations, strict=True)]
    return Sliding(strides, dilations, paddings(padding, sizes, spans, strides), mode)
