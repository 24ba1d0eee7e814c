"""A net as boxes and arrows: a box is a layer with the pointwise ones behind it, or a folded block."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from convcalc.ops._op import IDENTITY
from convcalc.report.lines import folded
from convcalc.report.numbers import times

if TYPE_CHECKING:
    from convcalc.analysis import Analysis, Row
    from convcalc.graph import Graph, Group, Node
    from convcalc.ops._op import Op

TOLD = ("stride", "dilation", "groups", "scale_factor", "output_size", "size", "dim")
"""Attributes worth a word in a box; a kernel stands first, channels and sizes stand on the arrows."""


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


def picture(analysis: Analysis, depth: int = 0) -> Picture:
    """The net with ``depth`` levels of blocks opened, and a box for each output."""
    graph, rows = analysis.graph, {row.name: row for row in analysis.rows}
    homes, members = _homes(graph, rows, folded(graph, depth))
    boxes = [_box([graph.nodes[place] for place in places], group, rows) for places, group in members]

    flows = [(ref, homes[place]) for place, node in enumerate(graph.nodes) for ref in node.inputs]
    results = graph.results()
    for name, ref in results.items():
        flows.append((ref, len(boxes)))
        boxes.append(Box("output" if len(results) == 1 else name, (), "output"))
    shapes: dict[tuple[int, int], dict[str, None]] = {}
    for ref, target in flows:
        if homes[ref.node] != target:
            shapes.setdefault((homes[ref.node], target), {})[times(analysis.shape(ref))] = None
    arrows = (Arrow(*ends, " and ".join(told)) for ends, told in shapes.items())
    return Picture(graph.name, tuple(boxes), tuple(arrows))


def _homes(
    graph: Graph, rows: dict[str, Row], closed: dict[int, Group]
) -> tuple[list[int], list[tuple[list[int], Group | None]]]:
    """The box of each node; of each box its nodes, and the block that is folded into it."""
    read = [ref.node for node in graph.nodes for ref in node.inputs] + [ref.node for ref in graph.results().values()]
    readers = Counter(read)
    homes: list[int] = []
    members: list[tuple[list[int], Group | None]] = []
    stop = 0
    for place, node in enumerate(graph.nodes):
        if place >= stop:
            group = closed.get(place)
            before = node.inputs[0].node if len(node.inputs) == 1 else -1
            alone = group is None and before >= stop and readers[before] == 1 and not graph.nodes[before].is_input
            if alone and _is_pointwise(node, rows[node.name], rows[graph.nodes[before].name]):
                homes.append(homes[before])
                members[homes[-1]][0].append(place)
                continue
            members.append(([], group))
            stop = group.stop if group else place
        homes.append(len(members) - 1)
        members[-1][0].append(place)
    return homes, members


def _is_pointwise(node: Node, row: Row, operand: Row) -> bool:
    """Whether a layer changes values in their places, without products."""
    if node.op is None or row.cost.macs or row.shapes != (operand.shape,):
        return False
    (taps,) = node.op.taps(operand.shape)
    return taps is not None and taps.count(IDENTITY) == len(taps)


def _box(nodes: list[Node], group: Group | None, rows: dict[str, Row]) -> Box:
    if group is not None:
        return Box(group.name, (f"{group.kind}, {len(nodes)} layer{'s' * (len(nodes) != 1)}",), "block")
    first, *rest = nodes
    if first.op is None:
        return Box(first.name, (), "input")
    lines = [_described(first.op, len(rows[first.name].shape) - 1), ", ".join(node.kind for node in rest)]
    return Box(first.name, tuple(filter(None, lines)), "join" if first.op.operands[1] != 1 else "layer")


def _described(op: Op, rank: int) -> str:
    """``conv 7x7, stride 2``."""
    words = [op.name]
    for key in TOLD:
        value = op.given.get(key)
        if value is not None and value != op.attributes[key].default:
            told = times(value) if isinstance(value, tuple) else str(value)
            words.append(f"{key} {told}")
    kernel = op.given.get("kernel_size")
    if kernel is not None:
        words[0] += f" {times(kernel if isinstance(kernel, tuple) else (kernel,) * rank)}"
    return ", ".join(words)
