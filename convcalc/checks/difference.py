"""What differs between two nets, layer by layer and in total."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.checks.alignment import Item, align, counted_anew
from convcalc.checks.metrics import NET_NAMES, of_net
from convcalc.ops._attributes import Padding, PerAxis

if TYPE_CHECKING:
    from convcalc.analysis import Analysis, Row
    from convcalc.graph import Graph, Node
    from convcalc.ops._op import Op

Two = tuple[Any, Any]
"""A value of the old net and of the new one."""

EFFECTS = ("shape", "params", "macs", "flops", "receptive_field", "stride")
"""What may differ of a layer because of another one."""


class Change(NamedTuple):
    """A layer of the old net, of the new one, or the same in both, and what differs.

    ``settings`` are attributes with their old and new value, ``reads`` the operands where it reads other layers,
    ``moved`` the layers it came after, where their order changed, and ``block`` the largest block that came or went
    with it as a whole, by name and kind.
    """

    old: Row | None
    new: Row | None
    settings: dict[str, Two]
    reads: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    moved: tuple[str, str] | None = None
    block: tuple[str, str] | None = None

    @property
    def effects(self) -> dict[str, Two]:
        """Numbers and shapes that differ, of a layer that is in both nets."""
        if self.old is None or self.new is None:
            return {}
        both = ((name, getattr(self.old, name), getattr(self.new, name)) for name in EFFECTS)
        return {name: (was, now) for name, was, now in both if was != now}

    @property
    def renamed(self) -> bool:
        """Whether the name differs."""
        return self.old is not None and self.new is not None and self.old.name != self.new.name

    @property
    def renumbered(self) -> bool:
        """Whether nothing but numbers in the name differ, as they do behind a layer that came or went."""
        if self.old is None or self.new is None or not self.renamed:
            return False
        return counted_anew(self.old.name, self.new.name)

    @property
    def own(self) -> bool:
        """Whether the layer itself differs, and not just what reaches it."""
        if self.old is None or self.new is None or self.old.op != self.new.op:
            return True
        return bool(self.settings or self.reads or self.moved or (self.renamed and not self.renumbered))

    @property
    def any(self) -> bool:
        """Whether there is a difference at all."""
        return self.own or self.renamed or bool(self.effects)

    def delta(self, name: str) -> int:
        """By how much a count of the net grows through this layer."""
        return int(getattr(self.new, name, 0) - getattr(self.old, name, 0))


class Difference(NamedTuple):
    """Every layer of both nets in the order of the new one, and what differs of the net as a whole."""

    old: Analysis
    new: Analysis
    layers: list[Change]
    inputs: dict[str, Two]
    outputs: dict[str, Two]
    variables: dict[str, Two]
    totals: dict[str, Two]

    @property
    def changed(self) -> list[Change]:
        """The layers that differ in any way."""
        return [change for change in self.layers if change.any]

    @property
    def same(self) -> bool:
        """Whether the nets differ in nothing that is compared."""
        parts = (self.changed, self.inputs, self.outputs, self.variables)
        return not any(parts) and all(was == now for was, now in self.totals.values())


def compare(old: Analysis, new: Analysis) -> Difference:
    """Hold two nets against each other; both are analysed for the same batch."""
    layers = _Layers(old, new)
    return Difference(
        old,
        new,
        layers.changes(),
        _differing(_inputs(old.graph), _inputs(new.graph)),
        layers.outputs(),
        _differing(old.graph.values, new.graph.values),
        {name: (of_net(old, name), of_net(new, name)) for name in NET_NAMES},
    )


def _differing(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Two]:
    """What differs by name; None stands for what is not there."""
    both = ((name, old.get(name), new.get(name)) for name in {**old, **new})
    return {name: (was, now) for name, was, now in both if was != now}


def _inputs(graph: Graph) -> dict[str, Any]:
    nodes = graph.nodes
    return {name: nodes[ref.node].shape for name, ref in graph.inputs.items()}


class _Side:
    """The layers of one net, and what each is known by."""

    def __init__(self, analysis: Analysis) -> None:
        self.graph = analysis.graph
        self.outputs = analysis.outputs
        self.rows = analysis.rows
        self.nodes: list[Node] = []
        self.places: list[int] = []
        """Where in the graph each layer is."""
        for place, node in enumerate(self.graph.nodes):
            if node.op is not None:
                self.nodes.append(node)
                self.places.append(place)
        self.settings: dict[int, dict[str, Any]] = {}
        self.items = [self.item(row, node) for row, node in zip(self.rows, self.nodes, strict=True)]

    def item(self, row: Row, node: Node) -> Item:
        kind = type(node.op).attributes if node.op else {}
        chosen = frozenset(pair for pair in self.of(node).items() if pair[1] != kind[pair[0]].default)
        return Item(row.name, row.op, chosen, tuple(row.parameters.items()), row.shape[0])

    def of(self, node: Node) -> dict[str, Any]:
        """The op's attributes, defaults included, however they were written."""
        op = node.op
        if op is None:
            return {}
        if id(op) not in self.settings:
            self.settings[id(op)] = {key: _plain(op, key) for key in op.attributes}
        return self.settings[id(op)]

    def anchors(self, kept: dict[int, int]) -> list[Any]:
        """For each node of the graph the input or the kept layer that it is, or comes from by way of others."""
        numbers = {place: number for number, place in enumerate(self.places)}
        inputs = {ref.node: number for number, ref in enumerate(self.graph.inputs.values())}
        found: list[Any] = []
        for place, node in enumerate(self.graph.nodes):
            if place in inputs:
                found.append(("input", inputs[place]))
            elif numbers.get(place) in kept:
                found.append(kept[numbers[place]])
            else:
                found.append(found[node.inputs[0].node] if node.inputs else None)
        return found

    def whole_blocks(self, alone: set[int]) -> dict[int, tuple[str, str]]:
        """For layers without a partner the largest block all of whose layers have none, by name and kind."""
        found: dict[int, tuple[str, str]] = {}
        inside = {place: number for number, place in enumerate(self.places)}
        for group in sorted(self.graph.groups, key=lambda group: (group.start, -group.stop)):
            numbers = [inside[place] for place in range(group.start, group.stop) if place in inside]
            if group.layer.is_block and numbers and numbers[0] not in found and alone.issuperset(numbers):
                found.update(dict.fromkeys(numbers, (group.name, group.kind)))
        return found


