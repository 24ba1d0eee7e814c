"""Lower bounds on the time of a layer, by what a device can do at best.

A layer takes as long as its operations take at the peak, and as long as its bytes take through the memory, whichever
is more. Source: Williams, Waterman, Patterson 2009, "Roofline". Its bytes are those of its operands, parameters and
results, each once and whole: so many move, but for what a cache holds from the layer before, or keeps of the result,
and for what of an operand a stride or a crop passes over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis.memory import ITEMSIZE
from convcalc.dims import prod
from convcalc.graph import Ref
from convcalc.ops._op import INDEX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convcalc.analysis import Analysis, Row
    from convcalc.devices import Device
    from convcalc.graph import Graph, Node


class Traffic(NamedTuple):
    """Bytes that a layer reads (operands, each once, and parameters) and writes (results that something uses)."""

    read: int
    written: int

    @property
    def bytes(self) -> int:
        """Both."""
        return self.read + self.written


class Bound(NamedTuple):
    """What layers take at least: ``seconds``, and what they wait for.

    ``by`` is ``compute``; ``memory``; ``cache`` where the memory would take longer than the operations, but the cache
    can hold what is read and written; or nothing, where nothing is done.
    """

    flops: int
    bytes: int
    seconds: float
    by: str

    @property
    def intensity(self) -> float:
        """FLOPs for each byte."""
        return self.flops / self.bytes if self.bytes else 0.0


def traffic(analysis: Analysis) -> list[Traffic]:
    """The traffic of every layer, in the order of the rows; views move nothing."""
    graph, rows = analysis.graph, iter(analysis.rows)
    used = {ref for node in graph.nodes for ref in node.inputs} | set(graph.results().values())
    return [
        _traffic(graph, place, node, next(rows), used, ITEMSIZE[analysis.dtype])
        for place, node in enumerate(graph.nodes)
        if node.op is not None
    ]


def _traffic(graph: Graph, place: int, node: Node, row: Row, used: set[Ref], width: int) -> Traffic:
    step = row.applied
    if node.op is None or node.op.view:
        return Traffic(0, 0)
    operands = dict(zip(node.inputs, step.inputs, strict=True))
    values = sum(prod(shape) * _width(graph, ref, width) for ref, shape in operands.items())
    stored = step.count + sum(map(prod, step.buffers.values()))
    ports = ((Ref(place, port), shape) for port, shape in enumerate(step.outputs))
    results = sum(prod(shape) * _width(graph, ref, width) for ref, shape in ports if ref.port == 0 or ref in used)
    return Traffic(values * row.batch + stored * width, results * row.batch)


def _width(graph: Graph, ref: Ref, width: int) -> int:
    """Bytes of a value."""
    node = graph.nodes[ref.node]
    if node.op is None:
        return ITEMSIZE[node.dtype] if node.dtype != "float32" else width
    return INDEX if node.op.ports[ref.port] == "indices" else width


def bounds(analysis: Analysis, device: Device) -> list[Bound]:
    """The bound of every layer, in the order of the rows; raises Misuse where the device does not know the dtype."""
    peak = device.peak(analysis.dtype)
    return [_bound(row.flops, moved, peak, device) for row, moved in zip(analysis.rows, traffic(analysis), strict=True)]


def _bound(flops: int, moved: Traffic, peak: float, device: Device) -> Bound:
    compute = flops / peak
    # What is read may lie in the cache already, and what is written may stay there.
    forced = max(moved.read - device.cache, 0) + max(moved.written - device.cache, 0)
    memory = forced / device.bandwidth
    if not flops and not moved.bytes:
        by = ""
    elif compute >= moved.bytes / device.bandwidth:
        by = "compute"
    else:
        by = "memory" if memory > compute else "cache"
    return Bound(flops, moved.bytes, max(compute, memory), by)


def together(found: Iterable[Bound]) -> Bound:
    """Layers one after the other; they wait for what most of their time is for."""
    listed = list(found)
    times: dict[str, float] = {}
    for bound in listed:
        times[bound.by] = times.get(bound.by, 0.0) + bound.seconds
    return Bound(
        sum(bound.flops for bound in listed),
        sum(bound.bytes for bound in listed),
        sum(bound.seconds for bound in listed),
        max(times, key=lambda by: (times[by], by), default=""),
    )
