"""Mean squared error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.kernels._axes import same_shape

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def mse_loss(x: Array, target: Array) -> tuple[Array, Vjp]:
    """The mean of ``(x - target)^2`` over a sample's values: two ``[N, ...]`` to ``[N, 1]``.

    The loss of a batch is the mean of its samples'. Source: torch.nn.MSELoss.
    """
    same_shape("mse_loss", x.shape, target.shape)
    error = x - target
    y = (error * error).reshape(len(x), -1).mean(axis=1, keepdims=True)

    def vjp(dy: Array) -> Gradients:
        dx = 2 / x[0].size * error * dy.reshape(-1, *(1,) * (x.ndim - 1))
        return {0: dx, 1: -dx}

    return y, vjp
