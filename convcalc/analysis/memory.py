"""Memory of the activations, by the schedule ``torch``: a relu in place, views free, batch norm unfused.

Source of what is saved: derivatives.yaml of PyTorch, op by op; the liveness of inference follows the order of
the layers, the operands of a running op alive.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from convcalc.dims import prod

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from convcalc.analysis.shapes import Applied
    from convcalc.dims import Shape
    from convcalc.graph import Graph
    from convcalc.ops._op import Op

    class HasOutputs(Protocol):
        """What is known of a node: the shapes of its results."""

        outputs: tuple[Shape, ...]


ITEMSIZE = {
    "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8,
    "int8": 1, "uint8": 1, "int32": 4, "int64": 8, "bool": 1,
}  # fmt: skip
INDEX_BYTES = ITEMSIZE["int64"]


class Memory(NamedTuple):
    """Bytes of activations for one batch; ``peak_at`` is the node that runs at the inference peak."""

    activations: int
    peak: int
    peak_at: int
    saved: int


def memory(graph: Graph, applied: list[Applied], batch: int, dtype: str) -> Memory:
    """Activations in all, the most alive at once in inference, and what training saves for backward."""
    first = [0, *accumulate(len(step.outputs) for step in applied)]
    sizes = _sizes(graph, applied, first, batch, dtype)
    inference = _homes(graph, first, training=False)
    drops = any(node.op and node.op.view and "mask" in node.op.saves for node in graph.nodes)
    training = _homes(graph, first, training=True) if drops else inference
    made: set[int] = set()
    for place, node in enumerate(graph.nodes):
        if not node.is_input:
            made.update(inference[first[place] : first[place + 1]])
    activations = sum([sizes[home] for home in made])
    saved = _saved(graph, applied, first, training, sizes, batch)
    return Memory(activations, *_peak(graph, first, inference, sizes), saved)


def alive(graph: Graph, steps: Sequence[HasOutputs], batch: int, dtype: str) -> list[int]:
    """Bytes alive while each node runs in inference, over dims of any domain."""
    first = [0, *accumulate(len(step.outputs) for step in steps)]
    return _alive(graph, first, _homes(graph, first, training=False), _sizes(graph, steps, first, batch, dtype))


# Below, all results of the net are numbered through: those of node i are first[i] to first[i + 1] - 1. A result's
# home is the result, itself or an earlier one, whose memory it lives in; its bytes are counted there alone.


def _sizes(graph: Graph, applied: Sequence[HasOutputs], first: list[int], batch: int, dtype: str) -> list[int]:
    """Bytes of each result; indices count only where something uses them."""
    sizes: list[int] = []
    indices: list[int] = []
    for node, step in zip(graph.nodes, applied, strict=True):
        width = ITEMSIZE[node.dtype if node.is_input else dtype]
        for port, shape in enumerate(step.outputs):
            if port and node.op is not None and node.op.ports[port] == "indices":
                indices.append(len(sizes))
                width = INDEX_BYTES
            sizes.append(prod(shape) * batch * width)
    if indices:
        refs = [*(ref for node in graph.nodes for ref in node.inputs), *graph.results().values()]
        used = {first[ref.node] + ref.port for ref in refs}
        for result in indices:
            sizes[result] *= result in used
    return sizes


def _homes(graph: Graph, first: list[int], *, training: bool) -> list[int]:
    """The home of each result: an operand's where the op is a view or works in place, else itself."""
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
        if op.view and not (training and "mask" in op.saves):
            homes[first[place] :] = [operand] * ports
        elif op.in_place and last_of[operand] == place and _gives_up_its_result(graph.nodes[makers[operand]].op):
            homes[first[place]] = operand
        else:
            continue
        last_of[operand] = max(last_of[operand], last_use[place])
    return homes


def _gives_up_its_result(op: Op | None) -> bool:
    return op is not None and "output" not in op.saves


def _peak(graph: Graph, first: list[int], homes: list[int], sizes: list[int]) -> tuple[int, int]:
    """The most bytes alive while one node runs, its operands and results included, and that node."""
    peak = peak_at = 0
    for place, held in enumerate(_alive(graph, first, homes, sizes)):
        if held > peak:
            peak, peak_at = held, place
    return peak, peak_at


def _alive(graph: Graph, first: list[int], homes: list[int], sizes: list[int]) -> list[int]:
    """Bytes alive while each node runs; sums of sizes alone."""
    last = [0] * len(homes)
    for place, node in enumerate(graph.nodes):
        for home in homes[first[place] : first[place + 1]]:
            last[home] = place
        for ref in node.inputs:
            last[homes[first[ref.node] + ref.port]] = place
    for ref in graph.results().values():
        last[homes[first[ref.node] + ref.port]] = len(graph.nodes)
    born = [0] * len(graph.nodes)
    freed = [0] * (len(graph.nodes) + 1)
    for place in range(len(graph.nodes)):
        for result in range(first[place], first[place + 1]):
            if homes[result] == result:
                born[place] += sizes[result]
                freed[last[result]] += sizes[result]
    held = 0
    found = []
    for place in range(len(graph.nodes)):
        held += born[place]
        found.append(held)
        held -= freed[place]
    return found


def _saved(
    graph: Graph, applied: list[Applied], first: list[int], homes: list[int], sizes: list[int], batch: int
) -> int:
    """Bytes that the backward pass needs kept, each piece of memory once."""
    kept: set[int] = set()
    extra = 0
    for place, node in enumerate(graph.nodes):
        if node.op is None:
            continue
        for what in node.op.saves:
            if what == "input":
                kept.update([homes[first[ref.node] + ref.port] for ref in node.inputs])
            elif what == "output":
                kept.add(homes[first[place]])
            elif what == "indices":
                extra += applied[place].size * batch * INDEX_BYTES
            elif what == "mask":
                extra += applied[place].size * batch
            elif what == "statistics":
                extra += 2 * node.op.statistics(batch, *applied[place].inputs) * ITEMSIZE["float32"]
    return extra + sum([sizes[home] for home in kept])
