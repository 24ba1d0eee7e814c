"""Which layers run as one: a convolution with the batch norm, the sum and the activation that follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from convcalc.graph import Ref
from convcalc.plan.epilogue import ACTIVATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.graph import Graph


class Group(NamedTuple):
    """Nodes that run as one, at the place of the last: ``conv [batch_norm] [add] [activation]``, or a single node."""

    nodes: tuple[int, ...]
    inputs: tuple[Ref, ...]
    """The operand of the first node; for a sum, then the other summand."""
    norm: int | None = None
    activation: str = ""

    @property
    def first(self) -> int:
        """The node that the group is named for."""
        return self.nodes[0]

    @property
    def last(self) -> int:
        """The node whose results are the group's."""
        return self.nodes[-1]


def fuse(graph: Graph) -> list[Group]:
    """The graph's nodes in groups, in an order that runs; inputs are left out."""
    uses: dict[Ref, list[int]] = {}
    for place, node in enumerate(graph.nodes):
        for ref in node.inputs:
            uses.setdefault(ref, []).append(place)
    outputs = set(graph.results().values())
    taken: set[int] = set()
    groups: list[Group] = []

    def follower(place: int) -> int | None:
        """The one node that uses what ``place`` gives, if nobody else sees it."""
        ref = Ref(place)
        users = uses.get(ref, [])
        return users[0] if len(users) == 1 and ref not in outputs else None

    for place, node in enumerate(graph.nodes):
        if node.is_input or place in taken:
            continue
        group = Group((place,), node.inputs)
        if node.kind == "conv":
            group = _grown(graph, group, follower)
        taken.update(group.nodes)
        groups.append(group)
    groups.sort(key=lambda group: group.last)
    return groups


def _grown(graph: Graph, group: Group, follower: Callable[[int], int | None]) -> Group:
    place = follower(group.last)
    if place is not None and graph.nodes[place].kind == "batch_norm":
        group = group._replace(nodes=(*group.nodes, place), norm=place)
        place = follower(group.last)
    if place is not None and graph.nodes[place].kind == "add" and len(graph.nodes[place].inputs) == 2:
        one, two = graph.nodes[place].inputs
        other = two if one == Ref(group.last) else one
        if other.node < group.first:
            group = group._replace(nodes=(*group.nodes, place), inputs=(*group.inputs, other))
            place = follower(group.last)
    if place is not None and graph.nodes[place].kind in ACTIVATIONS:
        group = group._replace(nodes=(*group.nodes, place), activation=graph.nodes[place].kind)
    return group
