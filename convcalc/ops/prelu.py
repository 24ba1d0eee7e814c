"""Rectified linear unit with a learnt slope."""

from __future__ import annotations

from convcalc.dims import Demand, Shape
from convcalc.ops._attributes import Integer
from convcalc.ops._op import Cost, Outcome
from convcalc.ops._pointwise import Pointwise


class Prelu(Pointwise):
    """``x`` where it is positive, else ``weight * x`` with one learnt weight, or one a channel.

    Source: torch.nn.PReLU; He et al. 2015, "Delving deep into rectifiers".
    """

    also = ("parametric_relu",)
    saves = ("input",)
    temporaries = 1
    each = Cost(multiplies=1, compares=1)

    num_parameters = Integer[int]("Learnt slopes: 1, or as many as channels.", 1, minimum=1)

    def infer(self, *inputs: Shape) -> Outcome:
        slopes = self.num_parameters
        reason = "num_parameters {left} is neither 1 nor the number of channels, {right}"
        demand = Demand(slopes, "==", inputs[0][0], "wrong-num-parameters", reason, ("num_parameters",))
        return Outcome((inputs[0],), () if isinstance(slopes, int) and slopes == 1 else (demand,))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        return f"write num_parameters: {inputs[0][0]}, or leave it out"

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        return {"weight": (self.num_parameters,)}
