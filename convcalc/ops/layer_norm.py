"""Layer normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import Problem
from convcalc.dims import Demand, prod
from convcalc.ops._attributes import Flag, OneOrMore
from convcalc.ops._normal import Normal
from convcalc.ops._op import IDENTITY, Outcome, whole

if TYPE_CHECKING:
    from convcalc.dims import Dim, Shape
    from convcalc.ops._op import Taps


class LayerNorm(Normal):
    """The values over the last axes of a sample with their mean taken off, over their deviation.

    A map with its channels last (permute) is so normalised over its channels. Source: torch.nn.LayerNorm;
    Ba et al. 2016.
    """

    also = ("layernormalization", "ln")

    normalized_shape = OneOrMore[Any](
        "The last axes, as their sizes; without it all axes, channels included.",
        None,
        minimum=1,
        also=("axis", "shape"),
    )
    elementwise_affine = Flag("Whether scale and shift are learnt for each of these positions.", True, also=("affine",))
    bias = Flag("Whether there is a shift beside the scale.", True, also=("center",))

    def _normalized(self, x: Shape) -> Shape:
        return x if self.normalized_shape is None else tuple(self.normalized_shape)

    temporaries = 2

    def infer(self, *inputs: Shape) -> Outcome:
        x = inputs[0]
        wanted = self._normalized(x)
        if len(wanted) > len(x):
            told = f"normalized_shape has {len(wanted)} axes, the operand {len(x)}"
            raise Problem("wrong-rank", told, "leave it out for all axes", ("normalized_shape",))
        reason = "normalized_shape says {left}, the axis has {right}"
        last = x[len(x) - len(wanted) :]
        demands = (
            Demand(n, "==", own, "wrong-normalized-shape", reason, ("normalized_shape",))
            for n, own in zip(wanted, last, strict=True)
        )
        return Outcome((x,), tuple(demands))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        x = inputs[0]
        return f"write normalized_shape: {list(x[len(x) - len(self._normalized(x)) :])}"

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        if not self.elementwise_affine:
            return {}
        shape = self._normalized(inputs[0])
        return {"weight": shape, "bias": shape} if self.bias else {"weight": shape}

    def means(self, *inputs: Shape) -> Dim:
        x = inputs[0]
        return prod(x[: len(x) - len(self._normalized(x))])

    def axes(self, *inputs: Shape) -> tuple[tuple[Taps, ...], ...]:
        x = inputs[0]
        first = len(x) - len(self._normalized(x))
        return (tuple(whole(n) if place >= first else IDENTITY for place, n in enumerate(x)),)
