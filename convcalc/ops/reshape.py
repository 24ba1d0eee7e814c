"""Another shape."""

from __future__ import annotations

from convcalc.diagnostics import Problem
from convcalc.dims import Demand, Shape, prod
from convcalc.ops._attributes import Integers
from convcalc.ops._op import FREE, IDENTITY, Cost, Op, Outcome, Taps, whole


class Reshape(Op):
    """The values in row-major order as another ``shape``, which is without the batch axis.

    Source: torch.reshape; Keras' Reshape.
    """

    also = ("view", "unflatten")
    view = True

    shape = Integers[tuple[int, ...]](
        "The new shape without the batch axis; one entry may be -1: what is left.",
        minimum=-1,
        also=("target_shape", "dim", "dims", "size", "unflattened_size"),
    )

    def check(self) -> None:
        zeros = [place for place, entry in enumerate(self.shape) if isinstance(entry, int) and entry == 0]
        if zeros:
            raise Problem("out-of-range", "an axis has no positions", "write -1 for what is left", ("shape", zeros[0]))
        if len(self._open()) > 1:
            told = "only one entry of shape may be -1"
            raise Problem("contradiction", told, "give all but one a size", ("shape", self._open()[1]))

    def _open(self) -> list[int]:
        """The places of -1."""
        return [place for place, entry in enumerate(self.shape) if isinstance(entry, int) and entry == -1]

    def infer(self, *inputs: Shape) -> Outcome:
        total = prod(inputs[0])
        if not self._open():
            reason = "the operand has {right} values, shape has {left}"
            demand = Demand(prod(self.shape), "==", total, "wrong-shape", reason, ("shape",))
            return Outcome((self.shape,), (demand,))
        place = self._open()[0]
        known = prod((*self.shape[:place], *self.shape[place + 1 :]))
        reason = f"{{left}} of {total} values are left over when they are divided by {known}"
        demand = Demand(total % known, "==", 0, "wrong-shape", reason, ("shape",))
        return Outcome(((*self.shape[:place], total // known, *self.shape[place + 1 :]),), (demand,))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        """The last entry that can be changed so that the products agree; else a vector."""
        total = prod(inputs[0])
        for place in () if self._open() else reversed(range(len(self.shape))):
            before, after = self.shape[:place], self.shape[place + 1 :]
            known = prod((*before, *after))
            if total % known == 0:
                return f"write shape: {[*before, total // known, *after]}"
        return f"write shape: [{total}]"

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Nothing is computed."""
        return FREE

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        """Trailing axes of one size in one place stay; whatever is mixed is seen whole."""
        x, y = inputs[0], self.infer(*inputs).shapes[0]
        kept = 0
        if len(x) == len(y):
            while kept < len(x) - 1 and x[-1 - kept] == y[-1 - kept]:
                kept += 1
        mixed = len(x) - 1 - kept
        return ((*map(whole, x[1 : 1 + mixed]), *(IDENTITY,) * kept),)

    def channels(self, port: int, *inputs: Shape) -> tuple[Taps, ...]:
        """As many channels as before are the same channels: the order is row-major."""
        x, y = inputs[0], self.infer(*inputs).shapes[0]
        return (IDENTITY if x[0] == y[0] else whole(x[0]),)
