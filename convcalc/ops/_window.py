"""Ops that slide a window: its geometry on one axis, and what they share."""

from __future__ import annotations

from math import gcd, isqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.dims import (
    Demand,
    Dim,
    Shape,
    ceil_div,
    extent,
    greatest,
    least,
    prod,
    window,
    window_caffe,
    window_ceil,
)  # fmt: skip
from convcalc.ops._attributes import Padding, PerAxis
from convcalc.ops._op import Op, Taps, phases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WORDS = ("same", "same_upper", "same_lower", "valid", "full")
BY_SIZE = ("same_upper", "same_lower")
"""Paddings that depend on the size of the input."""


class Window(NamedTuple):
    """A window on one axis; ``rounding`` says how the last, partial window counts.

    It is ``floor``, ``ceil`` (PyTorch's ``ceil_mode``), ``caffe``, or a padding word of ``BY_SIZE``.
    """

    kernel: Dim
    stride: Dim
    dilation: Dim
    before: Dim
    after: Dim
    rounding: str

    @property
    def extent(self) -> Dim:
        """Positions from the first to the last tap."""
        return extent(self.kernel, self.dilation)

    def count(self, n: Dim) -> Dim:
        """How many windows there are in ``n`` positions."""
        if self.rounding == "floor":
            return window(n, self.extent, self.stride, self.before + self.after)
        if self.rounding == "ceil":
            return window_ceil(n, self.extent, self.stride, self.before, self.after)
        if self.rounding == "caffe":
            return window_caffe(n, self.extent, self.stride, self.before + self.after)
        return ceil_div(n, self.stride)

    def unread(self, n: Dim) -> Dim:
        """Positions behind the last window that none reads, padding and the gap between windows left out; or less."""
        if self.rounding != "floor":
            return 0
        rest = (n + self.before + self.after - self.extent) % self.stride
        return rest - self.after + least(0, self.extent - self.stride)

    def taps(self, n: Dim) -> Taps:
        """The positions that each window reads; ``n`` matters for paddings of ``BY_SIZE`` alone."""
        return Taps(1, self.stride, ((-self.padding(n)[0], self.dilation, self.kernel),))

    def padding(self, n: Dim) -> tuple[Dim, Dim]:
        """Positions added in front of ``n`` and behind them."""
        if self.rounding not in BY_SIZE:
            return self.before, self.after
        total = greatest((self.count(n) - 1) * self.stride + self.extent - n, 0)
        less, more = total // 2, total - total // 2
        return (less, more) if self.rounding == "same_upper" else (more, less)


def scattered(w: Window) -> Taps:
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


