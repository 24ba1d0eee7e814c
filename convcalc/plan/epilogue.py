"""What follows a convolution, done on a block of its results while that is still in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.plan.layout import Array

ACTIVATIONS = ("relu", "relu6")
"""What an epilogue can end with."""


class Epilogue:
    """A constant for each channel, another tensor, an activation: added and applied in place, in this order."""

    def __init__(self, bias: Array | None = None, other: Array | None = None, activation: str = "") -> None:
        self.bias = bias
        self.other = other
        """Of the shape of the results, ``[N, P, Q, O]``."""
        self.activation = activation
        self._tiled: Array | None = None

    def rows(self, y: Array, start: int, stop: int) -> None:
        """Finish rows of ``y [N * P, Q, O]``, contiguous."""
        width, channels = y.shape[1:]
        block = y[start:stop].reshape(-1, width * channels)
        other = None if self.other is None else self.other.reshape(y.shape)[start:stop].reshape(block.shape)
        if self.bias is not None and self._tiled is None:
            self._tiled = np.tile(self.bias, width)
        self._finish(block, self._tiled, other)

    def columns(self, y: Array, part: slice) -> None:
        """Finish some channels of ``y [N * P * Q, O]``."""
        bias = None if self.bias is None else self.bias[part]
        other = None if self.other is None else self.other.reshape(y.shape)[:, part]
        self._finish(y[:, part], bias, other)

    def _finish(self, y: Array, bias: Array | None, other: Array | None) -> None:
        if bias is not None:
            np.add(y, bias, out=y)
        if other is not None:
            np.add(y, other, out=y)
        if self.activation:
            np.maximum(y, 0, out=y)
        if self.activation == "relu6":
            np.minimum(y, 6, out=y)


def activation_gradient(activation: str, y: Array, dy: Array) -> Array:
    """``dy`` where the activation that gave ``y`` passes it on, else 0."""
    if activation == "relu":
        return dy * (y > 0)
    if activation == "relu6":
        return dy * ((y > 0) & (y < 6))
    return dy
