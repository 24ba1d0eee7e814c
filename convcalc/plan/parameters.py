"""The parameters that a layer uses, its own or those of the layer it shares with."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from convcalc import kernels

if TYPE_CHECKING:
    from convcalc.graph import Graph
    from convcalc.plan.layout import Array

Weights = dict[str, dict[str, "Array"]]


class Parameters:
    """Parameters and buffers by layer; those that are missing are drawn when they are first used, as a run does."""

    def __init__(self, graph: Graph, weights: Weights, seed: int, *, lasting: bool) -> None:
        self._graph = graph
        self.weights = weights
        self._seed = seed
        self.lasting = lasting
        """Whether they do not change, so that what is made of them pays off."""

    def owner(self, place: int) -> str:
        """The layer whose parameters the node uses."""
        node = self._graph.nodes[place]
        return node.name if node.shares is None else self._graph.nodes[node.shares].name

    def of(self, place: int, shape: tuple[int, ...], dtype: np.dtype[np.floating]) -> dict[str, Array]:
        """The node's parameters, given the shape of its operand."""
        node, owner = self._graph.nodes[place], self.owner(place)
        if owner not in self.weights:
            draw = kernels.initial(node.kind)
            if draw is None:
                return {}
            rng = np.random.default_rng([self._seed, crc32(owner.encode())])
            self.weights[owner] = draw(rng, shape, **(node.op.given if node.op else {}), dtype=dtype)
        return self.weights[owner]
