"""Each layer's backward pass against differences of its forward pass, by one inner product.

For a random direction ``v`` in all that a layer depends on and a random ``u`` in its results,
``<vjp(u), v>`` is compared with ``<u, (f(z + h v) - f(z - h v)) / 2h>``: a wrong entry anywhere in the
gradient shows up with probability one. Source: the checker of autograd (Maclaurin 2016, section 4).
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convcalc.witness import BUFFERS

if TYPE_CHECKING:
    from convcalc.kernels._types import Array
    from convcalc.witness import Step

STEP = 1e-6
"""Along the direction: then differences are good to about 1e-9."""
KINKS = 0.01
"""How many of the operands' values a step carries over a kink, about: the more there are, the shorter is the step."""

TOLERANCE = 1e-5
"""Relative; a kink within a step costs more, the rounding of the shortest steps less."""

ATTEMPTS = 3


class Checked(NamedTuple):
    """One layer: the inner product by its vjp and by differences, and how far apart they are at most."""

    name: str
    op: str
    by_vjp: float
    by_differences: float
    error: float

    @property
    def agrees(self) -> bool:
        """Whether they are the same but for rounding."""
        return self.error <= TOLERANCE


def check(step: Step, rng: np.random.Generator) -> Checked:
    """Check one layer in float64, with its own parameters, on random operands of the shapes that it ran on.

    The operands of the run itself will not do: a relu leaves equal zeros, and where two are largest a max pool
    has a kink. A kink can lie near random operands too, so a disagreement counts when it comes thrice.
    """
    attempts = (_attempt(step, rng) for _ in range(ATTEMPTS))
    checked = next(attempts)
    while not checked.agrees and (again := next(attempts, None)):
        checked = again
    return checked


def _attempt(step: Step, rng: np.random.Generator) -> Checked:
    operands = [rng.standard_normal(x.shape) if x.dtype.kind == "f" else x for x in step.operands]
    parameters = {name: array.astype(np.float64) for name, array in step.parameters.items()}
    floats: dict[Any, Array] = {place: x for place, x in enumerate(operands) if x.dtype.kind == "f"}
    floats |= {name: array for name, array in parameters.items() if name not in BUFFERS}
    asked = {"wanted": (True,) * len(operands)} if "wanted" in step.options else {}
    h = min(STEP, KINKS / sum(x.size for x in operands))
    directions = {key: rng.standard_normal(array.shape) for key, array in floats.items()}

    def results(amount: float) -> tuple[tuple[Array, ...], Any]:
        moved = {key: array + amount * directions[key] for key, array in floats.items()}
        point = [moved.get(place, x) for place, x in enumerate(operands)]
        named = {name: moved.get(name, array) for name, array in parameters.items()}
        # Each time from the same state of the generator, so that dropout drops the same values.
        y, vjp = step.kernel(*point, **{**deepcopy(step.options), **asked, **named})
        return (y if isinstance(y, tuple) else (y,)), vjp

    here, vjp = results(0)
    probes = tuple(rng.standard_normal(y.shape) if y.dtype.kind == "f" else None for y in here)
    gradients = vjp(probes if len(probes) > 1 else probes[0])
    by_vjp = sum(float(np.vdot(gradients[key], v)) for key, v in directions.items() if key in gradients)
    ahead, behind = results(h)[0], results(-h)[0]
    by_differences = sum(
        float(np.vdot(u, _slope(y, z, h))) for u, y, z in zip(probes, ahead, behind, strict=True) if u is not None
    )
    size = sum(u.size for u in probes if u is not None) ** 0.5
    scale = max(abs(by_vjp), abs(by_differences), 1e-3 * size)
    return Checked(step.node.name, step.node.kind, by_vjp, by_differences, abs(by_vjp - by_differences) / scale)


def _slope(ahead: Array, behind: Array, h: float) -> Array:
    """The central difference; 0 where a result is not finite, as that of a window which holds nothing."""
    finite = np.isfinite(ahead) & np.isfinite(behind)
    return (np.where(finite, ahead, 0) - np.where(finite, behind, 0)) / (2 * h)
