"""What follows a convolution, done on a block of its results while that is still in the cache."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.plan.layout import Array

ACTIVATIONS = {"relu": inf, "relu6": 6.0}
"""What an epilogue can end with: values from 0 to this. ``clip`` takes half the time of ``maximum`` and ``minimum``."""

LONG = 6144
"""NumPy adds a broadcast row twice as fast where it has more values than its buffer holds half of."""


class Epilogue:
    """A factor and a summand for each channel, another tensor, an activation: applied in place, in this order."""

    def __init__(
        self,
        scale: Array | None = None,
        bias: Array | None = None,
        other: Array | None = None,
        activation: str = "",
    ) -> None:
        self._channelwise = [
            (ufunc, values, np.tile(values, -(-LONG // len(values))))
            for ufunc, values in ((np.multiply, scale), (np.add, bias))
            if values is not None
        ]
        self.other = other
        """Of the shape of the results, ``[N, P, Q, O]``, contiguous."""
        self.activation = activation

    def rows(self, y: Array, start: int, stop: int) -> None:
        """Finish rows of ``y [N * P, Q, O]``, contiguous."""
        block = y[start:stop].reshape(-1)
        for ufunc, _, long in self._channelwise:
            whole = len(block) - len(block) % len(long)
            main, rest = block[:whole].reshape(-1, len(long)), block[whole:]
            ufunc(main, long, out=main)
            ufunc(rest, long[: len(rest)], out=rest)
        self._finish(block, None if self.other is None else self.other.reshape(y.shape)[start:stop].reshape(-1))

    def columns(self, y: Array, part: slice) -> None:
        """Finish some channels of ``y [N * P * Q, O]``."""
        block = y[:, part]
        for ufunc, values, _ in self._channelwise:
            ufunc(block, values[part], out=block)
        self._finish(block, None if self.other is None else self.other.reshape(y.shape)[:, part])

    def _finish(self, block: Array, other: Array | None) -> None:
        if other is not None:
            np.add(block, other, out=block)
        if self.activation:
            np.clip(block, 0, ACTIVATIONS[self.activation], out=block)


def activation_gradient(activation: str, y: Array, dy: Array) -> Array:
    """``dy`` where the activation that gave ``y`` passes it on, else 0."""
    if not activation:
        return dy
    passed = y > 0
    if activation == "relu6":
        passed &= y < ACTIVATIONS[activation]
    return dy * passed
