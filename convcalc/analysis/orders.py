"""Axes in the order of the inputs': behind a permute, what an op says of its operands' axes is put back into it.

So what a net sees is worked out as if the channels had stayed in front, and a permute does nothing to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc.graph import Ref
from convcalc.ops._op import IDENTITY, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.analysis.shapes import Applied
    from convcalc.dims import Shape
    from convcalc.graph import Graph
    from convcalc.ops._op import Taps
    from convcalc.symbolic.carrying import Step

    Reads = tuple[tuple[Taps, ...] | None, ...]


class Orders:
    """``of[place]`` says for the channels and each spatial axis of the inputs which axis of the node's results it is.

    A node that is not named there has them in order.
    """

    def __init__(self, graph: Graph, steps: Sequence[Applied | Step]) -> None:
        self.graph = graph
        self.steps = steps
        self.of: dict[int, tuple[int, ...]] = {}
        self._lost: set[int] = set()
        if any(node.op is not None and node.op.moves for node in graph.nodes):
            for place in range(len(steps)):
                self._add(place)

    def _add(self, place: int) -> None:
        node, step = self.graph.nodes[place], self.steps[place]
        if step.op is None or not (step.op.moves or any(ref.node in self.of for ref in node.inputs)):
            return
        found = self._through(place)
        if found is None:
            self._lost.add(place)
        elif list(found) != sorted(found):
            self.of[place] = found

    def _through(self, place: int) -> tuple[int, ...] | None:
        """The order of a node's results, None where its operands' orders do not give one."""
        step = self.steps[place]
        ranks = {len(shape) for shape in (*step.inputs, *step.outputs)}
        orders = {self.of.get(ref.node) for ref in self.graph.nodes[place].inputs}
        if step.op is None or len(ranks) > 1 or len(orders) > 1:
            return None
        (rank,), (order,) = ranks, orders
        order = order or tuple(range(rank))
        if not step.op.moves:
            return order
        moved = step.op.places(rank)
        return tuple(moved.index(axis) for axis in order)

    def shape(self, ref: Ref) -> Shape:
        """A result's shape."""
        return self.put_back(ref.node, self.steps[ref.node].outputs[ref.port])

    def put_back(self, place: int, axes: tuple[Any, ...]) -> tuple[Any, ...]:
        """What is told of each axis of a node's results, in the order of the inputs."""
        order = self.of.get(place)
        return axes if order is None else tuple(axes[axis] for axis in order)

    def as_it_is(self, place: int, axes: tuple[Any, ...]) -> tuple[Any, ...]:
        """What is told in the order of the inputs, for each axis of a node's results."""
        order = self.of.get(place)
        return axes if order is None else tuple(axes[order.index(axis)] for axis in range(len(axes)))

    def disturbed(self, place: int) -> bool:
        """Whether the node or one of its operands has axes in another order."""
        return bool(self.of) and (place in self.of or any(r.node in self.of for r in self.graph.nodes[place].inputs))

    def reads(self, ref: Ref) -> Reads:
        """For each operand of a result its taps on all axes.

        Where operands differ in their order, or axes become fewer, each is read as a whole: an upper bound.
        """
        node, step = self.graph.nodes[ref.node], self.steps[ref.node]
        if step.op is None:
            return ()
        told = step.op.reads(ref.port, *step.inputs)
        if not self.disturbed(ref.node):
            return told
        found: list[tuple[Taps, ...] | None] = []
        for operand, axes in zip(node.inputs, told, strict=True):
            if axes is None or not self.kept(ref.node):
                found.append(axes and tuple(map(whole, self.shape(operand))))
            elif step.op.moves:
                found.append((IDENTITY,) * len(axes))
            else:
                found.append(self.put_back(operand.node, axes))
        return tuple(found)

    def kept(self, place: int) -> bool:
        """Whether the results' axes are those of the operands, in some order."""
        return place not in self._lost

    def taps(self, place: int) -> Reads:
        """For each operand of a node its taps on the spatial axes."""
        if not self.disturbed(place):
            return self.steps[place].taps
        return tuple(axes and axes[1:] for axes in self.reads(Ref(place)))
