"""The effective receptive field: where the gradient of one unit is, over random inputs.

Source: Luo et al. 2016, "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convcalc.graph import Graph
from convcalc.witness import Run, random_inputs

if TYPE_CHECKING:
    from convcalc.graph import Ref
    from convcalc.kernels._types import Array

HELD = 0.95
"""The share of the gradient that the radius holds."""


class Effective(NamedTuple):
    """Mean absolute gradient by position of the input, its largest made 1, and where it lies.

    ``centre`` is the gradient's own; ``radius`` is that of the smallest circle around it that holds 95 % of it, in
    input positions; ``area`` is how many of the strongest positions hold as much.
    """

    gradient: Array
    centre: tuple[float, ...]
    radius: float
    area: int

    def rows(self) -> list[list[float]]:
        """The gradient on the last two axes, its largest along the others; a signal is one row."""
        plane = self.gradient[None] if self.gradient.ndim == 1 else self.gradient
        rows: list[list[float]] = plane.max(axis=tuple(range(plane.ndim - 2))).tolist()
        return rows

    def circle(self) -> tuple[float, float, float]:
        """Row, column and radius of the circle."""
        row, column = (0.0, *self.centre)[-2:]
        return row, column, self.radius

    def summary(self) -> dict[str, object]:
        """What is told of it in numbers."""
        return {"centre": self.centre, "radius": self.radius, "area": self.area, "held": HELD}


def effective(
    graph: Graph, ref: Ref, source: str, unit: tuple[int | slice, ...], samples: int, *, seed: int = 0
) -> Effective:
    """The gradient of the values at ``unit``, weighted at random, with respect to an input.

    An axis of which all are meant is a slice, as that of the channels. Parameters are random too. Raises ValueError
    where no gradient arrives.
    """
    part = Graph(graph.name)
    part.__dict__.update(graph.__dict__)
    part.nodes, part.outputs = graph.nodes[: ref.node + 1], {"unit": ref}
    part.inputs = {name: place for name, place in graph.inputs.items() if place.node <= ref.node}
    weights: dict[str, dict[str, Array]] = {}
    rng = np.random.default_rng([seed, 3])
    total: Array | None = None
    for sample in range(samples):
        run = Run(part, random_inputs(part, seed=seed + sample), weights, seed=seed, input_gradient=True)
        y = run.outputs["unit"]
        dy = np.zeros_like(y)
        dy[0][unit] = rng.standard_normal(y[0][unit].shape)
        dx = run.backward({"unit": dy}).inputs.get(source)
        if dx is not None:
            found = np.abs(dx[0].astype("float64")).sum(axis=0)
            total = found if total is None else total + found
    if total is None or not total.any() or not np.isfinite(total).all():
        raise ValueError("no gradient arrives at the input")
    return _measured(total)


def _measured(gradient: Array) -> Effective:
    share = gradient / gradient.sum()
    axes = np.indices(gradient.shape)
    centre = tuple(float((axis * share).sum()) for axis in axes)
    distance = np.sqrt(sum((axis - middle) ** 2 for axis, middle in zip(axes, centre, strict=True)))
    order = np.argsort(distance, axis=None)
    held = np.cumsum(share.ravel()[order])
    radius = float(distance.ravel()[order][min(np.searchsorted(held, HELD), held.size - 1)])
    strongest = np.cumsum(np.sort(share, axis=None)[::-1])
    area = int(np.searchsorted(strongest, HELD)) + 1
    return Effective(gradient / gradient.max(), centre, radius, min(area, strongest.size))
