"""Observation: the graph run on arrays, forward and backward, and what was seen of every layer.

Nothing here asks a formula what should come out: shapes are those of the arrays, parameters are counted as
they lie in memory, multiply-adds where a kernel performs them.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from inspect import signature
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import numpy as np

from convcalc import kernels
from convcalc.diagnostics import Diagnostic, SpecError
from convcalc.graph import Ref
from convcalc.kernels import correlation
from convcalc.kernels._tally import tally
from convcalc.kernels._values import WrongValues

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from convcalc.graph import Graph, Node
    from convcalc.kernels._types import Array

    Watch = Callable[["Step"], None]

Weights = dict[str, dict[str, "Array"]]
"""Parameters and buffers by layer and by name: ``weights["conv_1"]["bias"]``."""

PLAIN = "im2col"
"""The algorithm of a plain run, and where another does not apply."""

LONG_KERNEL = 11
"""Taps on an axis; dense transforms of shorter kernels were measured to take 10 to 120 times as long as im2col."""

BUFFERS = frozenset(("running_mean", "running_var"))
"""What is kept with the parameters but not learnt."""


class Seen(NamedTuple):
    """What a run showed of one layer: shapes without the batch axis, bytes of the results, time of the kernel."""

    name: str
    op: str
    shape: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    batch: int
    params: int
    macs: int
    bytes: int
    seconds: float
    finite: bool
    algorithm: str
    """How a convolution was computed; empty for other layers."""
    multiplications: int
    """Really performed by that algorithm."""


class Backward(NamedTuple):
    """Multiply-adds of one layer's backward pass, by what they were for, and its time."""

    weight_macs: int
    input_macs: int
    seconds: float


class Gradients(NamedTuple):
    """Gradients of the parameters by layer and name, and of the inputs, where they were asked for, by name."""

    parameters: Weights
    inputs: dict[str, Array]


class Step(NamedTuple):
    """One layer as it ran: its kernel, what went in, what came out."""

    node: Node
    kernel: Callable[..., Any]
    operands: tuple[Array, ...]
    parameters: dict[str, Array]
    options: dict[str, Any]
    results: tuple[Array, ...]
    vjp: Callable[..., Any]
    seen: Seen


