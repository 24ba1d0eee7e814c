"""What max and average pooling share."""

from __future__ import annotations

from typing import Any

from convcalc.diagnostics import Problem
from convcalc.dims import Demand, Dim, Shape, prod
from convcalc.ops._attributes import PerAxis, Word
from convcalc.ops._op import Outcome
from convcalc.ops._window import BY_SIZE, Windowed, written


class Pool(Windowed):
    """A window that is summed up into one value, channel by channel."""

    stride = PerAxis[Any](
        "Distance between neighbouring windows; the kernel size where it is left out.",
        None,
        minimum=1,
        also=("strides",),
    )
    ceil_mode = Word(
        "Whether a last, partial window counts: false, true (PyTorch: unless it starts behind the input), or caffe "
        "(Caffe's rounding: without padding every window counts, and padding may reach up to the kernel).",
        (False, True, "caffe"),
        False,
    )

    def strides(self, rank: int) -> tuple[Dim, ...]:
        return self.per_axis("kernel_size" if self.stride is None else "stride", rank)

    def rounding(self) -> str:
        if self.ceil_mode == "caffe":
            entries = self.padding if isinstance(self.padding, tuple) else (self.padding,)
            return "caffe" if all(entry in (0, (0, 0), "valid") for entry in entries) else "ceil"
        return "ceil" if self.ceil_mode else "floor"

    def check(self) -> None:
        if self.padding in ("same", "full"):
            raise Problem(
                "wrong-type",
                f"{self.name} has no padding '{self.padding}'",
                "write padding: same_upper, or an integer",
                ("padding",),
            )

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        windows = self.windows(len(sizes))
        demands: list[Demand] = []
        outputs = []
        for n, w in zip(sizes, windows, strict=True):
            if w.rounding not in BY_SIZE:
                demands.extend(self._padding_demands(w.before, w.after, w.kernel, w.extent))
            count = w.count(n)
            reason = "the window does not fit: it would have {left} places"
            demands.append(Demand(count, ">=", 1, "kernel-too-large", reason, ("kernel_size",)))
            outputs.append(count)
        return Outcome(((channels, *outputs),), tuple(demands))

    def _padding_demands(self, before: Dim, after: Dim, kernel: Dim, extent: Dim) -> list[Demand]:
        """Half of the kernel at most, dilated or not (PyTorch), or all but one of the window (Caffe)."""
        if self.ceil_mode == "caffe":
            reason = "padding {left} must stay below the window, which spans 1 more than {right}"
            return [
                Demand(side, "<=", extent - 1, "padding-too-large", reason, ("padding",)) for side in (before, after)
            ]
        reason = "twice the padding ({left}) is more than the kernel ({right})"
        return [Demand(2 * side, "<=", kernel, "padding-too-large", reason, ("padding",)) for side in (before, after)]

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        if demand.code == "padding-too-large":
            windows = self.windows(len(inputs[0]) - 1)
            most = [w.extent - 1 if self.ceil_mode == "caffe" else w.kernel // 2 for w in windows]
            pads = [min(m, max(w.before, w.after)) for m, w in zip(most, windows, strict=True)]
            return f"write padding: {written(pads)}, or a larger kernel_size"
        return super().mend(demand, *inputs)

    def taken(self, inputs: tuple[Shape, ...]) -> Dim:
        """Positions in a window, padding included."""
        return prod(self.kernels(len(inputs[0]) - 1))
