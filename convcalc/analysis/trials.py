"""What would fail if something were changed: how a fix is tried before it is proposed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis.indices import same_map
from convcalc.analysis.shapes import check_rank, unsettled
from convcalc.diagnostics import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convcalc.dims import Shape
    from convcalc.graph import Graph, Node
    from convcalc.ops._op import Op

WORK = 20_000
"""Nodes that the trials of one finding may visit, about a third of a second: counted, so that a report never
depends on the machine's speed."""

FITS, BETTER, NO = 2, 1, 0
"""Verdicts: nothing fails that did not fail before; the node fits, and what fails now could not be known
before; the node does not fit or something breaks."""

Changes = dict[int, "Op"]
"""By place in the graph the op that stands there instead."""

Insertions = dict[int, tuple[int, "Op"]]
"""By place an operand, and the op that it passes through first."""


class Walk(NamedTuple):
    """Shapes through a graph, and the names of the nodes that fail or, behind one that failed, are unknown."""

    shapes: list[tuple[Shape, ...] | None]
    failed: set[str]
    unknown: set[str]


def walk(
    graph: Graph,
    changes: Changes | None = None,
    insertions: Insertions | None = None,
    known: Walk | None = None,
) -> Walk:
    """Shapes alone, as ``shapes.infer`` has them; with ``known``, what comes before the first change is reused."""
    changes, insertions = changes or {}, insertions or {}
    start = min([*changes, *insertions], default=0) if known else 0
    shapes = known.shapes[:start] if known else []
    before = {node.name for node in graph.nodes[:start]}
    failed = known.failed & before if known else set()
    unknown = known.unknown & before if known else set()
    memo: dict[tuple[Op, tuple[Shape, ...]], tuple[tuple[Shape, ...] | None, bool]] = {}
    for place in range(start, len(graph.nodes)):
        node = graph.nodes[place]
        op = changes.get(place, node.op)
        if op is None:
            shapes.append(None if node.shape is None else (node.shape,))
            continue
        operands = [shapes[ref.node] for ref in node.inputs]
        inputs = tuple([x[ref.port] for x, ref in zip(operands, node.inputs, strict=True) if x is not None])
        fits = True
        if place in insertions and len(inputs) == len(operands):
            index, extra = insertions[place]
            passed, fits = result(extra, (inputs[index],))
            inputs = (*inputs[:index], *(passed or ())[:1], *inputs[index + 1 :])
        if len(inputs) < len(operands):
            shapes.append(None)
            (unknown if fits else failed).add(node.name)
            continue
        key = op, inputs
        if key not in memo:
            memo[key] = result(op, inputs)
        outputs, right = memo[key]
        shapes.append(outputs)
        if not (right and fits and _indices_fit(graph, node, op, shapes)):
            failed.add(node.name)
    return Walk(shapes, failed, unknown)


def _indices_fit(graph: Graph, node: Node, op: Op, shapes: Sequence[tuple[Shape, ...] | None]) -> bool:
    """Whether the indices that the last of the shapes is made by are those of a map of its size."""
    pool = None if op.indices is None else graph.nodes[node.inputs[op.indices].node]
    made = shapes[-1]
    if pool is None or pool.op is None or made is None:
        return True
    ref = pool.inputs[0]
    seen = shapes[ref.node]
    return seen is None or all(demand.holds() for demand in same_map(seen[ref.port], made[0]))


def result(op: Op, inputs: tuple[Shape, ...]) -> tuple[tuple[Shape, ...] | None, bool]:
    """The shapes that come out, None where they cannot be known, and whether all demands hold."""
    try:
        check_rank(op, inputs)
        outputs, demands = op.infer(*inputs)
    except Problem:
        return None, False
    full = min(map(min, outputs)) >= 1
    failed = [demand for demand in demands if not demand.holds()]
    return (outputs if full and not unsettled(failed) else None), full and not failed


class Trials:
    """Tries changes of a graph in which nodes fail, for as long as work is allowed for."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.left = 0
        self._rest = 4 * WORK

    @cached_property
    def before(self) -> Walk:
        """What fails as things are."""
        return walk(self.graph)

    @cached_property
    def _of_layers(self) -> dict[int, list[int]]:
        """The places of all nodes of a layer of the spec, by its identity."""
        found: dict[int, list[int]] = {}
        for place, node in enumerate(self.graph.nodes):
            if node.layer is not None and node.op is not None:
                found.setdefault(id(node.layer), []).append(place)
        return found

    def refill(self) -> None:
        """Allow for the work of one search, at least two trials, as long as all searches together stay quick."""
        self.left = min(max(WORK, 2 * len(self.graph.nodes)), self._rest)
        self._rest -= self.left

    def spend(self, work: int) -> bool:
        """Whether there is work left, which is then taken."""
        self.left -= work
        return self.left >= 0

    def _copies(self, place: int) -> list[int]:
        """A node and, where it is of a layer of the spec, all that are of that layer."""
        return self._of_layers.get(id(self.graph.nodes[place].layer), [place])

    def rewritten(self, name: str, place: int, key: str, value: object) -> int:
        """The verdict for a node on another value of one attribute, in all copies of the layer at ``place``."""
        changes: Changes = {}
        for other in self._copies(place):
            op = self.graph.nodes[other].op
            changed = op and changed_op(op, key, value)
            if changed is None:
                return NO
            changes[other] = changed
        return self._verdict(name, changes, {})

    def inserted(self, name: str, place: int, index: int, op: Op) -> int:
        """The verdict for a node on an op in front of an operand, in all copies of the layer at ``place``."""
        return self._verdict(name, {}, dict.fromkeys(self._copies(place), (index, op)))

    def _verdict(self, name: str, changes: Changes, insertions: Insertions) -> int:
        if not self.spend(len(self.graph.nodes) - min([*changes, *insertions])):
            return NO
        return self._compared(name, walk(self.graph, changes, insertions, self.before))

    def rebuilt(self, name: str, graph: Graph) -> int:
        """The verdict for a node on another graph of the same spec, which costs more to make than to walk."""
        if not self.spend(5 * len(graph.nodes)) or len(graph.diagnostics) > len(self.graph.diagnostics):
            return NO
        return self._compared(name, walk(graph)) if any(node.name == name for node in graph.nodes) else NO

    def _compared(self, name: str, after: Walk) -> int:
        if name in after.failed or name in after.unknown:
            return NO
        new = after.failed - self.before.failed
        return NO if new - self.before.unknown else BETTER if new else FITS


def changed_op(op: Op, key: str, value: object) -> Op | None:
    """The op with one attribute changed, None where that contradicts another."""
    given: Mapping[str, object] = {**op.given, key: value}
    changed = type(op)(**given)
    try:
        changed.check()
    except Problem:
        return None
    return changed
