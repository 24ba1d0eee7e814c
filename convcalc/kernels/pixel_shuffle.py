"""Channels dealt out to positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def pixel_shuffle(x: Array, *, upscale_factor: int) -> tuple[Array, Vjp]:
    """``[N, C r^d, *S]`` to ``[N, C, *(r S)]``.

    Source: torch.nn.PixelShuffle; Shi et al. 2016, equation 4.
    """
    y = spread(x, upscale_factor)

    def vjp(dy: Array) -> Gradients:
        return {0: gathered(dy, upscale_factor)}

    return y, vjp


def spread(x: Array, r: int) -> Array:
    """Each channel's block index split off the channels, and put behind the axis that it counts on."""
    rank = x.ndim - 2
    if x.shape[1] % r**rank:
        raise ValueError(f"{x.shape[1]} channels do not divide into blocks of {r**rank}")
    parts = x.reshape(len(x), -1, *(r,) * rank, *x.shape[2:])
    order = [place for axis in range(rank) for place in (2 + rank + axis, 2 + axis)]
    return parts.transpose(0, 1, *order).reshape(len(x), parts.shape[1], *(n * r for n in x.shape[2:]))


def gathered(x: Array, r: int) -> Array:
    """The reverse: every axis in blocks, whose positions become channels."""
    rank = x.ndim - 2
    if any(n % r for n in x.shape[2:]):
        raise ValueError(f"{x.shape[2:]} positions do not divide into blocks of {r}")
    blocks = [part for n in x.shape[2:] for part in (n // r, r)]
    parts = x.reshape(*x.shape[:2], *blocks)
    order = [*range(3, 2 + 2 * rank, 2), *range(2, 2 + 2 * rank, 2)]
    return parts.transpose(0, 1, *order).reshape(len(x), -1, *blocks[::2])