class Windowed(Op):
    """What convolution and pooling share: kernel, padding, dilation, and the windows they make."""

    spatial = (1, 4)

    kernel_size = PerAxis[Any](
        "Size of the window.", minimum=1, also=("kernel", "kernel_shape", "pool_size", "ksize", "size", "k")
    )
    padding = Padding(
        "Positions added around the input: an integer, one an axis, a pair [before, after] an axis, or a word: "
        "same (PyTorch: stride 1, the extra one behind), same_upper and same_lower (TensorFlow, ONNX: ceil(n/stride) "
        "outputs, the extra one behind or in front), valid (none), full (every overlap).",
        0,
        words=WORDS,
    )
    dilation = PerAxis[Any](
        "Distance between the taps of the window.", 1, minimum=1, also=("dilations", "dilation_rate", "rate")
    )

    def padded(self, inputs: tuple[Shape, ...]) -> Dim:
        """Values of the operand and its padding as far as the windows reach, 0 where there is none."""
        channels, *sizes = inputs[0]
        reached = []
        for n, w in zip(sizes, self.windows(len(sizes)), strict=True):
            before, after = w.padding(n)
            reached.append(before + max(n + after, (w.count(n) - 1) * w.stride + w.extent - before))
        return channels * prod(reached) if reached != sizes else 0

    def kernels(self, rank: int) -> tuple[Dim, ...]:
        """The size of the window by axis."""
        return self.per_axis("kernel_size", rank)

    def strides(self, rank: int) -> tuple[Dim, ...]:
        """The stride by axis."""
        return self.per_axis("stride", rank)

    def rounding(self) -> str:
        """How the last, partial window counts: ``floor``, ``ceil`` or ``caffe``."""
        return "floor"

    def windows(self, rank: int) -> tuple[Window, ...]:
        """The window on each of ``rank`` spatial axes, computed once."""
        known = self.__dict__.get("_known_windows")
        if known is None or len(known) != rank:
            known = self.__dict__["_known_windows"] = tuple(self._windows(rank))
        return known

    def _windows(self, rank: int) -> Iterator[Window]:
        word = self.padding if isinstance(self.padding, str) else None
        paddings = ((0, 0),) * rank if word else self.pairs("padding", rank)
        kernels = self.kernels(rank)
        dilations = self.per_axis("dilation", rank)
        rounding = word if word in BY_SIZE else self.rounding()
        for k, s, d, (before, after) in zip(kernels, self.strides(rank), dilations, paddings, strict=True):
            reach = extent(k, d) - 1
            if word == "same":
                before, after = reach // 2, reach - reach // 2
            elif word == "full":
                before = after = reach
            yield Window(k, s, d, before, after, rounding)

    def reads_all(self, *inputs: Shape) -> tuple[Demand, ...]:
        sizes = inputs[0][1:]
        reason = "positions at the end that it does not read: {left}"
        return tuple(
            Demand(w.unread(n), "<=", 0, "unread", reason, ("stride",))
            for w, n in zip(self.windows(len(sizes)), sizes, strict=True)
        )

    def same_demands(self, rank: int) -> tuple[Demand, ...]:
        """PyTorch's ``same`` is defined for stride 1 alone (torch.nn.Conv2d)."""
        if self.padding != "same":
            return ()
        reason = "padding 'same' keeps the size, which a stride of {left} does not"
        return tuple(Demand(s, "==", 1, "same-with-stride", reason, ("stride",)) for s in self.strides(rank))

    def fitting(self, sizes: Iterable[Dim]) -> tuple[Demand, ...]:
        """On each axis one window lies in the padded operand."""
        sizes = tuple(sizes)
        reason = "the kernel spans {right} positions, the padded input has {left}"
        return tuple(
            Demand(n + w.before + w.after, ">=", w.extent, "kernel-too-large", reason, ("kernel_size",))
            for n, w in zip(sizes, self.windows(len(sizes)), strict=True)
            if w.rounding == "floor"
        )

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        sizes = inputs[0][1:]
        return (tuple(w.taps(n) for w, n in zip(self.windows(len(sizes)), sizes, strict=True)),)

    def sized(self, *inputs: Shape) -> bool:
        """How a padding of ``ceil(n / stride)`` outputs is shared out depends on the size, but for stride 1."""
        return self.padding in BY_SIZE and any(s != 1 for s in self.strides(len(inputs[0]) - 1))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        if demand.code == "same-with-stride":
            return "write padding: same_upper for ceil(n/stride) outputs as in TensorFlow"
        return self._mend_kernel(inputs[0][1:]) if demand.code == "kernel-too-large" else ""

    def _mend_kernel(self, sizes: Shape) -> str:
        """The largest kernel that fits every axis, and the padding that admits the given one."""
        windows = self.windows(len(sizes))
        fixes = []
        if all(w.dilation == 1 for w in windows):
            room = [n + w.before + w.after for n, w in zip(sizes, windows, strict=True)]
            fitting = [min(w.kernel, r) for w, r in zip(windows, room, strict=True)]
            if min(fitting) >= 1:
                fixes.append(f"kernel_size: {written(fitting)} fits")
        lacking = [max(0, w.extent - n) for n, w in zip(sizes, windows, strict=True)]
        padding = [max(w.before, w.after, ceil_div(short, 2)) for w, short in zip(windows, lacking, strict=True)]
        if not isinstance(self.padding, str) or self.padding == "valid":
            fixes.append(f"padding: {written(padding)} makes room")
        return ", or ".join(fixes)


def written(values: list[int]) -> str:
    """Values by axis as a spec writes them: one integer where all are equal."""
    return str(values[0]) if len(set(values)) == 1 else "[" + ", ".join(map(str, values)) + "]"


def divisible(n: Dim, groups: Dim, what: str, key: tuple[str | int, ...]) -> Demand:
    """``groups`` divides ``n`` channels."""
    reason = f"{{left}} of {n} {what} are left over when they are divided into {groups} groups"
    return Demand(n % groups, "==", 0, "indivisible-groups", reason, key)


def divisors(n: int) -> list[int]:
    """The divisors of ``n``, ascending; of a huge ``n`` those that are easily found."""
    small = [d for d in range(1, min(isqrt(n), 100_000) + 1) if n % d == 0]
    return small + [n // d for d in reversed(small) if d * d != n]


def mend_groups(groups: int, *channels: int) -> str:
    """The common divisors of the channel counts next to ``groups``."""
    common = divisors(gcd(*channels))
    below = max((d for d in common if d < groups), default=None)
    above = min((d for d in common if d > groups), default=None)
    return "set groups to " + " or ".join(str(d) for d in (below, above) if d is not None)


def same_channels(op: Op, key: str, channels: Dim) -> tuple[Demand, ...]:
    """``in_channels`` and the like may be given: then they are demands."""
    stated = getattr(op, key)
    if stated is None:
        return ()
    reason = f"{key} says {{left}}, the operand has {{right}}"
    return (Demand(stated, "==", channels, "wrong-" + key.replace("_", "-"), reason, (key,)),)
