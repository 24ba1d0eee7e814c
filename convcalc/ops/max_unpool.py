"""The way back from a max pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from convcalc.diagnostics import Problem
from convcalc.dims import Demand, prod, unwindow
from convcalc.ops._attributes import Padding, PerAxis
from convcalc.ops._op import FREE, INDEX, Cost, Op, Outcome, Taps
from convcalc.ops._window import Window, scattered, written

if TYPE_CHECKING:
    from convcalc.dims import Dim, Shape


class MaxUnpool(Op):
    """Each value back where it stood in the operand of a max pool, zeros elsewhere.

    The second operand is the port ``indices`` of the pool; a third one, whose size alone is read, gives the size of
    the result. Of several values for one place the last stays. Backward needs the indices, which the pool keeps.
    Source: torch.nn.MaxUnpool2d; Zeiler & Fergus 2013, section 2.1.
    """

    also = ("maxunpooling", "max_unpooling", "unpooling")
    operands: ClassVar[tuple[int, int | None]] = (2, 3)
    spatial = (1, 4)
    indices = 1
    saves = ("places",)

    kernel_size = PerAxis[Any]("Size of the pool's window.", minimum=1, also=("kernel", "pool_size", "ksize", "k"))
    stride = PerAxis[Any](
        "Distance between the pool's windows; the kernel size where it is left out.",
        None,
        minimum=1,
        also=("strides",),
    )
    padding = Padding("The pool's padding: an integer, one an axis, or a pair [before, after] an axis.", 0)
    output_size = PerAxis[Any](
        "Size of the result, by axis; without it the smallest that the windows cover.", None, minimum=1, also=("size",)
    )

    def _windows(self, rank: int) -> list[Window]:
        kernels = self.per_axis("kernel_size", rank)
        strides = kernels if self.stride is None else self.per_axis("stride", rank)
        axes = zip(kernels, strides, self.pairs("padding", rank), strict=True)
        return [Window(k, s, 1, before, after, "floor") for k, s, (before, after) in axes]

    def _goals(self, inputs: tuple[Shape, ...]) -> Shape | None:
        """The size that is asked for; raises Problem where it is asked for twice."""
        rank = len(inputs[0]) - 1
        if len(inputs) < 3:
            return None if self.output_size is None else self.per_axis("output_size", rank)
        if self.output_size is not None:
            fix = "remove output_size, or the third operand"
            raise Problem("contradiction", "max_unpool is told the size of its result twice", fix, ("output_size",))
        return inputs[2][1:]

    def infer(self, *inputs: Shape) -> Outcome:
        ranks = [len(x) for x in inputs]
        if len(set(ranks)) > 1:
            told = f"max_unpool takes operands of one rank, these have {', '.join(map(str, ranks))} axes"
            raise Problem("shapes-disagree", told, "name the port indices of the pool second: from: [x, pool.indices]")
        x, indices = inputs[:2]
        channels, *sizes = x
        reason = "there are {left} values, and {right} indices"
        demands = [
            Demand(n, "==", m, "shapes-disagree", reason, (1, axis))
            for axis, (n, m) in enumerate(zip(x, indices, strict=True))
        ]
        windows = self._windows(len(sizes))
        outputs: list[Dim] = []
        goals = self._goals(inputs)
        for axis, (n, w) in enumerate(zip(sizes, windows, strict=True)):
            size = unwindow(n, w.extent, w.stride, w.before + w.after, 0)
            if goals is None:
                reason = "padding leaves nothing: the result would have {left} positions"
                demands.append(Demand(size, ">=", 1, "empty-result", reason, ("padding",)))
            else:
                key = ("output_size",) if len(inputs) == 2 else (2, axis + 1)
                few = "{left} positions are less than {right}, the least that such a pool can have seen"
                many = "{left} positions are more than {right}, the most that such a pool can have seen"
                demands.append(Demand(goals[axis], ">=", size - w.stride + 1, "wrong-output-size", few, key))
                demands.append(Demand(goals[axis], "<=", size + w.stride - 1, "wrong-output-size", many, key))
            outputs.append(size if goals is None else goals[axis])
        return Outcome(((channels, *outputs),), tuple(demands))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        sizes = inputs[0][1:]
        windows = self._windows(len(sizes))
        if demand.code == "shapes-disagree":
            return "name the values of a pool's size and its own indices: from: [x, pool.indices]"
        within = [min(max(w.before, w.after), (w.kernel - 1) // 2) for w in windows]
        if demand.code == "empty-result":
            return f"write padding: {written(within)}"
        if len(inputs) == 3:
            return "name the operand of that pool as the third"
        own = [unwindow(n, w.kernel, w.stride, w.before + w.after, 0) for n, w in zip(sizes, windows, strict=True)]
        if min(own) >= 1:
            return f"write output_size: {written(own)}"
        own = [unwindow(n, w.kernel, w.stride, 2 * p, 0) for n, w, p in zip(sizes, windows, within, strict=True)]
        return f"write padding: {written(within)} and output_size: {written(own)}"

    def workspace(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], width: int) -> int:
        """Which value stays at each place; for each value its place in the batch and its number, two of each."""
        return INDEX * int(prod(outputs[0]) + 4 * prod(inputs[0]))

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed."""
        return FREE

    def bounded(self, *inputs: Shape) -> bool:
        """The indices decide."""
        return True

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        """Every value that may come to stand there."""
        own = tuple(map(scattered, self._windows(len(inputs[0]) - 1)))
        return (own, own, None)[: len(inputs)]
