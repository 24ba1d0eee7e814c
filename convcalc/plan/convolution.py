"""A convolution with what was fused to it: weights made ready, forward, and the way back."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convcalc.plan.choice import choose
from convcalc.plan.epilogue import Epilogue, activation_gradient
from convcalc.plan.folding import fold, unfold
from convcalc.plan.geometry import Geometry, geometry
from convcalc.plan.layout import as_map, from_map
from convcalc.plan.threads import ALONE

if TYPE_CHECKING:
    from convcalc.graph import Graph
    from convcalc.plan.choice import Algorithm, Choice
    from convcalc.plan.flow import Flow
    from convcalc.plan.folding import Folded
    from convcalc.plan.fusion import Group
    from convcalc.plan.layout import Array
    from convcalc.plan.parameters import Parameters
    from convcalc.plan.threads import Team


class _Ready(NamedTuple):
    """A convolution's weights for one size of its operand."""

    geometry: Geometry
    folded: Folded
    choice: Choice
    algorithm: Algorithm


class _Kept(NamedTuple):
    x: Array
    y: Array | None
    ready: _Ready


class Convolution:
    """A convolution on one or two axes, with what was fused to it."""

    def __init__(self, graph: Graph, group: Group, parameters: Parameters) -> None:
        self.group = group
        self._graph = graph
        self._parameters = parameters
        self._ready: _Ready | None = None
        self._preparing = Lock()

    def forward(self, operands: list[Array], team: Team) -> tuple[tuple[Array, ...], Any]:
        """The results of the last node of the group."""
        x = as_map(operands[0])
        with self._preparing:
            ready = self._prepared(operands[0], len(x))
        size = ready.geometry.places((x.shape[1], x.shape[2]))
        y = np.empty((len(x), *size, len(ready.folded.weight)), x.dtype)
        other = as_map(operands[1]) if len(operands) > 1 else None
        scale = ready.folded.scale if ready.folded.late else None
        epilogue = Epilogue(scale, ready.folded.bias, other, self.group.activation)
        ready.algorithm.forward(x, y, epilogue, team)
        return (from_map(y, operands[0].ndim),), _Kept(x, y if self.group.activation else None, ready)

    def _prepared(self, x: Array, samples: int) -> _Ready:
        conv = self._graph.nodes[self.group.first]
        given = conv.op.given if conv.op else {}
        own = self._parameters.of(self.group.first, x.shape, x.dtype)
        windows = geometry(given, own["weight"].shape[2:], x.shape[2:])
        if self._ready and self._ready.geometry == windows:
            return self._ready
        norm, eps = None, 0.0
        if self.group.norm is not None:
            op = self._graph.nodes[self.group.norm].op
            eps = op.given.get("eps", 1e-5) if op else eps
            norm = self._parameters.of(self.group.norm, (samples, len(own["weight"]), *x.shape[2:]), x.dtype)
        size = x.shape[2:] if x.ndim == 4 else (1, *x.shape[2:])
        places = windows.places(size)
        results = samples * len(own["weight"]) * places[0] * places[1]
        lasting = self._parameters.lasting
        folded = fold(own, norm, eps, late=results < own["weight"].size and not lasting, lasting=lasting)
        choice = choose(windows, folded.weight.shape, samples, places)
        self._ready = _Ready(windows, folded, choice, choice.forward(folded.weight, windows))
        return self._ready

    def backward(self, kept: _Kept, arriving: Array, flow: Flow) -> None:
        """The operand's gradient now, those of the parameters when a thread has time."""
        x, y, ready = kept
        rank = arriving.ndim
        dy = as_map(arriving)
        dz = dy if y is None else activation_gradient(self.group.activation, y, dy)
        if len(self.group.inputs) > 1 and flow.wants(self.group.inputs[1]):
            flow.arrive(self.group.inputs[1], from_map(dz, rank))
        flow.later.add(lambda: self._learn(x, dz, ready, flow))
        operand = self.group.inputs[0]
        if not flow.wants(operand):
            return
        dx = np.empty_like(x)
        before = flow.waiting(operand)
        epilogue = Epilogue(other=None if before is None else as_map(before))
        scaled = dz * ready.folded.scale if ready.folded.late else dz
        self._algorithm(ready, ready.choice.input_gradient).input_gradient(scaled, dx, epilogue, ALONE)
        flow.arrive(operand, from_map(dx, rank))

    def _learn(self, x: Array, dz: Array, ready: _Ready, flow: Flow) -> None:
        algorithm = self._algorithm(ready, ready.choice.weight_gradient)
        weight = algorithm.weight_gradient(x, dz, ready.geometry.kernel)
        own, normal = unfold(ready.folded, algorithm.weight, weight, dz.reshape(-1, dz.shape[-1]).sum(axis=0))
        flow.learn(self.group.first, own)
        if self.group.norm is not None and normal:
            flow.learn(self.group.norm, normal)

    def _algorithm(self, ready: _Ready, wanted: type[Algorithm]) -> Algorithm:
        same = type(ready.algorithm) is wanted
        return ready.algorithm if same else wanted(ready.folded.weight, ready.geometry)

    def forget(self) -> None:
        """Let go of the weights that were made ready."""
        self._ready = None
