"""Channels mixed between groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.kernels.correlation import grouped

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def channel_shuffle(x: Array, *, groups: int) -> tuple[Array, Vjp]:
    """``[N, C, *S]`` with the channels, ``groups`` rows of them, read by columns.

    Source: torch.nn.ChannelShuffle; Zhang et al. 2017, section 3.1.
    """

    def vjp(dy: Array) -> Gradients:
        return {0: _turned(dy, x.shape[1] // groups)}

    return _turned(x, groups), vjp


def _turned(x: Array, rows: int) -> Array:
    return grouped(x, rows, 1).swapaxes(1, 2).reshape(x.shape)
