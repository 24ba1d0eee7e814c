"""Convolution, as deep learning means it: cross-correlation."""

from __future__ import annotations

from typing import Any, ClassVar

from convcalc.dims import Demand, Shape, prod
from convcalc.ops._attributes import Flag, Integer, PerAxis, Word
from convcalc.ops._op import Cost, Outcome, Taps, phases, whole
from convcalc.ops._window import Windowed, divisible, mend_groups, same_channels


class Conv(Windowed):
    """Cross-correlation of ``[N, C, *S]`` with ``out_channels`` kernels, in 1-D to 4-D.

    Each output channel of a group sees the input channels of that group. Source: torch.nn.Conv2d;
    Dumoulin & Visin 2016, section 2.
    """

    also: ClassVar[tuple[str, ...]] = ("convolution", "conv2d_1x1", "cross_correlation")
    saves = ("input",)

    out_channels = Integer[int](
        "Number of kernels, the channels of the result.",
        minimum=1,
        also=("filters", "num_output", "num_filters", "channels", "features"),
    )
    stride = PerAxis[Any]("Distance between neighbouring windows.", 1, minimum=1, also=("strides", "subsample"))
    groups = Integer[int](
        "Independent groups of channels; as many as channels is depthwise.", 1, minimum=1, also=("group", "num_group")
    )
    bias = Flag("Whether a learnt constant is added to each output channel.", True, also=("use_bias", "bias_term"))
    padding_mode = Word("What the padding holds.", ("zeros",), "zeros")
    in_channels = Integer[int | None]("Channels of the operand: inferred, a demand where given.", None, minimum=1)

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        windows = self.windows(len(sizes))
        demands = [
            *same_channels(self, "in_channels", channels),
            divisible(channels, self.groups, "input channels", ("groups",)),
            divisible(self.out_channels, self.groups, "output channels", ("groups",)),
            *self.same_demands(len(sizes)),
        ]
        reason = "the kernel spans {right} positions, the padded input has {left}"
        for n, w in zip(sizes, windows, strict=True):
            if w.rounding == "floor":
                demands.append(
                    Demand(n + w.before + w.after, ">=", w.extent, "kernel-too-large", reason, ("kernel_size",))
                )
        outputs = (w.count(n) for w, n in zip(windows, sizes, strict=True))
        return Outcome(((self.out_channels, *outputs),), tuple(demands))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        if demand.code == "indivisible-groups":
            return mend_groups(self.groups, inputs[0][0], self.out_channels)
        if demand.code == "wrong-in-channels":
            return f"write in_channels: {inputs[0][0]}, or leave it out"
        return super().mend(demand, *inputs)

    def channels(self, port: int, *inputs: Shape) -> tuple[Taps, ...]:
        """A kernel reads the channels of its group."""
        channels, groups = inputs[0][0], self.groups
        if groups == 1:
            return (whole(channels),)
        alike = phases(self.out_channels // groups)
        return (Taps(alike, channels // groups, ((0, 1, channels // groups),) * alike),)

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        channels, *sizes = inputs[0]
        kernel = self.per_axis("kernel_size", len(sizes))
        weight = (self.out_channels, channels // self.groups, *kernel)
        return {"weight": weight, "bias": (self.out_channels,)} if self.bias else {"weight": weight}

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One MAC for each tap of each output, taps on padding included; a bias is one add an output."""
        channels, *sizes = inputs[0]
        results = prod(outputs[0])
        macs = results * (channels // self.groups) * prod(self.per_axis("kernel_size", len(sizes)))
        return Cost(macs=macs, adds=results if self.bias else 0)
