"""Convolution that cycles through several kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc.dims import prod
from convcalc.ops._attributes import PerAxis
from convcalc.ops._convolution import Convolution

if TYPE_CHECKING:
    from convcalc.dims import Shape
    from convcalc.ops._op import Outcome


MOST = 4 << 20
"""Bytes of columns that are made at once."""


class TiledConv(Convolution):
    """Neighbouring positions have different kernels, which come again after ``tiles`` positions.

    Between conv (1 tile) and local_conv (as many as positions). Weight ``[O, *T, C, *K]``, bias ``[O, *T]``.
    Source: Goodfellow et al. 2016, equation 9.10; Gregor & LeCun 2010; Le et al. 2010.
    """

    also = ("tiled_convolution",)

    tiles = PerAxis[Any]("After how many positions the kernels come again.", minimum=1, also=("tile_size", "t"))

    def infer(self, *inputs: Shape) -> Outcome:
        self.per_axis("tiles", len(inputs[0]) - 1)
        return super().infer(*inputs)

    def workspace(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], width: int) -> int:
        """The padded operand, and the results of a tile with the columns that they are made of, at most 4 MiB."""
        (channels, *sizes), rank = inputs[0], len(inputs[0]) - 1
        results = prod(outputs[0]) // prod(self.per_axis("tiles", rank))
        columns = results // self.out_channels * channels * prod(self.kernels(len(sizes))) * width
        return int((self.padded(inputs) + results) * width + min(columns, MOST))

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        channels, *sizes = inputs[0]
        tiles = (self.out_channels, *self.per_axis("tiles", len(sizes)))
        weight = (*tiles, channels, *self.kernels(len(sizes)))
        return {"weight": weight, "bias": tiles} if self.bias else {"weight": weight}
