"""How a group of layers runs: forward, and backward with what forward kept."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from convcalc import kernels
from convcalc.kernels._pool import place
from convcalc.plan.choice import choose
from convcalc.plan.epilogue import Epilogue, activation_gradient
from convcalc.plan.folding import fold, unfold
from convcalc.plan.geometry import Geometry, geometry
from convcalc.plan.halo import blocks
from convcalc.plan.layout import channels_last, logical
from convcalc.plan.pooling import max_backward, max_forward
from convcalc.plan.threads import ALONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.graph import Graph, Ref
    from convcalc.plan.choice import Algorithm, Choice
    from convcalc.plan.folding import Folded
    from convcalc.plan.fusion import Group
    from convcalc.plan.layout import Array
    from convcalc.plan.parameters import Parameters
    from convcalc.plan.threads import Later, Team


class Flow(Protocol):
    """Where gradients go; arrays that are handed over are not written to any more."""

    later: Later

    def arrive(self, operand: Ref, gradient: Array) -> None:
        """A gradient of an operand is there."""

    def waiting(self, operand: Ref) -> Array | None:
        """What has arrived for the operand so far, taken out by the one who adds it in."""

    def learn(self, node: int, gradients: dict[str, Array]) -> None:
        """The gradients of a node's parameters are there."""


class Layer(Protocol):
    """A group, ready to run: operands and results are logical ``[N, C, *S]``."""

    group: Group

    def forward(self, operands: list[Array], team: Team) -> tuple[tuple[Array, ...], Any]:
        """The results, and what ``backward`` needs to have kept."""

    def backward(self, kept: Any, arriving: Any, flow: Flow) -> None:
        """Send on the gradients that follow from that of the result; of several results, from a tuple."""

    def forget(self) -> None:
        """Let go of the weights that were made ready."""


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
        x = _map(operands[0])
        with self._preparing:
            ready = self._prepared(operands[0], len(x))
        size = ready.geometry.places((x.shape[1], x.shape[2]))
        y = np.empty((len(x), *size, len(ready.folded.weight)), x.dtype)
        other = _map(operands[1]) if len(operands) > 1 else None
        scale = ready.folded.scale if ready.folded.late else None
        epilogue = Epilogue(scale, ready.folded.bias, other, self.group.activation)
        ready.algorithm.forward(x, y, epilogue, team)
        return (_unmap(y, operands[0].ndim),), _Kept(x, y if self.group.activation else None, ready)

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
        dy = _map(arriving)
        dz = dy if y is None else activation_gradient(self.group.activation, y, dy)
        if len(self.group.inputs) > 1:
            flow.arrive(self.group.inputs[1], _unmap(dz, rank))
        flow.later.add(lambda: self._learn(x, dz, ready, flow))
        operand = self.group.inputs[0]
        dx = np.empty_like(x)
        before = flow.waiting(operand)
        epilogue = Epilogue(other=None if before is None else _map(before))
        scaled = dz * ready.folded.scale if ready.folded.late else dz
        self._algorithm(ready, ready.choice.input_gradient).input_gradient(scaled, dx, epilogue, ALONE)
        flow.arrive(operand, _unmap(dx, rank))

    def _learn(self, x: Array, dz: Array, ready: _Ready, flow: Flow) -> None:
        algorithm = self._algorithm(ready, ready.choice.weight_gradient)
        weight = algorithm.weight_gradient(x, dz, ready.geometry.kernel)
        own, normal = unfold(ready.folded, algorithm.weight, weight, dz.reshape(-1, dz.shape[-1]).sum(axis=0))
        flow.learn(self.group.first, own)
        if self.group.norm is not None:
            flow.learn(self.group.norm, normal)

    def _algorithm(self, ready: _Ready, wanted: type[Algorithm]) -> Algorithm:
        same = type(ready.algorithm) is wanted
        return ready.algorithm if same else wanted(ready.folded.weight, ready.geometry)

    def forget(self) -> None:
        """Let go of the weights that were made ready."""
        self._ready = None


