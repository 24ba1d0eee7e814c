"""Scaled exponential linear unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.kernels.elu import elu

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Gradients, Vjp

ALPHA = 1.6732632423543772848170429916717
SCALE = 1.0507009873554804934193349852946


def selu(x: Array) -> tuple[Array, Vjp]:
    """``SCALE * elu(x, ALPHA)``. Source: torch.nn.SELU; Klambauer et al. 2017."""
    y, slopes = elu(x, alpha=ALPHA)

    def vjp(dy: Array) -> Gradients:
        return slopes(SCALE * dy)

    return SCALE * y, vjp
