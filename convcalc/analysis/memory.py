"""Memory of the activations, by the schedule ``torch``: a relu in place, views free, batch norm unfused.

Source of what is saved: derivatives.yaml of PyTorch, op by op; the liveness of inference follows the order of
the layers, the operands of a running op alive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from convcalc.dims import prod

if TYPE_CHECKING:
    from convcalc.analysis.shapes import Applied
    from convcalc.graph import Graph

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
    sizes = _sizes(graph, applied, batch, dtype)
    inference = _storages(graph, training=False)
    drops = any(node.op and node.op.view and "mask" in node.op.saves for node in graph.nodes)
    training = _storages(graph, training=True) if drops else inference
    own = {
        storage for place, storages in enumerate(inference) if not graph.nodes[place].is_input for storage in storages
    }
    peak, peak_at = _peak(graph, inference, sizes)
    return Memory(sum(sizes[storage] for storage in own), peak, peak_at, _saved(graph, applied, training, sizes, batch))


Storage = tuple[int, int]
"""The node and port that first held a piece of memory."""


def _sizes(graph: Graph, applied: list[Applied], batch: int, dtype: str) -> dict[Storage, int]:
    """Bytes by storage: a second port counts only where something uses it."""
    used = {tuple(ref) for node in graph.nodes for ref in node.inputs} | {tuple(r) for r in graph.results().values()}
    itemsize = ITEMSIZE[dtype]
    sizes: dict[Storage, int] = {}
    for place, node in enumerate(graph.nodes):
        width = ITEMSIZE[node.dtype] if node.is_input else itemsize
        for port, shape in enumerate(applied[place].outputs):
            indices = node.op is not None and node.op.ports[port] == "indices"
            counts = port == 0 or (place, port) in used or not indices
            sizes[place, port] = counts * prod(shape) * batch * (INDEX_BYTES if indices else width)
    return sizes


def _storages(graph: Graph, *, training: bool) -> list[tuple[Storage, ...]]:
    """For each node the memory its results live in: their own, or an operand's for views and in-place ops."""
    last_use = [0] * len(graph.nodes)
    for place, node in enumerate(graph.nodes):
        for ref in node.inputs:
            last_use[ref.node] = place
    for ref in graph.results().values():
        last_use[ref.node] = len(graph.nodes)
    storages: list[tuple[Storage, ...]] = []
    last_of: dict[Storage, int] = {}
    for place, node in enumerate(graph.nodes):
        op = node.op
        ports = 1 if op is None else len(op.ports)
        own: tuple[Storage, ...] = tuple((place, port) for port in range(ports))
        if op is not None and node.inputs:
            first = node.inputs[0]
            operand = storages[first.node][first.port]
            producer = graph.nodes[operand[0]]
            if op.view and not (training and "mask" in op.saves):
                own = (operand,) * ports
            elif op.in_place and last_of[operand] == place and producer.op and "output" not in producer.op.saves:
                own = (operand, *own[1:])
        storages.append(own)
        for storage in own:
            last_of[storage] = max(last_of.get(storage, 0), last_use[place])
    return storages


def _peak(graph: Graph, storages: list[tuple[Storage, ...]], sizes: dict[Storage, int]) -> tuple[int, int]:
    """The most bytes alive while one node runs, its operands and results included, and that node."""
    final: dict[Storage, int] = {}
    for place, node in enumerate(graph.nodes):
        for storage in storages[place]:
            final[storage] = place
        for ref in node.inputs:
            final[storages[ref.node][ref.port]] = place
    for ref in graph.results().values():
        final[storages[ref.node][ref.port]] = len(graph.nodes)
    ends: dict[int, list[Storage]] = {}
    for storage, place in final.items():
        ends.setdefault(place, []).append(storage)
    alive = peak = peak_at = 0
    born: set[Storage] = set()
    for place in range(len(graph.nodes)):
        for storage in storages[place]:
            if storage not in born:
                born.add(storage)
                alive += sizes[storage]
        if alive > peak:
            peak, peak_at = alive, place
        alive -= sum(sizes[storage] for storage in ends.get(place, ()))
    return peak, peak_at


def _saved(
    graph: Graph, applied: list[Applied], storages: list[tuple[Storage, ...]], sizes: dict[Storage, int], batch: int
) -> int:
    """Bytes that the backward pass needs kept, each piece of memory once."""
    kept: set[Storage] = set()
    extra = 0
    for place, node in enumerate(graph.nodes):
        if node.op is None:
            continue
        result = prod(applied[place].outputs[0])
        for what in node.op.saves:
            if what == "input":
                kept.update(storages[ref.node][ref.port] for ref in node.inputs)
            elif what == "output":
                kept.add(storages[place][0])
            elif what == "indices":
                extra += result * batch * INDEX_BYTES
            elif what == "mask":
                extra += result * batch
            elif what == "statistics":
                extra += 2 * applied[place].outputs[0][0] * ITEMSIZE["float32"]
    return extra + sum(sizes[storage] for storage in kept)
