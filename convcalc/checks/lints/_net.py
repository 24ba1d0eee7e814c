"""A net as lints look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from convcalc.analysis import Analysis
    from convcalc.dims import Shape
    from convcalc.graph import Node, Ref
    from convcalc.ops._op import Op


class Remark(NamedTuple):
    """What a lint says of the node at ``place``; ``key`` leads to the attribute to blame, if it is one."""

    place: int
    message: str
    fix: str
    key: tuple[str | int, ...] = ()


class Net:
    """An analysed graph, with the shape of every result and those who use it; costs one pass over the layers."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.graph = analysis.graph
        self.nodes = self.graph.nodes
        self.outputs = {ref.node for ref in self.graph.results().values()}
        self.users: list[list[int]] = [[] for _ in self.nodes]
        """By node, those that use a result of it: once for each time."""
        self.steps = analysis.steps()
        """By node, the op on operands of their shapes."""
        self._values: list[int] = []
        for place, node in enumerate(self.nodes):
            passed_on = node.op is not None and node.op.view
            self._values.append(self._values[node.inputs[0].node] if passed_on else place)
            for ref in node.inputs:
                self.users[ref.node].append(place)

    def ops(self) -> list[tuple[int, Node, Op]]:
        """The place, the node and the op of every layer, in the order they run."""
        return [(place, node, node.op) for place, node in enumerate(self.nodes) if node.op is not None]

    def shape(self, ref: Ref) -> Shape:
        """The shape of a result, without the batch axis."""
        return self.steps[ref.node].outputs[ref.port]

    def operands(self, place: int) -> tuple[Shape, ...]:
        """The shapes of what a node reads."""
        return tuple(map(self.shape, self.nodes[place].inputs))

    def result(self, place: int) -> Shape:
        """The shape of a node's first result."""
        return self.steps[place].outputs[0]

    def title(self, place: int) -> str:
        """What the spec calls the layer of a node, without the copies of blocks that it is in."""
        node = self.nodes[place]
        return node.layer.name if node.layer else node.name

    def behind_views(self, place: int) -> int:
        """The node whose values a node reads: views (flatten, reshape) and dropout pass them on as they are."""
        return self._values[self.nodes[place].inputs[0].node]