class Run:
    """A forward pass, and what the backward pass needs of it.

    ``weights`` is filled with seeded random ones where it has none; ``kept`` holds the results of the layers that
    were asked for. Arrays are forgotten as soon as nobody needs them. What no parameter lies behind gets no gradient,
    unless that of the inputs is asked for.
    """

    def __init__(
        self,
        graph: Graph,
        inputs: Mapping[str, Array],
        weights: Weights | None = None,
        *,
        seed: int = 0,
        training: bool = False,
        forward_only: bool = False,
        input_gradient: bool = False,
        keep: frozenset[str] = frozenset(),
        algorithm: str = PLAIN,
        watch: Watch | None = None,
    ) -> None:
        self.graph = graph
        self.weights: Weights = {} if weights is None else weights
        self.rows: list[Seen] = []
        self.backward_rows: dict[str, Backward] = {}
        self.kept: dict[str, Array] = {}
        self.outputs: dict[str, Array] = {}
        self._seed = seed
        self._choices: dict[str, Any] = {
            "training": training,
            "rng": np.random.default_rng([seed, 1]),
            "algorithm": algorithm,
        }
        self._chosen: dict[tuple[Any, ...], str] = {}
        self._vjps: dict[int, tuple[Any, int]] = {}
        self._leading = {ref.node for ref in graph.inputs.values()} if input_gradient else set()
        """Places whose results lead back to what gets a gradient."""
        self._forward(inputs, keep, watch, forward_only)

    def _forward(
        self,
        inputs: Mapping[str, Array],
        keep: frozenset[str],
        watch: Watch | None,
        forward_only: bool,
    ) -> None:
        graph = self.graph
        last_use = _last_uses(graph)
        values: dict[Ref, Array] = {}
        for place, node in enumerate(graph.nodes):
            if node.is_input:
                values[Ref(place)] = inputs[node.name]
                continue
            step = self._step(place, node, [values[ref] for ref in node.inputs])
            if watch:
                watch(step)
            results, vjp = step.results, step.vjp
            self.rows.append(step.seen)
            del step
            if not forward_only and place in self._leading:
                self._vjps[place] = vjp, len(results)
            own = [Ref(place, port) for port in range(len(results))]
            values.update(zip(own, results, strict=True))
            if node.name in keep:
                self.kept[node.name] = results[0]
            for ref in {*own, *node.inputs}:
                if last_use.get(ref, place) == place:
                    del values[ref]
            del results, vjp
        for name, ref in graph.results().items():
            self.outputs[name] = values[ref]

    def _step(self, place: int, node: Node, operands: list[Array]) -> Step:
        kernel = kernels.find(node.kind)
        given = dict(node.op.given) if node.op else {}
        parameters = self._parameters(node, operands[0], given)
        wanted = tuple([ref.node in self._leading for ref in node.inputs])
        if True in wanted or learnt(parameters):
            self._leading.add(place)
        running: dict[str, Array] = {}
        choices = {**self._choices, "buffers": running, "wanted": wanted}
        options = {**given, **{name: choices[name] for name in choices.keys() & _named(kernel)}}
        if "algorithm" in options:
            options["algorithm"] = self._algorithm(node, kernel, operands, options, parameters)
        tally.reset()
        start = perf_counter()
        try:
            result, vjp = kernel(*operands, **{**options, **parameters})
        except WrongValues as error:
            raise refused(self.graph, node, error) from error
        seconds = perf_counter() - start
        # Training moves the running statistics.
        parameters.update(running)
        results: tuple[Array, ...] = result if isinstance(result, tuple) else (result,)
        count = sum(array.size for array in learnt(parameters).values())
        shapes = tuple(array.shape[1:] for array in results)
        seen = Seen(
            node.name, node.kind, shapes[0], shapes, results[0].shape[0], 0 if node.shares is not None else count,
            tally.macs, results[0].nbytes, seconds, bool(np.isfinite(results[0]).all()),
            options.get("algorithm", ""), tally.multiplications,
        )  # fmt: skip
        return Step(node, kernel, tuple(operands), parameters, options, results, vjp, seen)

    def _algorithm(
        self, node: Node, kernel: Any, operands: list[Array], options: dict[str, Any], parameters: dict[str, Array]
    ) -> str:
        """The algorithm asked for where it applies, else im2col; for ``auto`` the fastest, measured on this layer."""
        asked = self._choices["algorithm"]
        if asked == PLAIN:
            return PLAIN
        key = (id(node.op), *(x.shape for x in operands))
        if key not in self._chosen:
            timed: dict[str, float] = {}
            for name in _candidates(parameters["weight"]) if asked == "auto" else [str(asked)]:
                start = perf_counter()
                with suppress(correlation.NotApplicable):
                    kernel(*operands, **{**options, **parameters, "algorithm": name})
                    timed[name] = perf_counter() - start
            self._chosen[key] = min(timed, key=timed.__getitem__, default=PLAIN)
        return self._chosen[key]

    def _parameters(self, node: Node, x: Array, given: dict[str, Any]) -> dict[str, Array]:
        """The layer's own or shared parameters; drawn now where there are none."""
        owner = node.name if node.shares is None else self.graph.nodes[node.shares].name
        if owner not in self.weights:
            draw = kernels.initial(node.kind)
            if draw is None:
                return {}
            rng = np.random.default_rng([self._seed, crc32(owner.encode())])
            self.weights[owner] = draw(rng, x.shape, **given, dtype=x.dtype)
        return self.weights[owner]

    def backward(self, seeds: Mapping[str, Array]) -> Gradients:
        """The gradients of ``sum(seed * output)`` over the outputs that have a seed; once for a run."""
        graph = self.graph
        flowing: dict[Ref, Array] = {}
        for name, seed in seeds.items():
            _accumulate(flowing, graph.results()[name], seed)
        parameters: Weights = {}
        for place in reversed(range(len(graph.nodes))):
            node = graph.nodes[place]
            if node.is_input or place not in self._leading:
                continue
            vjp, ports = self._vjps.pop(place)
            arriving = tuple(flowing.pop(Ref(place, port), None) for port in range(ports))
            if all(dy is None for dy in arriving):
                continue
            tally.reset()
            start = perf_counter()
            gradients = vjp(arriving if ports > 1 else arriving[0])
            seconds = perf_counter() - start
            self.backward_rows[node.name] = Backward(tally.weight_macs, tally.input_macs, seconds)
            owner = node if node.shares is None else graph.nodes[node.shares]
            for key, gradient in gradients.items():
                if isinstance(key, str):
                    _accumulate(parameters.setdefault(owner.name, {}), key, gradient)
                elif node.inputs[key].node in self._leading:
                    _accumulate(flowing, node.inputs[key], gradient)
        inputs = {name: flowing[ref] for name, ref in graph.inputs.items() if ref in flowing}
        return Gradients(parameters, inputs)


