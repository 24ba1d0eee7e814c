"""Global max pooling."""

from __future__ import annotations

from convcalc.dims import Shape, prod
from convcalc.ops._global_pool import GlobalPool
from convcalc.ops._op import Cost


class GlobalMaxPool(GlobalPool):
    """The largest value of each channel: ``[N, C, *S]`` to ``[N, C, 1, ...]``.

    Source: torch.nn.AdaptiveMaxPool2d(1); ONNX GlobalMaxPool.
    """

    also = ("globalmaxpooling", "global_max_pooling", "gmp")
    saves = ("input", "indices")

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """One compare less than a channel has positions."""
        return Cost(compares=prod(inputs[0]) - prod(outputs[0]))
