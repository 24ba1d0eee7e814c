"""Convolution without shared weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.dims import prod
from convcalc.ops._convolution import Convolution

if TYPE_CHECKING:
    from convcalc.dims import Shape


class LocalConv(Convolution):
    """Every output position has kernels and biases of its own: locally connected, unshared weights.

    Weight ``[O, *P, C, *K]``, bias ``[O, *P]``. Source: Goodfellow et al. 2016, equation 9.9; Keras'
    LocallyConnected2D.
    """

    also = ("locally_connected", "locallyconnected", "unshared_conv", "conv_local", "local")

    def workspace(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], width: int) -> int:
        """The padded operand, and the products of a tap."""
        return int((self.padded(inputs) + prod(outputs[0])) * width)

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        channels, *sizes = inputs[0]
        places = self.infer(*inputs).shapes[0]
        weight = (*places, channels, *self.kernels(len(sizes)))
        return {"weight": weight, "bias": places} if self.bias else {"weight": weight}
