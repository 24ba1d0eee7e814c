"""Matrix product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.kernels._axes import agree, same_shape
from convcalc.kernels._tally import tally

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def matmul(a: Array, b: Array) -> tuple[Array, Vjp]:
    """``[N, ..., n, k]`` by ``[N, ..., k, m]`` to ``[N, ..., n, m]``. Source: torch.matmul."""
    same_shape("matmul", a.shape[:-2], b.shape[:-2])
    agree("columns of the first operand", a.shape[-1], b.shape[-2])
    y = a @ b
    macs = a.size * b.shape[-1]
    tally.macs += macs
    tally.product(a.shape[-2], a.shape[-1], b.shape[-1], y.size // (y.shape[-1] * y.shape[-2]))

    def vjp(dy: Array) -> Gradients:
        tally.input_macs += 2 * macs
        tally.product(a.shape[-2], b.shape[-1], a.shape[-1], y.size // (y.shape[-1] * y.shape[-2]))
        tally.product(a.shape[-1], a.shape[-2], b.shape[-1], y.size // (y.shape[-1] * y.shape[-2]))
        return {0: dy @ b.swapaxes(-1, -2), 1: a.swapaxes(-1, -2) @ dy}

    return y, vjp
