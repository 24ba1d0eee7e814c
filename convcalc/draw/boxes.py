"""A net as boxes and arrows: a box is a layer with the pointwise ones behind it, or a folded block."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from convcalc.diagnostics import times
from convcalc.ops._op import IDENTITY
from convcalc.report.lines import folded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convcalc.analysis import Analysis, Row
    from convcalc.graph import Graph, Group, Node, Ref
    from convcalc.ops._op import Op

TOLD = ("stride", "dilation", "groups", "scale_factor", "output_size", "size", "dim")
"""Attributes worth a word in a box; a kernel stands first, channels and sizes stand on the arrows."""
COLOURS = {"input": "#eef3e2", "output": "#eef3e2", "layer": "#e8eef7", "join": "#f7ece1", "block": "#f1e9f5"}
"""The ground of a box by its kind."""


class Box(NamedTuple):
    """A box: its name, what is in it line by line, and whether it is an input, a layer, a join or a block."""

    name: str
    lines: tuple[str, ...]
    kind: str


class Arrow(NamedTuple):
    """From box to box, by place, with what flows."""

    source: int
    target: int
    shape: str


class Picture(NamedTuple):
    """Boxes in the order they run, and the arrows between them."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def picture(analysis: Analysis, depth: int = 0, block: Group | None = None) -> Picture:
    """The net, or one of its blocks, with ``depth`` levels of blocks opened, and a box for each input and output."""
    graph, rows = analysis.graph, {row.name: row for row in analysis.rows}
    inside = range(block.start, block.stop) if block else range(len(graph.nodes))
    results = {"output": block.output} if block else graph.results()
    reads = [(ref, place) for place in inside for ref in graph.nodes[place].inputs]
    outside = dict.fromkeys(ref.node for ref, _ in reads if ref.node not in inside)
    boxes = [Box(graph.nodes[place].name, (), "input") for place in outside]
    homes = {place: home for home, place in enumerate(outside)}
    for places, closed in _members(graph, rows, folded(graph, depth, block), inside, results.values()):
        homes |= dict.fromkeys(places, len(boxes))
        boxes.append(_box(graph, places, closed, rows))

    flows = [(ref, homes[place]) for ref, place in reads]
    for name, ref in results.items():
        flows.append((ref, len(boxes)))
        boxes.append(Box("output" if len(results) == 1 else name, (), "output"))
    shapes: dict[tuple[int, int], dict[str, None]] = {}
    for ref, target in flows:
        if homes[ref.node] != target:
            shapes.setdefault((homes[ref.node], target), {})[times(analysis.shape(ref))] = None
    arrows = (Arrow(*ends, " and ".join(told)) for ends, told in shapes.items())
    return Picture(block.name if block else graph.name, tuple(boxes), tuple(arrows))


def _members(
    graph: Graph, rows: dict[str, Row], closed: dict[int, Group], inside: range, results: Iterable[Ref]
) -> list[tuple[list[int], Group | None]]:
    """Of each box its nodes, and the block that is folded into it."""
    readers = Counter([ref.node for node in graph.nodes for ref in node.inputs] + [ref.node for ref in results])
    members: list[tuple[list[int], Group | None]] = []
    own: dict[int, list[int]] = {}
    """The box of each node that is in no block."""
    stop = inside.start
    for place in inside:
        node = graph.nodes[place]
        if place < stop:
            members[-1][0].append(place)
            continue
        group = closed.get(place)
        before = node.inputs[0].node if len(node.inputs) == 1 and not group else -1
        if (
            before in own
            and readers[before] == 1
            and _is_pointwise(node, rows[node.name], rows[graph.nodes[before].name])
        ):
            own[place] = own[before]
            own[place].append(place)
            continue
        members.append(([place], group))
        if group:
            stop = group.stop
        elif node.op:
            own[place] = members[-1][0]
    return members


def _is_pointwise(node: Node, row: Row, operand: Row) -> bool:
    """Whether a layer changes values in their places, without products."""
    if node.op is None or row.cost.macs or row.shapes != (operand.shape,):
        return False
    (taps,) = node.op.taps(operand.shape)
    return taps is not None and taps.count(IDENTITY) == len(taps)


def _box(graph: Graph, places: list[int], group: Group | None, rows: dict[str, Row]) -> Box:
    """A box; a block of one layer and pointwise ones behind it is told as they are."""
    first, *rest = (graph.nodes[place] for place in places)
    name = group.name if group else first.name
    if first.op is None:
        return Box(name, (), "input")
    chain = (
        [ref.node for ref in node.inputs] == [before]
        and _is_pointwise(node, rows[node.name], rows[graph.nodes[before].name])
        for before, node in zip(places, rest, strict=False)
    )
    if group and not all(chain):
        return Box(name, (f"{group.kind}, {len(places)} layer{'s' * (len(places) != 1)}",), "block")
    lines = [_described(first.op, len(rows[first.name].shape) - 1), ", ".join(node.kind for node in rest)]
    return Box(name, tuple(filter(None, lines)), "join" if first.op.operands[1] != 1 else "layer")


def _described(op: Op, rank: int) -> str:
    """``conv 7x7, stride 2``; of a signal ``conv, kernel 7``."""
    words = [op.name]
    for key in TOLD:
        value = op.given.get(key)
        if value is not None and value != op.attributes[key].default:
            told = times(value) if isinstance(value, tuple) else str(value)
            words.append(f"{key} {told}")
    kernel = op.given.get("kernel_size")
    if kernel is not None:
        told = times(kernel if isinstance(kernel, tuple) else (kernel,) * rank)
        words[0] += f" {told}" if rank > 1 else f", kernel {told}"
    return ", ".join(words)
