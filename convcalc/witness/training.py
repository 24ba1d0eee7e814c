"""A loss on the outputs of a run, its gradients, and a few steps of gradient descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import numpy as np

from convcalc import kernels
from convcalc.witness import BUFFERS, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from convcalc.graph import Graph
    from convcalc.kernels._types import Array
    from convcalc.witness import Gradients, Weights

LOSSES = ("cross_entropy", "mse_loss")


class Term(NamedTuple):
    """One output's part in the loss: which loss, against what, and its weight; no kind for a loss the net has."""

    output: str
    kind: str
    target: Array | None
    weight: float


class Loss(NamedTuple):
    """The value of a loss and its gradient by output, as ``Run.backward`` takes it."""

    value: float
    seeds: dict[str, Array]


def terms(
    graph: Graph,
    outputs: Mapping[str, Array],
    *,
    kind: str = "",
    weights: Mapping[str, float] | None = None,
    seed: int = 0,
) -> list[Term]:
    """A term for every output, with seeded random targets.

    An output that a loss op made is taken as it is, and one of integers, such as indices, left out. Of the others one
    with several channels gets a cross-entropy against a random class for each position, unless ``kind`` says
    otherwise; a single channel a mean square.
    """
    made = []
    for name, y in outputs.items():
        if y.dtype.kind != "f":
            continue
        weight = (weights or {}).get(name, 1.0)
        if graph.nodes[graph.results()[name].node].kind in LOSSES:
            made.append(Term(name, "", None, weight))
            continue
        chosen = kind or ("cross_entropy" if y.shape[1] > 1 else "mse_loss")
        rng = np.random.default_rng([seed, crc32(name.encode()), 2])
        if chosen == "cross_entropy":
            target: Array = rng.integers(0, y.shape[1], (y.shape[0], *(y.shape[2:] or (1,))))
        else:
            target = rng.standard_normal(y.shape).astype(y.dtype)
        made.append(Term(name, chosen, target, weight))
    return made


def loss(found: list[Term], outputs: Mapping[str, Array]) -> Loss:
    """The weighted sum of the terms on these outputs, and its gradient."""
    value, seeds = 0.0, {}
    for term in found:
        y = outputs[term.output]
        if term.kind:
            one, vjp = kernels.find(term.kind)(y, term.target)
            seeds[term.output] = vjp(np.full_like(one, term.weight / one.size))[0]
        else:
            one = y
            seeds[term.output] = np.full_like(y, term.weight / y.size)
        value += term.weight * float(one.mean())
    return Loss(value, seeds)


def descend(
    graph: Graph,
    inputs: Mapping[str, Array],
    weights: Weights,
    found: list[Term],
    *,
    steps: int,
    rate: float,
    run: Callable[..., Run] = Run,
) -> Iterator[float]:
    """The loss before each of ``steps`` steps of plain gradient descent, and after the last; updates ``weights``."""
    for step in range(steps + 1):
        forward = run(graph, inputs, weights)
        now = loss(found, forward.outputs)
        yield now.value
        if step < steps:
            update(weights, forward.backward(now.seeds), rate)


def update(weights: Weights, gradients: Gradients, rate: float) -> None:
    """One step of plain gradient descent, in place; buffers stay."""
    for layer, named in gradients.parameters.items():
        for name, gradient in named.items():
            if name not in BUFFERS:
                weights[layer][name] = weights[layer][name] - rate * gradient
