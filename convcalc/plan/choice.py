"""Which algorithm a convolution gets, by its shape: what was measured fastest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from convcalc.plan.columns import Columns
from convcalc.plan.depthwise import Depthwise
from convcalc.plan.minimal import Minimal2, Minimal4
from convcalc.plan.planes import Planes
from convcalc.plan.pointwise import Pointwise

if TYPE_CHECKING:
    from convcalc.plan.epilogue import Epilogue
    from convcalc.plan.geometry import Geometry, Pair
    from convcalc.plan.layout import Array
    from convcalc.plan.threads import Team


class Algorithm(Protocol):
    """A convolution with its weights made ready; arrays are channels last and contiguous."""

    weight: Array
    """``[O, C / groups, kh, kw]``, where it can be with the layout in memory of its gradient."""

    def __init__(self, weight: Array, geometry: Geometry) -> None: ...

    def forward(self, x: Array, y: Array, epilogue: Epilogue, team: Team) -> None:
        """Fill ``y [N, P, Q, O]`` from ``x [N, H, W, C]``."""

    def input_gradient(self, dz: Array, dx: Array, epilogue: Epilogue, team: Team) -> None:
        """Fill ``dx`` from the gradient ``dz`` of the results before their epilogue."""

    def weight_gradient(self, x: Array, dz: Array, kernel: Pair) -> Array:
        """``[O, C / groups, kh, kw]``."""


class Choice(NamedTuple):
    """An algorithm for each of the three."""

    forward: type[Algorithm]
    input_gradient: type[Algorithm]
    weight_gradient: type[Algorithm]


THIN = 8
"""Fewer channels than that make vectors too short for channels last."""
DEEP = 32
"""Fewer channels than that do not repay Winograd's transforms."""


def choose(geometry: Geometry, weight: tuple[int, ...], samples: int, places: Pair) -> Choice:
    """The algorithms for ``samples`` maps of ``places`` results each, with weights of this shape."""
    outputs, channels, *_ = weight
    if geometry.groups > 1:
        alone = channels == 1 and outputs == geometry.groups
        return _throughout(Depthwise if alone else Planes)
    if geometry.is_point:
        return _throughout(Pointwise)
    if channels < THIN:
        return Choice(Columns, Planes, Columns)
    small = geometry.kernel == (3, 3) and geometry.stride == geometry.dilation == (1, 1)
    if not small or min(channels, outputs) < DEEP:
        return _throughout(Columns)
    if min(places) >= 20:
        return _throughout(Minimal4)
    if min(places) >= 10 and samples > 1:
        return _throughout(Minimal2)
    return _throughout(Columns)


def _throughout(one: type[Algorithm]) -> Choice:
    return Choice(one, one, one)