def _plain(op: Op, key: str) -> Any:
    """An attribute's value; one that is the same on all axes, or at both ends, is a single number."""
    value = getattr(op, key)
    if isinstance(op.attributes[key], (PerAxis, Padding)) and isinstance(value, tuple):
        axes = tuple(axis[0] if isinstance(axis, tuple) and len({*axis}) == 1 else axis for axis in value)
        return axes[0] if len({*axes}) == 1 else axes
    return tuple(value) if isinstance(value, list) else value


class _Layers:
    def __init__(self, old: Analysis, new: Analysis) -> None:
        self.old = _Side(old)
        self.new = _Side(new)
        self.pairs = align(self.old.items, self.new.items)
        kept = self.pairs.kept
        self.old_anchors = self.old.anchors(dict(kept))
        self.new_anchors = self.new.anchors({j: j for _, j in kept})

    def changes(self) -> list[Change]:
        """All layers in the order of the new net; what is gone stands where it was."""
        moved = {j: i for i, j in self.pairs.moved}
        gone = {*range(len(self.old.rows))} - {i for i, _ in self.pairs.kept + self.pairs.moved}
        came = {*range(len(self.new.rows))} - {j for _, j in self.pairs.kept + self.pairs.moved}
        lost, gained = self.old.whole_blocks(gone), self.new.whole_blocks(came)
        changes: list[Change] = []
        last = (-1, -1)
        for pair in [*self.pairs.kept, (len(self.old.rows), len(self.new.rows))]:
            for i in range(last[0] + 1, pair[0]):
                if i in gone:
                    changes.append(Change(self.old.rows[i], None, {}, block=lost.get(i)))
            for j in range(last[1] + 1, pair[1]):
                if j in moved:
                    changes.append(self.change(moved[j], j, moved=True))
                else:
                    changes.append(Change(None, self.new.rows[j], {}, block=gained.get(j)))
            if pair[1] < len(self.new.rows):
                changes.append(self.change(*pair))
            last = pair
        return changes

    def change(self, i: int, j: int, *, moved: bool = False) -> Change:
        """What differs of a layer that is in both nets."""
        old, new = self.old, self.new
        settings: dict[str, Two] = {}
        if old.rows[i].op == new.rows[j].op:
            settings = _differing(old.of(old.nodes[i]), new.of(new.nodes[j]))
        reads = None
        if not moved and _sources(old.nodes[i], self.old_anchors) != _sources(new.nodes[j], self.new_anchors):
            reads = _read(old, i), _read(new, j)
        after = (_before(old, i), _before(new, j)) if moved else None
        return Change(old.rows[i], new.rows[j], settings, reads, after)

    def outputs(self) -> dict[str, Two]:
        """Outputs that differ; one that only another name is given to is the same."""
        gone = {name: ref for name, ref in self.old.graph.results().items() if name not in self.new.outputs}
        came = {name: ref for name, ref in self.new.graph.results().items() if name not in self.old.outputs}
        renamed = {}
        for name, ref in came.items():
            source = self.new_anchors[ref.node], ref.port
            before = [was for was, old in gone.items() if (self.old_anchors[old.node], old.port) == source]
            if before:
                del gone[before[0]]
                renamed[before[0]] = name
        were = {renamed.get(name, name): shape for name, shape in self.old.outputs.items()}
        return _differing(were, self.new.outputs)


def _sources(node: Node, anchors: list[Any]) -> list[Any]:
    return [(anchors[ref.node], ref.port) for ref in node.inputs]


def _read(side: _Side, number: int) -> tuple[str, ...]:
    return tuple(side.graph.title(ref) for ref in side.nodes[number].inputs)


def _before(side: _Side, number: int) -> str:
    """The layer that runs before, or the input."""
    return side.graph.nodes[side.places[number] - 1].name
