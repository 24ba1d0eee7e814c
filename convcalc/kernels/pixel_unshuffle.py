"""Positions dealt out to channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.kernels.pixel_shuffle import gathered, spread

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def pixel_unshuffle(x: Array, *, downscale_factor: int) -> tuple[Array, Vjp]:
    """``[N, C, *(r S)]`` to ``[N, C r^d, *S]``.

    Source: torch.nn.PixelUnshuffle.
    """
    y = gathered(x, downscale_factor)

    def vjp(dy: Array) -> Gradients:
        return {0: spread(dy, downscale_factor)}

    return y, vjp
