"""Matrix product."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from convcalc.kernels._axes import agree, same_shape
from convcalc.kernels._tally import tally

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp


def matmul(a: Array, b: Array, *, wanted: tuple[bool, ...] = (True, True)) -> tuple[Array, Vjp]:
    """``[N, ..., n, k]`` by ``[N, ..., k, m]`` to ``[N, ..., n, m]``.

    ``wanted`` says for each operand whether its gradient is asked for. Source: torch.matmul.
    """
    same_shape("matmul", a.shape[:-2], b.shape[:-2])
    agree("columns of the first operand", a.shape[-1], b.shape[-2])
    y = _product(a, b)
    macs = a.size * b.shape[-1]
    tally.macs += macs

    def vjp(dy: Array) -> Gradients:
        gradients: Gradients = {}
        if wanted[0]:
            gradients[0] = _product(dy, b.swapaxes(-1, -2))
            tally.input_macs += macs
        if wanted[1]:
            gradients[1] = _product(a.swapaxes(-1, -2), dy)
            tally.input_macs += macs
        return gradients

    return y, vjp


def _product(a: Array, b: Array) -> Array:
    """Of the matrices on the last two axes; the multiplications are tallied."""
    tally.product(a.shape[-2], a.shape[-1], b.shape[-1], prod(a.shape[:-2]))
    return a @ b
