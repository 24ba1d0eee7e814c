"""The receptive field as a run shows it: what is not a number spreads through the plain kernels.

All input positions up to ``h`` on an axis are spoilt; the middle unit of a layer is spoilt too exactly when
``h`` reaches its field. So the first position of the field is found by halving, and the last one from the other
end, for all layers from the same runs. Of a small input every value is spoilt by itself: each in a sample of its own,
so that one run shows which results depend on which values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convcalc.witness import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from convcalc.graph import Graph
    from convcalc.kernels._types import Array
    from convcalc.witness import Step, Weights


class Reach(NamedTuple):
    """On one axis: the unit that was looked at, and the first and last input position it depends on."""

    unit: int
    first: int
    last: int


def observed_fields(
    graph: Graph,
    inputs: Mapping[str, Array],
    weights: Weights,
    source: str,
    watch: Callable[[], None] | None = None,
) -> dict[str, list[Reach | None]]:
    """For each layer that is a map, and each axis of input ``source``: what its middle unit depends on.

    None where it depends on nothing of that input. An input of whole numbers can't be spoilt, so nothing is seen of
    it. ``watch`` is called after each run.
    """
    fields: dict[str, list[Reach | None]] = {}
    axes = inputs[source].ndim - 2 if inputs[source].dtype.kind == "f" else 0
    for axis in range(axes):
        units: dict[str, int] = {}
        firsts = _search(graph, inputs, weights, source, axis, units, from_end=False, watch=watch)
        lasts = _search(graph, inputs, weights, source, axis, units, from_end=True, watch=watch)
        for name, unit in units.items():
            first, last = firsts.get(name), lasts.get(name)
            found = None if first is None or last is None else Reach(unit, first, last)
            fields.setdefault(name, []).append(found)
    return fields


def observed_sets(
    graph: Graph, inputs: Mapping[str, Array], weights: Weights, source: str
) -> dict[str, tuple[Array | None, ...]]:
    """For each layer and each of its results, which values of input ``source`` each value depends on.

    Booleans ``[C, *S, C', *S']``: the axes of the input ``[1, C, *S]``, then those of the result ``[1, C', *S']``. None
    for indices, which are integers and can't be spoilt.
    """
    x = inputs[source]
    spoilt = np.repeat(x, x.size, axis=0)
    np.fill_diagonal(spoilt.reshape(x.size, x.size), np.nan)
    alike = {name: np.repeat(other, x.size, axis=0) for name, other in inputs.items()}
    found: dict[str, tuple[Array | None, ...]] = {}

    def look(step: Step) -> None:
        found[step.node.name] = tuple(
            np.isnan(y).reshape(*x.shape[1:], *y.shape[1:]) if y.dtype.kind == "f" else None for y in step.results
        )

    with np.errstate(invalid="ignore"):
        Run(graph, {**alike, source: spoilt}, weights, forward_only=True, watch=look)
    return found


def _search(
    graph: Graph,
    inputs: Mapping[str, Array],
    weights: Weights,
    source: str,
    axis: int,
    units: dict[str, int],
    *,
    from_end: bool,
    watch: Callable[[], None] | None,
) -> dict[str, int]:
    """How many spoilt positions it takes to spoil each layer's unit; absent where all of them do not."""
    n = inputs[source].shape[2 + axis]
    low: dict[str, int] = {}
    high: dict[str, int] = {}

    def spoilt(count: int) -> None:
        reached = _spoilt(graph, inputs, weights, source, axis, count, from_end, units)
        for name, hit in reached.items():
            low.setdefault(name, 1)
            high.setdefault(name, n + 1)
            if hit:
                high[name] = min(high[name], count)
            else:
                low[name] = max(low[name], count + 1)
        if watch:
            watch()

    spoilt(n)
    for count in _midpoints(low, high, n):
        spoilt(count)
    return {name: (n - count if from_end else count - 1) for name, count in high.items() if count <= n}


def _midpoints(low: dict[str, int], high: dict[str, int], n: int) -> Iterator[int]:
    """The middle of the widest open interval, until none is open."""
    while True:
        gaps = {name: high[name] - low[name] for name in low if low[name] < high[name] <= n}
        if not gaps:
            return
        widest = max(gaps, key=gaps.__getitem__)
        yield (low[widest] + high[widest]) // 2


def _spoilt(
    graph: Graph,
    inputs: Mapping[str, Array],
    weights: Weights,
    source: str,
    axis: int,
    count: int,
    from_end: bool,
    units: dict[str, int],
) -> dict[str, bool]:
    """Whether each layer's middle unit is spoilt when ``count`` positions at one end of an axis are."""
    x = inputs[source].copy()
    part = slice(x.shape[2 + axis] - count, None) if from_end else slice(0, count)
    x[(slice(None),) * (2 + axis) + (part,)] = np.nan
    reached: dict[str, bool] = {}

    def look(step: Step) -> None:
        y = step.results[0]
        if y.ndim == x.ndim:
            unit = units.setdefault(step.node.name, y.shape[2 + axis] // 2)
            reached[step.node.name] = bool(np.isnan(y[(slice(None),) * (2 + axis) + (unit,)]).any())

    with np.errstate(invalid="ignore"):
        Run(graph, {**inputs, source: x}, weights, forward_only=True, watch=look)
    return reached
