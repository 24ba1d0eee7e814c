"""The fast way to run a graph: fused layers, channels last, an algorithm for each shape, both cores.

    plan = Plan(graph, weights)
    run = plan.run({"input": x}, input_gradient=True)
    run.outputs["linear_1"]
    run.backward({"linear_1": dy}).inputs["input"]

It gives what the plain kernels give, within rounding; batch norm and dropout are in eval mode. What it has no faster
way for runs through the plain kernels.

Threads: where BLAS was told to keep to one (``OPENBLAS_NUM_THREADS=1``, before numpy is imported), a worker shares
the work; else BLAS has all cores, and nothing else runs beside it.
"""

from __future__ import annotations

from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from convcalc.plan.fusion import fuse
from convcalc.plan.layers import layer
from convcalc.plan.parameters import Parameters
from convcalc.plan.tape import Tape
from convcalc.plan.threads import ALONE, Team, blas_keeps_to_one, usable_cores
from convcalc.witness import Gradients, learnt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convcalc.graph import Graph
    from convcalc.plan.flow import Layer
    from convcalc.plan.layout import Array
    from convcalc.plan.parameters import Weights

__all__ = ["Pass", "Plan"]


class Plan:
    """How a graph runs fast.

    ``weights`` is filled with seeded random ones where it has none. With ``keep`` they are made ready once, for many
    runs: they must not change then; without, each layer's are let go after it ran, which takes less memory.
    Weights and inputs have one dtype. ``threads`` 2 has a worker beside the calling thread, 1 has none.
    """

    def __init__(
        self,
        graph: Graph,
        weights: Weights | None = None,
        *,
        seed: int = 0,
        keep: bool = False,
        threads: int | None = None,
    ) -> None:
        if threads is None:
            threads = 2 if blas_keeps_to_one() and usable_cores() > 1 else 1
        self.graph = graph
        self.weights: Weights = {} if weights is None else weights
        self.keep = keep
        self.team = Team(min(threads, 2))
        self.groups = fuse(graph)
        self._parameters = Parameters(graph, self.weights, seed, lasting=keep)
        self._layers: dict[int, Layer] = {}
        self._making = Lock()

    def run(self, inputs: Mapping[str, Array], *, forward_only: bool = False, input_gradient: bool = False) -> Pass:
        """A forward pass; with ``forward_only`` nothing is kept for a backward one.

        ``input_gradient`` has the backward pass go on to the inputs.
        """
        return Pass(self, inputs, forward_only, input_gradient)

    def layer(self, index: int, rank: int) -> Layer:
        """The way to run a group, decided when it is first run."""
        with self._making:
            if index not in self._layers:
                self._layers[index] = layer(self.graph, self.groups[index], self._parameters, rank)
            return self._layers[index]

    def learns(self, place: int) -> bool:
        """Whether a node that has run has parameters which get a gradient."""
        return bool(learnt(self.weights.get(self.owner(place), {})))

    def owner(self, place: int) -> str:
        """The layer whose parameters a node uses."""
        return self._parameters.owner(place)


class Pass:
    """A forward pass that was run, and the backward pass that may follow once.

    No op mixes the samples of a batch, so each thread takes its part of them through the whole net.
    """

    def __init__(self, plan: Plan, inputs: Mapping[str, Array], forward_only: bool, input_gradient: bool) -> None:
        self.plan = plan
        samples = min(len(x) for x in inputs.values())
        count = min(plan.team.size, samples)
        self._ends = [samples * i // count for i in range(count + 1)]
        self._team = ALONE if count > 1 else plan.team
        pieces = self._pieces(inputs)
        self._tapes = [Tape(plan, self._team, forward_only, input_gradient) for _ in pieces]
        plan.team.each(lambda pair: pair[0].forward(pair[1]), list(zip(self._tapes, pieces, strict=True)))
        self.outputs: dict[str, Array] = _joined([tape.outputs for tape in self._tapes])

    def backward(self, seeds: Mapping[str, Array]) -> Gradients:
        """The gradients of ``sum(seed * output)`` over the outputs that have a seed; once for a run."""
        pairs = list(zip(self._tapes, self._pieces(seeds), strict=True))
        self.plan.team.each(lambda pair: pair[0].backward(pair[1]), pairs)
        total, *others = (tape.learnt for tape in self._tapes)
        for other in others:
            for owner, gradients in other.items():
                for name, gradient in gradients.items():
                    total[owner][name] = total[owner][name] + gradient
        return Gradients(total, _joined([tape.flowed for tape in self._tapes]))

    def _pieces(self, arrays: Mapping[str, Array]) -> list[dict[str, Array]]:
        """The samples of each part."""
        return [{name: array[first:last] for name, array in arrays.items()} for first, last in pairwise(self._ends)]


def _joined(parts: list[dict[str, Array]]) -> dict[str, Array]:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
