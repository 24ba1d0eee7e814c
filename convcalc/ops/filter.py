"""Convolution with a fixed kernel."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import Problem, listing, nearest, times
from convcalc.dims import ceil_div, prod
from convcalc.ops._attributes import Attribute, Number, PerAxis, describe
from convcalc.ops._convolution import Correlating
from convcalc.ops._op import Cost, Outcome
from convcalc.ops._window import written

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.dims import Demand, Dim, Shape

SMOOTH = ("gaussian", "box")
"""Filters of any size and number of axes."""
SIDES = (
    "sobel_x", "sobel_y", "prewitt_x", "prewitt_y", "scharr_x", "scharr_y", "laplacian", "laplacian_8",
    "line_horizontal", "line_vertical", "line_diagonal", "line_antidiagonal",
)  # fmt: skip
"""Filters for edges and lines: 3x3."""


MOST_AXES = 4


class Weights(Attribute[Any]):
    """The name of a filter, or its numbers: a row, rows, planes ..., all equally long."""

    expected = f"a name ({', '.join((*SMOOTH, *SIDES))}) or numbers, as nested lists"

    def read(self, raw: Any, evaluate: Callable[[str], Any]) -> Any:
        if isinstance(raw, str):
            if raw in (*SMOOTH, *SIDES):
                return raw
            near = nearest(raw, (*SMOOTH, *SIDES))
            fix = f"did you mean '{near}'?" if near else f"one of {listing((*SMOOTH, *SIDES))}, or numbers"
            raise Problem("wrong-type", f"{self.name} knows no filter '{raw}'", fix, (self.name,))
        if not isinstance(raw, list):
            raise self.wrong(raw)
        numbers = self._numbers(raw)
        if len(extents(numbers)) > MOST_AXES:
            told = f"{self.name} has {len(extents(numbers))} axes, the most is {MOST_AXES}"
            raise Problem("wrong-type", told, "give it one axis for each spatial one", (self.name,))
        return numbers

    def _numbers(self, raw: list[Any], *index: int) -> tuple[Any, ...]:
        """A regular nesting; raises Problem at the first entry that breaks it."""
        if not raw:
            raise self.wrong(raw, *index)
        entries = [
            self._numbers(entry, *index, place) if isinstance(entry, list) else self._number(entry, *index, place)
            for place, entry in enumerate(raw)
        ]
        for place, entry in enumerate(entries):
            if extents(entry) != extents(entries[0]):
                told = f"the rows of {self.name} differ in length"
                raise Problem("wrong-type", told, "make all rows equally long", (self.name, *index, place))
        return tuple(entries)

    def _number(self, raw: Any, *index: int) -> float:
        if isinstance(raw, str) and re.fullmatch(r"[-+]?\d{1,15} ?/ ?0*[1-9]\d{0,15}", raw):
            return float(Fraction(raw.replace(" ", "")))
        if isinstance(raw, bool) or not isinstance(raw, (int, float)):
            told = f"{self.name} holds numbers, not {describe(raw)}"
            fix = "write an integer, a decimal number or a fraction like -1/2"
            raise Problem("wrong-type", told, fix, (self.name, *index))
        return raw

    def example(self, raw: Any = None) -> str:
        return f"write {self.name}: gaussian"

    def schema(self) -> dict[str, Any]:
        depths: list[dict[str, Any]] = [{"type": ["number", "string"]}]
        for _ in range(MOST_AXES):
            depths.append({"type": "array", "items": depths[-1], "minItems": 1})
        return {"anyOf": [{"enum": [*SMOOTH, *SIDES]}, *depths[1:]]}


def extents(numbers: Any) -> tuple[int, ...]:
    """The shape of a regular nesting."""
    return (len(numbers), *extents(numbers[0])) if isinstance(numbers, tuple) else ()


class Filter(Correlating):
    """Each channel by itself cross-correlated with one kernel that is not learnt.

    gaussian is binomial (3: [1, 2, 1]/4, 5: [1, 4, 6, 4, 1]/16) and box the mean, the outer product over the axes;
    edges: sobel, prewitt, scharr (x: change along the last axis), laplacian with 4 or 8 neighbours; lines: 2 along
    the line, -1 beside it. Source: Gonzalez & Woods 2018, sections 3.5, 3.6 and 10.2; Burt & Adelson 1983 (gaussian).
    """

    also = ("fixed_conv", "blur", "gaussian_blur", "edge_filter", "line_filter")

    kernel = Weights("The filter: a name, or its numbers.", also=("weights", "name", "taps"))
    kernel_size = PerAxis[Any]("Size of gaussian or box; the others have one.", 3, minimum=1, also=("ksize", "size"))
    divisor = Number("What the numbers are divided by.", 1.0, also=("scale", "norm"))

    def check(self) -> None:
        super().check()
        if "kernel_size" in self.given and self.kernel not in SMOOTH:
            named = f"'{self.kernel}' is 3x3" if isinstance(self.kernel, str) else "the numbers of kernel"
            told = f"kernel_size is for {listing(SMOOTH)}: {named}" + (
                "" if isinstance(self.kernel, str) else " say it"
            )
            raise Problem("contradiction", told, "remove kernel_size", ("kernel_size",))
        if self.divisor == 0:
            raise Problem("out-of-range", "divisor is 0", "write divisor: 1", ("divisor",))

    def kernels(self, rank: int) -> tuple[Dim, ...]:
        if self.kernel in SMOOTH:
            return self.per_axis("kernel_size", rank)
        found = (3, 3) if isinstance(self.kernel, str) else extents(self.kernel)
        if len(found) != rank:
            axes = f"{rank} spatial {'axis' if rank == 1 else 'axes'}"
            told = f"the kernel is {times(found)}, the operand has {axes}"
            raise Problem("wrong-rank", told, "give the numbers for each axis, or write kernel: gaussian", ("kernel",))
        return found

    def infer(self, *inputs: Shape) -> Outcome:
        channels, *sizes = inputs[0]
        outputs, demands = self.slid(tuple(sizes))
        return Outcome(((channels, *outputs),), demands)

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        if demand.code == "kernel-too-large" and self.kernel not in SMOOTH:
            windows = self.windows(len(inputs[0]) - 1)
            wanted = [
                max(w.before, w.after, ceil_div(w.extent - n, 2)) for n, w in zip(inputs[0][1:], windows, strict=True)
            ]
            return f"padding: {written(wanted)} makes room"
        return super().mend(demand, *inputs)

    def workspace(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], width: int) -> int:
        """The padded operand, what a tap reads of it and its products."""
        return int((self.padded(inputs) + 2 * prod(outputs[0])) * width)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One MAC for each tap of each output, as in a convolution of each channel by itself."""
        return Cost(macs=prod(outputs[0]) * prod(self.kernels(len(inputs[0]) - 1)))
