"""What convolutions share: windows over a border that may be made of copies, kernels that may be turned around."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import Problem
from convcalc.dims import prod
from convcalc.ops import _border
from convcalc.ops._attributes import Flag, Integer, PerAxis, Word
from convcalc.ops._op import Cost, Outcome, Taps, phases, whole
from convcalc.ops._window import BY_SIZE, Windowed, divisible, mend_groups, same_channels

if TYPE_CHECKING:
    from convcalc.dims import Demand, Dim, Shape


class Correlating(Windowed):
    """Windows whose values are multiplied by a kernel and summed up."""

    saves = ("input",)

    stride = PerAxis[Any]("Distance between neighbouring windows.", 1, minimum=1, also=("strides", "subsample"))
    padding_mode = Word(
        "What the padding holds: zeros, or copies: reflect (mirrored at the border, without it), replicate (the border "
        "itself), circular (the other end).",
        _border.MODES,
        "zeros",
    )
    flip = Flag("Whether the kernel is turned around on all axes: a true convolution.", False, also=("flip_filters",))

    def check(self) -> None:
        if self.padding_mode != "zeros" and self.padding in BY_SIZE:
            told = f"padding {self.padding} is made of zeros, padding_mode says {self.padding_mode}"
            raise Problem("contradiction", told, "give padding integers, or the word same", ("padding_mode",))

    def slid(self, sizes: Shape) -> tuple[tuple[Dim, ...], tuple[Demand, ...]]:
        """The sizes of the result, and what must hold on each axis."""
        windows = self.windows(len(sizes))
        demands = [*self.same_demands(len(sizes)), *self.fitting(sizes)]
        if self.padding_mode != "zeros":
            for n, w in zip(sizes, windows, strict=True):
                demands.extend(_border.demands(self.padding_mode, n, w.before, w.after))
        return tuple(w.count(n) for w, n in zip(windows, sizes, strict=True)), tuple(demands)

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        if demand.code == "padding-too-large":
            return "write padding_mode: replicate, or less padding"
        return super().mend(demand, *inputs)

    def saved(self, *inputs: Shape) -> tuple[str, ...]:
        """PyTorch pads a copy where padding differs between two sides or holds copies, and keeps that.

        What it reflects or replicates it keeps too.
        """
        sizes = inputs[0][1:]
        pairs = [w.padding(n) for n, w in zip(sizes, self.windows(len(sizes)), strict=True)]
        if self.padding_mode != "zeros" and any(map(any, pairs)):
            return ("values",) if self.padding_mode == "circular" else ("input", "values")
        return ("values",) if any(before != after for before, after in pairs) else self.saves

    def own_values(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Dim:
        """The operand with its padding."""
        channels, *sizes = inputs[0]
        pairs = zip(sizes, self.windows(len(sizes)), strict=True)
        return channels * prod(n + sum(w.padding(n)) for n, w in pairs)

    def sized(self, *inputs: Shape) -> bool:
        """Where copies stand depends on the size."""
        around = any(w.before or w.after for w in self.windows(len(inputs[0]) - 1))
        return super().sized(*inputs) or (self.padding_mode != "zeros" and around)

    def bounded(self, *inputs: Shape) -> bool:
        """What a window reads from the other end, or mirrored between its taps, is no progression."""
        apart = any(w.dilation != 1 for w in self.windows(len(inputs[0]) - 1))
        return self.padding_mode == "circular" or (self.padding_mode != "zeros" and apart)

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        """Copies in the padding depend on the size of the operand."""
        if self.padding_mode == "zeros":
            return super().taps(*inputs)
        sizes = inputs[0][1:]
        pairs = zip(self.windows(len(sizes)), sizes, strict=True)
        return (tuple(_border.windowed(w, n, self.padding_mode) for w, n in pairs),)


class Convolution(Correlating):
    """``out_channels`` learnt kernels over the channels of the operand."""

    out_channels = Integer[int](
        "Number of kernels, the channels of the result.",
        minimum=1,
        also=("filters", "num_output", "num_filters", "channels", "features"),
    )
    bias = Flag("Whether a learnt constant is added to each output channel.", True, also=("use_bias", "bias_term"))
    in_channels = Integer[int | None]("Channels of the operand: inferred, a demand where given.", None, minimum=1)

    def infer(self, *inputs: Shape) -> Outcome:
        outputs, demands = self.slid(inputs[0][1:])
        return Outcome(((self.out_channels, *outputs),), (*self.channel_demands(inputs[0][0]), *demands))

    def channel_demands(self, channels: Dim) -> tuple[Demand, ...]:
        """What must hold of the operand's channels."""
        return same_channels(self, "in_channels", channels)

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        return mend_channels(self, demand, inputs[0][0]) or super().mend(demand, *inputs)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One MAC for each tap of each output, taps on padding included; a bias is one add an output."""
        channels, *sizes = inputs[0]
        results = prod(outputs[0])
        macs = results * self.seen(channels) * prod(self.kernels(len(sizes)))
        return Cost(macs=macs, adds=results if self.bias else 0)

    def channels(self, port: int, *inputs: Shape) -> tuple[Taps, ...]:
        """A kernel reads all."""
        return (whole(inputs[0][0]),)

    def seen(self, channels: Dim) -> Dim:
        """How many of the operand's channels an output sees."""
        return channels


GROUPS = Integer[int](
    "Independent groups of channels; as many as channels is depthwise.", 1, minimum=1, also=("group", "num_group")
)


def group_demands(op: Any, channels: Dim) -> tuple[Demand, ...]:
    """The groups divide the channels on both sides."""
    return (
        divisible(channels, op.groups, "input channels", ("groups",)),
        divisible(op.out_channels, op.groups, "output channels", ("groups",)),
    )


def group_channels(op: Any, channels: Dim) -> tuple[Taps, ...]:
    """A kernel reads the channels of its group."""
    if op.groups == 1:
        return (whole(channels),)
    alike, each = phases(op.out_channels // op.groups), channels // op.groups
    return (Taps(alike, each, ((0, 1, each),) * alike),)


def mend_channels(op: Any, demand: Demand, channels: Dim) -> str:
    """A fix for a demand on channels, or an empty text."""
    if demand.code == "indivisible-groups":
        return mend_groups(op.groups, channels, op.out_channels)
    if demand.code == "wrong-in-channels":
        return f"write in_channels: {channels}, or leave it out"
    return ""
