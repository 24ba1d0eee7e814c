"""Dense layer."""

from __future__ import annotations

from convcalc.dims import Demand, Shape, prod
from convcalc.ops._attributes import Flag, Integer
from convcalc.ops._op import IDENTITY, Cost, Op, Outcome, Taps, whole
from convcalc.ops._window import same_channels


class Linear(Op):
    """``x W^T + b`` on the last axis.

    Source: torch.nn.Linear.
    """

    also = ("dense", "fully_connected", "fc", "inner_product", "gemm")
    saves = ("input",)

    out_features = Integer[int](
        "Size of the result.", minimum=1, also=("units", "num_output", "out_channels", "features")
    )
    bias = Flag("Whether a learnt constant is added to each output.", True, also=("use_bias", "bias_term"))
    in_features = Integer[int | None](
        "Size of the last axis of the operand: inferred, a demand where given.", None, minimum=1
    )

    def infer(self, *inputs: Shape) -> Outcome:
        *rest, features = inputs[0]
        return Outcome(((*rest, self.out_features),), same_channels(self, "in_features", features))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        if len(inputs[0]) > 1 and self.in_features == prod(inputs[0]):
            return "put flatten before it"
        return f"write in_features: {inputs[0][-1]}, or leave it out"

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        weight = (self.out_features, inputs[0][-1])
        return {"weight": weight, "bias": (self.out_features,)} if self.bias else {"weight": weight}

    def axes(self, *inputs: Shape) -> tuple[tuple[Taps, ...], ...]:
        """Of a vector it mixes the channels, of a map the last spatial axis."""
        *others, last = inputs[0]
        return ((*(IDENTITY for _ in others), whole(last)),)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One MAC for each weight, for each vector; a bias is one add an output."""
        results = prod(outputs[0])
        return Cost(macs=results * inputs[0][-1], adds=results if self.bias else 0)
