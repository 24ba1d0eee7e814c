"""Memory of the activations, by the schedule ``torch``: a relu in place, views free, batch norm unfused.

Source of what is saved: derivatives.yaml of PyTorch, op by op, and what its CPU kernels were seen to save; the input
of the net needs no gradient. The liveness of inference follows the order of the layers, the operands of a running op
alive.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis.backward import leading
from convcalc.dims import prod
from convcalc.ops._op import INDEX

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from convcalc.analysis import Analysis
    from convcalc.analysis.shapes import Applied
    from convcalc.dims import Shape
    from convcalc.graph import Graph

    class HasOutputs(Protocol):
        """What is known of a node: the shapes of its results."""

        outputs: tuple[Shape, ...]


ITEMSIZE = {
    "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8,
    "int8": 1, "uint8": 1, "int32": 4, "int64": 8, "bool": 1,
}  # fmt: skip


STATES = {"sgd": 0, "momentum": 1, "adam": 2}
"""Optimizers, and the values that each keeps for every parameter: torch.optim.SGD, torch.optim.Adam."""


class Memory(NamedTuple):
    """Bytes of activations for one batch; ``peak_at`` is the node that runs at the inference peak."""

    activations: int
    peak: int
    peak_at: int
    saved: int


def memory(graph: Graph, applied: list[Applied], batch: int, dtype: str) -> Memory:
    """Activations in all, the most alive at once in inference, and what training saves for backward."""
    results = Results(graph, applied, batch, dtype)
    inference = results.homes()
    drops = frozenset(place for place, step in enumerate(applied) if "mask" in step.saved)
    training = results.homes(drops) if drops else inference
    held = results.alive(inference, results.last_uses(inference))
    peak = max(held, default=0)
    saved = _saved(results, applied, training)
    return Memory(results.made(inference), peak, held.index(peak) if peak else 0, saved)


def alive(graph: Graph, steps: Sequence[HasOutputs], batch: int, dtype: str) -> list[int]:
    """Bytes alive while each node runs in inference, over dims of any domain."""
    results = Results(graph, steps, batch, dtype)
    homes = results.homes()
    return results.alive(homes, results.last_uses(homes))


class Training(NamedTuple):
    """Bytes of a training step: parameters and buffers, their gradients, the optimizer's state, what backward needs.

    What is held while a layer runs comes on top.
    """

    parameters: int
    buffers: int
    gradients: int
    optimizer: int
    saved: int


def training(analysis: Analysis, optimizer: str) -> Training:
    """By one of ``STATES``; Adam counts its steps beside each parameter, as one float."""
    totals = analysis.totals
    tensors = sum(len(row.parameters) for row in analysis.rows) if optimizer == "adam" else 0
    kept = totals.parameter_bytes
    state = STATES[optimizer] * kept + ITEMSIZE["float32"] * tensors
    return Training(kept, totals.buffers * ITEMSIZE[analysis.dtype], kept, state, totals.memory.saved)


class Results:
    """All results of a net, numbered through: those of node i are ``first[i]`` to ``first[i + 1] - 1``.

    A result's home is the result, itself or an earlier one, whose memory it lives in; its bytes count there alone.
    """

    def __init__(
        self, graph: Graph, steps: Sequence[HasOutputs], batch: int, dtype: str, *, every_index: bool = False
    ) -> None:
        self.graph = graph
        self.batch = batch
        self.width = ITEMSIZE[dtype]
        self.first = [0, *accumulate(len(step.outputs) for step in steps)]
        self.sizes = self._sizes(steps, every_index=every_index)
        """Bytes of each result; indices that nobody uses are not kept, but where ``every_index`` has them made."""

    def _sizes(self, steps: Sequence[HasOutputs], *, every_index: bool) -> list[int]:
        graph, sizes = self.graph, list[int]()
        indices: list[int] = []
        for node, step in zip(graph.nodes, steps, strict=True):
            whole = node.is_input and ("int" in node.dtype or node.dtype == "bool")
            width = ITEMSIZE[node.dtype] if whole else self.width
            for port, shape in enumerate(step.outputs):
                if port and node.op is not None and node.op.ports[port] == "indices":
                    indices.append(len(sizes))
                    width = INDEX
                sizes.append(prod(shape) * self.batch * width)
        if indices and not every_index:
            refs = [*(ref for node in graph.nodes for ref in node.inputs), *graph.results().values()]
            used = {self.first[ref.node] + ref.port for ref in refs}
            for result in indices:
                sizes[result] *= result in used
        return sizes

    def homes(self, drops: frozenset[int] = frozenset(), *, in_place: bool = True) -> list[int]:
        """The home of each result: an operand's where the op is a view or works in place, else itself.

        At ``drops`` a dropout drops, and so is no view.
        """
        graph, first = self.graph, self.first
        last_use = [0] * len(graph.nodes)
        for place, node in enumerate(graph.nodes):
            for ref in node.inputs:
                last_use[ref.node] = place
        for ref in graph.results().values():
            last_use[ref.node] = len(graph.nodes)
        homes: list[int] = []
        makers: list[int] = []
        last_of: list[int] = []
        for place, node in enumerate(graph.nodes):
            ports = first[place + 1] - first[place]
            homes += range(first[place], first[place + 1])
            makers += [place] * ports
            last_of += [last_use[place]] * ports
            op = node.op
            if op is None or not node.inputs:
                continue
            operand = homes[first[node.inputs[0].node] + node.inputs[0].port]
            if op.view and place not in drops:
                homes[first[place] :] = [operand] * ports
            elif in_place and op.in_place and last_of[operand] == place and self._gives_up(makers[operand]):
                homes[first[place]] = operand
            else:
                continue
            last_of[operand] = max(last_of[operand], last_use[place])
        return homes

    def _gives_up(self, place: int) -> bool:
        """Whether the node's result may be overwritten: it is no input, and its own gradient does not need it."""
        op = self.graph.nodes[place].op
        return op is not None and "output" not in op.saves

    def made(self, homes: list[int]) -> int:
        """Bytes of all results together, inputs left out."""
        own = {
            home
            for place, node in enumerate(self.graph.nodes)
            if not node.is_input
            for home in homes[self.first[place] : self.first[place + 1]]
        }
        return sum([self.sizes[home] for home in own])

    def last_uses(self, homes: list[int], *, inputs_stay: bool = False) -> list[int]:
        """For each home the node after which nobody needs it; behind the last one for what stays."""
        graph, first = self.graph, self.first
        last = [0] * len(homes)
        for place, node in enumerate(graph.nodes):
            for home in homes[first[place] : first[place + 1]]:
                last[home] = place
            for ref in node.inputs:
                last[homes[first[ref.node] + ref.port]] = place
        staying = [*graph.results().values(), *(graph.inputs.values() if inputs_stay else ())]
        for ref in staying:
            last[homes[first[ref.node] + ref.port]] = len(graph.nodes)
        return last

    def alive(self, homes: list[int], last: list[int]) -> list[int]:
        """Bytes alive while each node runs, its operands and results included."""
        nodes, first = self.graph.nodes, self.first
        born = [0] * len(nodes)
        freed = [0] * (len(nodes) + 1)
        for place in range(len(nodes)):
            for result in range(first[place], first[place + 1]):
                if homes[result] == result:
                    born[place] += self.sizes[result]
                    freed[last[result]] += self.sizes[result]
        counts: list[int] = []
        now = 0
        for place in range(len(nodes)):
            now += born[place]
            counts.append(now)
            now -= freed[place]
        return counts


