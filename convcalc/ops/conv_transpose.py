"""Transposed convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc.dims import Demand, prod, unwindow
from convcalc.ops._attributes import Padding, PerAxis, Word
from convcalc.ops._convolution import GROUPS, Convolution, group_channels, group_demands, mend_channels
from convcalc.ops._op import Cost, Outcome
from convcalc.ops._window import Windowed, same_channels, scattered, written

if TYPE_CHECKING:
    from convcalc.dims import Dim, Shape
    from convcalc.ops._op import Taps


class ConvTranspose(Windowed):
    """The gradient of a convolution as an operation: every input position adds a kernel to the output.

    Source: torch.nn.ConvTranspose2d; Dumoulin & Visin 2016, section 4.
    """

    also = (
        "conv1dtranspose", "conv2dtranspose", "conv3dtranspose", "deconvolution", "deconv",
        "transposed_convolution", "transposed_conv", "fractionally_strided_convolution",
    )  # fmt: skip

    saves = ("input",)

    out_channels = Convolution.out_channels
    stride = PerAxis[Any]("Distance in the output between neighbouring inputs.", 1, minimum=1, also=("strides",))
    padding = Padding("Positions cut off the output: an integer, one an axis, or a pair [before, after] an axis.", 0)
    padding_mode = Word("What would be cut off: zeros alone.", ("zeros",), "zeros")
    groups = GROUPS
    bias = Convolution.bias
    in_channels = Convolution.in_channels
    output_padding = PerAxis[Any]("Positions added behind the output.", 0, minimum=0, also=("output_pad", "adj"))

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        demands = [*same_channels(self, "in_channels", channels), *group_demands(self, channels)]
        outputs = []
        for n, w, more in zip(sizes, self.windows(len(sizes)), self._more(len(sizes)), strict=True):
            reason = f"output_padding {more} reaches both the stride ({w.stride}) and the dilation ({w.dilation})"
            beyond = (more // w.stride) * (more // w.dilation)
            demands.append(Demand(beyond, "==", 0, "output-padding-too-large", reason, ("output_padding",)))
            size = unwindow(n, w.extent, w.stride, w.before + w.after, more)
            reason = "padding cuts off all of the output: it would have {left} positions"
            demands.append(Demand(size, ">=", 1, "empty-result", reason, ("padding",)))
            outputs.append(size)
        return Outcome(((self.out_channels, *outputs),), tuple(demands))

    def _more(self, rank: int) -> tuple[Dim, ...]:
        return self.per_axis("output_padding", rank)

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        sizes = inputs[0][1:]
        windows, more = self.windows(len(sizes)), self._more(len(sizes))
        if demand.code == "output-padding-too-large":
            most = [min(m, max(w.stride, w.dilation) - 1) for m, w in zip(more, windows, strict=True)]
            return f"write output_padding: {written(most)}"
        if demand.code == "empty-result":
            room = [unwindow(n, w.extent, w.stride, 1, m) for n, w, m in zip(sizes, windows, more, strict=True)]
            pads = [min(max(w.before, w.after), r // 2) for w, r in zip(windows, room, strict=True)]
            return f"write padding: {written(pads)}"
        return mend_channels(self, demand, inputs[0][0])

    def reads_all(self, *inputs: Shape) -> tuple[Demand, ...]:
        """Every position adds its kernel."""
        return ()

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        channels, *sizes = inputs[0]
        weight = (channels, self.out_channels // self.groups, *self.kernels(len(sizes)))
        return {"weight": weight, "bias": (self.out_channels,)} if self.bias else {"weight": weight}

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One MAC for each tap of each input, what padding cuts off included; a bias is one add an output."""
        kernel = self.kernels(len(inputs[0]) - 1)
        macs = prod(inputs[0]) * (self.out_channels // self.groups) * prod(kernel)
        return Cost(macs=macs, adds=prod(outputs[0]) if self.bias else 0)

    def channels(self, port: int, *inputs: Shape) -> tuple[Taps, ...]:
        return group_channels(self, inputs[0][0])

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        return (tuple(map(scattered, self.windows(len(inputs[0]) - 1))),)
