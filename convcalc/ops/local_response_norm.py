"""Local response normalisation."""

from __future__ import annotations

from convcalc.dims import Dim, Shape, prod
from convcalc.ops._attributes import Integer, Number
from convcalc.ops._op import Cost, Op, Outcome, Taps


class LocalResponseNorm(Op):
    """``x / (k + alpha/size * sum of squares over size neighbouring channels)^beta``.

    The denominators that backward needs are counted as one more output. Source: torch.nn.LocalResponseNorm;
    Krizhevsky et al. 2012, section 3.3.
    """

    also = ("lrn", "local_response_normalization", "cross_channel_normalization")
    spatial = (1, 4)
    saves = ("input", "values")
    temporaries = 2

    size = Integer[int]("Neighbouring channels that are summed up.", minimum=1, also=("local_size", "n", "depth"))
    alpha = Number("Factor of the sum, divided by size.", 1e-4)
    beta = Number("Exponent of the denominator.", 0.75)
    k = Number("Added to the sum.", 1.0, also=("bias",))

    def infer(self, *inputs: Shape) -> Outcome:
        return Outcome((inputs[0],))

    def channels(self, port: int, *inputs: Shape) -> tuple[Taps, ...]:
        """As many in front as behind, of an even number one more in front."""
        return (Taps(1, 1, ((-(self.size // 2), 1, self.size),)),)

    def own_values(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Dim:
        """The squares, with channels of zeros around them, the base of the power and the power."""
        channels, *sizes = inputs[0]
        return (3 * channels + self.size - 1) * prod(sizes)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """For each value: a square, ``size - 1`` adds, ``alpha/size`` and ``k``, a power, one division.

        Channels beyond the first and the last count as zeros that are added; a power is an exponential.
        """
        results = prod(outputs[0])
        return Cost(adds=results * self.size, multiplies=2 * results, divides=results, exponentials=results)