def _saved(results: Results, applied: list[Applied], homes: list[int]) -> int:
    """Bytes that the backward pass needs kept, each piece of memory once; nothing in front of all parameters."""
    first, batch = results.first, results.batch
    kept: set[int] = set()
    extra = 0
    leads = leading(results.graph, applied, input_gradient=False)
    for place, node in enumerate(results.graph.nodes):
        step = applied[place]
        for what in step.saved if leads[place] else ():
            if what == "input":
                kept.update([homes[first[ref.node] + ref.port] for ref in node.inputs])
            elif what == "target":
                kept.add(homes[first[node.inputs[-1].node] + node.inputs[-1].port])
            elif what == "places" and node.op and node.op.indices is not None:
                ref = node.inputs[node.op.indices]
                kept.add(homes[first[ref.node] + ref.port])
            elif what == "output":
                kept.add(homes[first[place]])
            elif what == "indices":
                port = first[place] + len(step.outputs) - 1
                if port > first[place] and results.sizes[port]:
                    kept.add(port)
                else:
                    extra += step.size * batch * INDEX
            elif what == "mask":
                extra += step.size * batch * results.width
            elif what == "statistics":
                extra += 2 * node.op.statistics(batch, *step.inputs) * ITEMSIZE["float32"] if node.op else 0
            elif what == "values":
                extra += step.own_values * batch * results.width
    return extra + sum([results.sizes[home] for home in kept])
