"""Batch normalisation."""

from __future__ import annotations

from convcalc.dims import Demand, Shape, prod
from convcalc.ops._attributes import Flag, Integer, Number
from convcalc.ops._op import Cost, Op, Outcome
from convcalc.ops._window import same_channels


class BatchNorm(Op):
    """Each channel with its mean taken off, over its deviation, then scaled and shifted.

    In eval mode the running statistics are used. Source: torch.nn.BatchNorm2d; Ioffe & Szegedy 2015.
    """

    also = ("batchnormalization", "bn", "batchnorm")
    saves = ("input", "statistics")
    centres = True

    eps = Number("Added to the variance.", 1e-5, also=("epsilon",))
    momentum = Number("Weight of the new batch in the running statistics.", 0.1)
    affine = Flag("Whether scale and shift are learnt.", True)
    num_features = Integer[int | None]("Channels of the operand: inferred, a demand where given.", None, minimum=1)

    def infer(self, *inputs: Shape) -> Outcome:
        return Outcome((inputs[0],), same_channels(self, "num_features", inputs[0][0]))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        return f"write num_features: {inputs[0][0]}, or leave it out"

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        channels = inputs[0][0]
        return {"weight": (channels,), "bias": (channels,)} if self.affine else {}

    def buffers(self, *inputs: Shape) -> dict[str, Shape]:
        channels = inputs[0][0]
        return {"running_mean": (channels,), "running_var": (channels,)}

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """In eval mode the four constants of a channel fold into one factor and one summand."""
        results = prod(outputs[0])
        return Cost(adds=results, multiplies=results)