def refused(graph: Graph, node: Node, error: WrongValues) -> SpecError:
    """Values that a layer can't take, with its place in the spec and the operand that holds them."""
    holder = graph.nodes[node.inputs[error.operand].node]
    told = f"{node.name}: {holder.name} holds {error.found}, the layer takes {error.wanted}"
    fix = f"give the input {holder.name} {error.wanted}"
    if not holder.is_input:
        fix = f"take them from an input of integers, not from {holder.name}"
    elif "int" not in holder.dtype:
        fix = f"give the input {holder.name} the dtype int64"
    source = graph.spec.source if graph.spec else None
    return SpecError([Diagnostic("out-of-range", told, fix, source, graph.span(node))])


def learnt(parameters: Mapping[str, Array]) -> dict[str, Array]:
    """Those of a layer's parameters that get a gradient."""
    return {name: array for name, array in parameters.items() if name not in BUFFERS}


@cache
def _named(kernel: Any) -> frozenset[str]:
    """The names that a kernel takes; to look takes as long as a small layer, so that it is done once."""
    return frozenset(signature(kernel).parameters)


def _candidates(weight: Array) -> list[str]:
    """What ``auto`` times: a Toeplitz matrix is never the fastest, a Fourier transform only for long kernels."""
    never = {"toeplitz"} if max(weight.shape[2:]) > LONG_KERNEL else {"toeplitz", "fft"}
    return [name for name in correlation.names() if name not in never]


def _accumulate(sums: dict[Any, Array], key: Any, term: Array) -> None:
    sums[key] = sums[key] + term if key in sums else term


def _last_uses(graph: Graph) -> dict[Ref, int]:
    """The node after which each result may be forgotten; outputs stay."""
    last = {ref: place for place, node in enumerate(graph.nodes) for ref in node.inputs}
    return last | dict.fromkeys(graph.results().values(), len(graph.nodes))


def random_inputs(graph: Graph, batch: int = 1, *, seed: int = 0, dtype: str = "float32") -> dict[str, Array]:
    """Standard normal values for every input; where its dtype is an integer, 0 or 1."""
    made: dict[str, Array] = {}
    for name, ref in graph.inputs.items():
        node = graph.nodes[ref.node]
        rng = np.random.default_rng([seed, crc32(name.encode())])
        shape = (batch, *(node.shape or ()))
        if "int" in node.dtype or node.dtype == "bool":
            made[name] = rng.integers(0, 2, shape).astype(node.dtype)
        else:
            made[name] = rng.standard_normal(shape, dtype=np.float32).astype(dtype)
    return made