class Linear:
    """A dense layer, its results parted between threads: a vector by a matrix only reads memory."""

    def __init__(self, graph: Graph, group: Group, parameters: Parameters) -> None:
        self.group = group
        self._parameters = parameters

    def forward(self, operands: list[Array], team: Team) -> tuple[tuple[Array, ...], Any]:
        """``x W^T + b`` on the last axis."""
        own = self._parameters.of(self.group.first, operands[0].shape, operands[0].dtype)
        weight, bias = own["weight"], own.get("bias")
        x = operands[0].reshape(-1, weight.shape[1])
        y = np.empty((len(x), len(weight)), x.dtype)

        def part(ends: tuple[int, int]) -> None:
            some = slice(*ends)
            np.matmul(x, weight[some].T, out=y[:, some])
            if bias is not None:
                y[:, some] += bias[some]

        team.each(part, blocks(len(weight), len(weight), team.size))
        return (y.reshape(*operands[0].shape[:-1], -1),), (x, operands[0].shape, own)

    def backward(self, kept: Any, arriving: Array, flow: Flow) -> None:
        """Two matrix products."""
        x, shape, own = kept
        weight = own["weight"]
        dy = arriving.reshape(-1, len(weight))

        def learn() -> None:
            gradients = {"weight": dy.T @ x}
            if "bias" in own:
                gradients["bias"] = dy.sum(axis=0)
            flow.learn(self.group.first, gradients)

        flow.later.add(learn)
        flow.arrive(self.group.inputs[0], (dy @ weight).reshape(shape))

    def forget(self) -> None:
        """Nothing was made ready."""


class MaxPool:
    """The largest values of windows on one or two axes; nobody asks where they stood."""

    def __init__(self, graph: Graph, group: Group, parameters: Parameters) -> None:
        self.group = group
        op = graph.nodes[group.first].op
        self._given: dict[str, Any] = {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False}
        self._given |= op.given if op else {}

    def forward(self, operands: list[Array], team: Team) -> tuple[tuple[Array, ...], Any]:
        """The first port alone."""
        x = _map(operands[0])
        axes = place(operands[0].shape[2:], **self._given)
        if len(axes) == 1:
            axes = [*place((1,), 1, 1, 0, 1, False), *axes]
        tall, wide = axes
        windows = Geometry(
            (tall.kernel, wide.kernel), (tall.starts.step, wide.starts.step), (tall.dilation, wide.dilation),
            ((tall.before, tall.after), (wide.before, wide.after)), 1,
        )  # fmt: skip
        y = np.empty((len(x), len(tall.starts), len(wide.starts), x.shape[3]), x.dtype)
        max_forward(x, y, windows, team)
        return (_unmap(y, operands[0].ndim),), (x, y, windows)

    def backward(self, kept: Any, arriving: Array, flow: Flow) -> None:
        """To the largest value of each window."""
        x, y, windows = kept
        dx = max_backward(x, y, _map(arriving), windows)
        flow.arrive(self.group.inputs[0], _unmap(dx, arriving.ndim))

    def forget(self) -> None:
        """Nothing was made ready."""


class Plain:
    """Any op by its plain kernel."""

    def __init__(self, graph: Graph, group: Group, parameters: Parameters) -> None:
        self.group = group
        self._node = graph.nodes[group.first]
        self._kernel = kernels.find(self._node.kind)
        self._parameters = parameters

    def forward(self, operands: list[Array], team: Team) -> tuple[tuple[Array, ...], Any]:
        """All ports."""
        own = self._parameters.of(self.group.first, operands[0].shape, operands[0].dtype)
        given = self._node.op.given if self._node.op else {}
        result, vjp = self._kernel(*operands, **{**given, **own})
        return (result if isinstance(result, tuple) else (result,)), vjp

    def backward(self, kept: Callable[..., Any], arriving: Any, flow: Flow) -> None:
        """By the kernel's own ``vjp``."""
        learnt: dict[str, Array] = {}
        for key, gradient in kept(arriving).items():
            if isinstance(key, int):
                flow.arrive(self.group.inputs[key], gradient)
            else:
                learnt[key] = gradient
        if learnt:
            flow.learn(self.group.first, learnt)

    def forget(self) -> None:
        """Nothing was made ready."""


def layer(graph: Graph, group: Group, parameters: Parameters, rank: int) -> Layer:
    """The way to run a group whose first operand has ``rank`` axes, batch and channels included."""
    kind = graph.nodes[group.first].kind
    if kind == "conv" and rank in (3, 4):
        return Convolution(graph, group, parameters)
    if kind == "max_pool" and rank in (3, 4) and not _uses_indices(graph, group.first):
        return MaxPool(graph, group, parameters)
    if kind == "linear":
        return Linear(graph, group, parameters)
    return Plain(graph, group, parameters)


def _uses_indices(graph: Graph, place: int) -> bool:
    refs = [ref for node in graph.nodes for ref in node.inputs] + list(graph.results().values())
    return any(ref.node == place and ref.port > 0 for ref in refs)


def _map(x: Array) -> Array:
    """Logical ``[N, C, W]`` or ``[N, C, H, W]`` as contiguous ``[N, H, W, C]``."""
    return channels_last(x if x.ndim == 4 else x[:, :, None])


def _unmap(y: Array, rank: int) -> Array:
    """``[N, H, W, C]`` as logical ``[N, C, H, W]``, or ``[N, C, W]`` where the rank is 3."""
    return logical(y) if rank == 4 else logical(y)[:, :, 0]
