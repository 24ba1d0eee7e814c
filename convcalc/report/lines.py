"""The lines of a table: layers one by one, or a block folded into one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from convcalc.ops._op import FREE, Cost

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convcalc.analysis import Analysis, Row
    from convcalc.analysis.receptive import Field
    from convcalc.dims import Shape
    from convcalc.graph import Graph, Group


class Line(NamedTuple):
    """One line: a layer, or the sum of a block's layers with the shape and field of its last one."""

    name: str
    op: str
    shape: Shape
    fields: tuple[Field, ...]
    sees_all: bool
    params: int
    cost: Cost
    bytes: int
    layers: int
    rows: tuple[Row, ...] = ()
    """Of the layers in it, for whatever else is asked of them."""


class _Copies(NamedTuple):
    """Consecutive copies of one block, alike but for what they see: the last one's line, and the rows of all."""

    first: Group
    last: Group
    line: Line
    rows: list[Row]


def lines(analysis: Analysis, depth: int) -> list[Line]:
    """The rows with ``depth`` levels of blocks opened; copies that look alike share a line."""
    return fold(analysis.graph, [_single(row) for row in analysis.rows], depth)


def fold(graph: Graph, singles: Sequence[Line], depth: int) -> list[Line]:
    """Lines of the layers one by one, with ``depth`` levels of blocks opened and the deeper ones folded."""
    closed = folded(graph, depth)
    shown: list[Line | _Copies] = []
    skip_to = 0
    by_place = dict(zip(_places(graph), singles, strict=True))
    for place in range(len(graph.nodes)):
        if place < skip_to:
            continue
        group = closed.get(place)
        if group is None:
            if place in by_place:
                shown.append(by_place[place])
            continue
        skip_to = group.stop
        inside = [by_place[p] for p in range(group.start, group.stop) if p in by_place]
        line = _sum(group, inside, by_place.get(group.output.node))
        previous = shown[-1] if shown else None
        if isinstance(previous, _Copies) and _alike(previous, group, line):
            previous.rows.extend(line.rows)
            shown[-1] = _Copies(previous.first, group, line, previous.rows)
        else:
            shown.append(_Copies(group, group, line, list(line.rows)))
    return [entry if isinstance(entry, Line) else _merged(entry) for entry in shown]


def folds(graph: Graph) -> int:
    """How many levels of blocks there are to open."""
    return max((level for _, level in _levels(graph)), default=0)


def _places(graph: Graph) -> Iterator[int]:
    return (place for place, node in enumerate(graph.nodes) if node.op is not None)


def _levels(graph: Graph) -> Iterator[tuple[Group, int]]:
    """Each group and the number of groups around it, itself included."""
    around: list[Group] = []
    # Where two span the same nodes, the inner one was made first.
    outer_first = reversed(graph.groups)
    for group in sorted(outer_first, key=lambda group: (group.start, -group.stop)):
        while around and group.start >= around[-1].stop:
            around.pop()
        around.append(group)
        yield group, len(around)


def folded(graph: Graph, depth: int, inside: Group | None = None) -> dict[int, Group]:
    """The blocks that stay closed when ``depth`` levels are opened, of the net or inside one, by their first node."""
    levels = list(_levels(graph))
    closed = depth + 1 + sum(level for group, level in levels if group is inside)
    return {group.start: group for group, level in levels if level == closed and group.stop > group.start}


def _single(row: Row) -> Line:
    return Line(row.name, row.op, row.shape, row.fields, row.sees_all, row.params, row.cost, row.bytes, 1, (row,))


def _sum(group: Group, inside: list[Line], last: Line | None) -> Line:
    last = last or inside[-1]
    cost = FREE
    for line in inside:
        cost = cost.plus(line.cost)
    return last._replace(
        name=group.name,
        op=group.kind,
        params=sum(line.params for line in inside),
        cost=cost,
        bytes=sum(line.bytes for line in inside),
        layers=len(inside),
        rows=tuple(row for line in inside for row in line.rows),
    )


def _alike(copies: _Copies, group: Group, line: Line) -> bool:
    adjacent = copies.first.layer is group.layer and copies.last.stop == group.start
    return adjacent and group.copy == copies.last.copy + 1 and _cost_of(copies.line) == _cost_of(line)


def _cost_of(line: Line) -> tuple[object, ...]:
    return line.op, line.shape, line.params, line.cost, line.layers


def _merged(copies: _Copies) -> Line:
    first, last, line, rows = copies
    count = last.copy - first.copy + 1
    if count == 1:
        return line
    return line._replace(
        name=f"{first.name}-{last.copy}",
        op=f"{count}x {line.op}",
        params=line.params * count,
        cost=line.cost.times(count),
        bytes=line.bytes * count,
        layers=line.layers * count,
        rows=tuple(rows),
    )
