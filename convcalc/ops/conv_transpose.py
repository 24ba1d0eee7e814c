"""Transposed convolution."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any

from convcalc.dims import Demand, Dim, Shape, prod, unwindow
from convcalc.ops._attributes import Padding, PerAxis
from convcalc.ops._op import Cost, Outcome, Taps, phases
from convcalc.ops._window import divisible, same_channels, written
from convcalc.ops.conv import Conv

if TYPE_CHECKING:
    from convcalc.ops._window import Window


class ConvTranspose(Conv):
    """The gradient of a convolution as an operation: every input position adds a kernel to the output.

    Source: torch.nn.ConvTranspose2d; Dumoulin & Visin 2016, section 4.
    """

    also = (
        "conv1dtranspose", "conv2dtranspose", "conv3dtranspose", "deconvolution", "deconv",
        "transposed_convolution", "transposed_conv", "fractionally_strided_convolution",
    )  # fmt: skip

    stride = PerAxis[Any]("Distance in the output between neighbouring inputs.", 1, minimum=1, also=("strides",))
    padding = Padding("Positions cut off the output: an integer, one an axis, or a pair [before, after] an axis.", 0)
    output_padding = PerAxis[Any]("Positions added behind the output.", 0, minimum=0, also=("output_pad", "adj"))

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        demands = [
            *same_channels(self, "in_channels", channels),
            divisible(channels, self.groups, "input channels", ("groups",)),
            divisible(self.out_channels, self.groups, "output channels", ("groups",)),
        ]
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
        return super().mend(demand, *inputs)

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        channels, *sizes = inputs[0]
        weight = (channels, self.out_channels // self.groups, *self.per_axis("kernel_size", len(sizes)))
        return {"weight": weight, "bias": (self.out_channels,)} if self.bias else {"weight": weight}

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One MAC for each tap of each input, what padding cuts off included; a bias is one add an output."""
        kernel = self.per_axis("kernel_size", len(inputs[0]) - 1)
        macs = prod(inputs[0]) * (self.out_channels // self.groups) * prod(kernel)
        return Cost(macs=macs, adds=prod(outputs[0]) if self.bias else 0)

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        return (tuple(map(_scattered, self.windows(len(inputs[0]) - 1))),)


def _scattered(w: Window) -> Taps:
    """The inputs ``i`` that reach an output ``o = i * stride - before + dilation * j``, by ``o % stride``."""
    shared = gcd(w.stride, w.dilation)
    apart = w.stride // shared
    """Taps ``j`` that reach one output are so far apart, the inputs they come from ``dilation // shared``."""
    period = phases(w.stride)
    first = {(w.dilation * tap - w.before) % w.stride: tap for tap in range(min(apart, w.kernel))}
    windows = []
    for phase in range(period):
        tap = first.get(phase)
        if tap is None:
            windows.append((0, 1, 0))
            continue
        count = (w.kernel - 1 - tap) // apart + 1
        step = w.dilation // shared
        last = (phase + w.before - w.dilation * tap) // w.stride
        windows.append((last - step * (count - 1), step, count))
    return Taps(w.stride, 1, tuple(windows))
