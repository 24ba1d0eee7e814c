"""Where two operands came to disagree, and what would reconcile them; imported once something fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc import ops
from convcalc.analysis.nearby import sizes_that_fit
from convcalc.analysis.trials import BETTER, FITS
from convcalc.diagnostics import Diagnostic, Note, times
from convcalc.dims import prod
from convcalc.ops._window import Windowed, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convcalc.analysis.shapes import Applied
    from convcalc.analysis.trials import Trials
    from convcalc.dims import Demand, Shape
    from convcalc.graph import Graph, Node, Ref
    from convcalc.ops._op import Op

    Steps = Sequence[Applied | None]

MOST = 6
"""Layers that are told of each way."""

ATTRIBUTES = ("padding", "output_padding", "stride", "ceil_mode", "kernel_size", "scale_factor")
"""What may be changed to reconcile sizes; of two changes of one size the first is proposed."""


def disagreement(trials: Trials, applied: Steps, node: Node, demand: Demand | None) -> Diagnostic:
    """The finding for a join whose operands differ in size, or without a demand in rank."""
    graph = trials.graph
    conflict = _conflict(applied, node, demand)
    left, right = conflict.refs
    a, b = (graph.title(ref) for ref in conflict.refs)
    shapes = [_shape(applied, ref) for ref in conflict.refs]
    told = f"{node.name}: {a} is {times(shapes[0])} and {b} is {times(shapes[1])}: "
    if not demand:
        told += "they differ in the number of axes"
    elif node.kind == "matmul":
        told += demand.sentence()
    else:
        told += f"they differ in {_listed([_axis(axis, len(shapes[0])) for axis in conflict.axes])}"
    fork = _fork(graph, left, right)
    notes = [Note("they have no layer in common")]
    if fork is not None:
        parted = graph.nodes[fork]
        sizes = " and ".join(times(shape) for shape in dict.fromkeys(_outputs(applied, fork)))
        notes = [Note(f"they part at {parted.name}, which is {sizes}", _place(graph, parted))]
    ways = [_way(graph, fork, ref) for ref in conflict.refs]
    for way, ref, name in zip(ways, conflict.refs, (a, b), strict=True):
        notes += _told(graph, applied, way, ref, conflict.axes, name)
    fix, valid = _fix(trials, applied, node, conflict, ways)
    fix = fix or f"bring {a} and {b} to one shape"
    notes += [Note(valid)] * bool(valid)
    source = graph.spec.source if graph.spec else None
    return Diagnostic("shapes-disagree", told, fix, source, graph.span(node), tuple(notes))


def flattened(trials: Trials, applied: Steps, node: Node, told: Diagnostic) -> Diagnostic:
    """The finding for a dense layer that was made for another size: what was flattened, and which input fits."""
    graph = trials.graph
    notes = []
    place = node.inputs[0].node
    while (source := graph.nodes[place]).op is not None:
        step = applied[place]
        if step is None or len(source.inputs) != 1:
            break
        if step.inputs[0] != step.outputs[0]:
            if len(step.outputs[0]) == 1 < len(step.inputs[0]) and source.op.view:
                came = f"{source.name} makes {step.outputs[0][0]:,} features of {times(step.inputs[0])}"
                notes.append(Note(came, _place(graph, source)))
            break
        place = source.inputs[0].node
    fixes = [told.fix]
    if notes:
        fix, valid = sizes_that_fit(trials, node.name, (1, 2))
        fixes.append(fix)
        notes += [Note(valid)] * bool(valid)
    return told._replace(fix=", or ".join(filter(None, fixes)), notes=tuple(notes))


class _Conflict(NamedTuple):
    """The two operands of a node that differ, by place among its inputs, and on which axes."""

    operands: tuple[int, int]
    refs: tuple[Ref, Ref]
    axes: list[int]


def _conflict(applied: Steps, node: Node, demand: Demand | None) -> _Conflict:
    shapes = [_shape(applied, ref) for ref in node.inputs]
    if demand is None:
        other = next(index for index, shape in enumerate(shapes) if len(shape) != len(shapes[0]))
        return _Conflict((0, other), (node.inputs[0], node.inputs[other]), [])
    other, axis = int(demand.key[0]), int(demand.key[1])
    rest = [index for index in range(len(shapes)) if index != other]
    first = next((index for index in rest if shapes[index][axis] == demand.right), rest[0])
    demands = node.op.infer(*shapes).demands if node.op else ()
    axes = [int(d.key[1]) for d in demands if d.code == demand.code and d.key[0] == other and not d.holds()]
    pair = (first, other) if first < other else (other, first)
    return _Conflict(pair, (node.inputs[pair[0]], node.inputs[pair[1]]), axes)


# the ways from the fork to the join


def _fork(graph: Graph, left: Ref, right: Ref) -> int | None:
    """The last node that both come from."""
    common = _sources(graph, left.node) & _sources(graph, right.node)
    return max(common, default=None)


def _sources(graph: Graph, place: int) -> set[int]:
    """A node and all that it comes from."""
    found, waiting = {place}, [place]
    while waiting:
        for ref in graph.nodes[waiting.pop()].inputs:
            if ref.node not in found:
                found.add(ref.node)
                waiting.append(ref.node)
    return found


def _way(graph: Graph, fork: int | None, ref: Ref) -> list[int]:
    """The nodes from behind the fork to an operand; from its input on where there is no fork."""
    behind = {fork}
    for place in range(0 if fork is None else fork + 1, ref.node + 1):
        if any(operand.node in behind for operand in graph.nodes[place].inputs):
            behind.add(place)
    way: list[int] = []
    place = ref.node
    while place != fork:
        way.append(place)
        operands = [operand.node for operand in graph.nodes[place].inputs]
        if not operands:
            break
        place = next((operand for operand in operands if operand in behind), operands[0])
    return way[::-1]


def _told(graph: Graph, applied: Steps, way: list[int], end: Ref, axes: list[int], name: str) -> Iterator[Note]:
    """The layers on a way that change what the two ends differ in; copies of one layer in a row are one."""
    changing: list[tuple[str, Node]] = []
    for place in way:
        node, step = graph.nodes[place], applied[place]
        if step is None:
            continue
        out = step.outputs[end.port if place == end.node else 0]
        if step.inputs and _cut(step.inputs[0], axes) == _cut(out, axes):
            continue
        what = f"{node.name} makes it" if step.inputs else f"the input {node.name} is"
        if changing and node.layer is not None and changing[-1][1].layer is node.layer:
            del changing[-1]
        changing.append((f"to {name}: {what} {times(out)}", node))
    half = MOST // 2
    if way and not changing:
        yield Note(f"to {name}: nothing changes it")
    for number, (told, node) in enumerate(changing):
        if len(changing) <= MOST or not half <= number < len(changing) - half:
            yield Note(told, _place(graph, node))
        elif number == half:
            yield Note(f"to {name}: {len(changing) - MOST} layers more")


def _cut(shape: Shape, axes: list[int]) -> Shape | tuple[int, Shape]:
    """What of a shape matters: its rank and the axes in question."""
    return (len(shape), tuple(shape[axis] for axis in axes if axis < len(shape))) if axes else shape


# what would mend it


def _fix(trials: Trials, applied: Steps, node: Node, conflict: _Conflict, ways: list[list[int]]) -> tuple[str, str]:
    """Changes that were tried and work: of one attribute, of the input's size, or else a layer more; and which sizes
    are valid."""
    graph = trials.graph
    place = graph.nodes.index(node)
    spatial = [axis for axis in conflict.axes if axis]
    better = ""
    fixes = []
    trials.refill()
    for at, key, value in _changes(graph, applied, conflict, ways):
        verdict = trials.rewritten(node.name, at, key, value)
        told = f"write {key}: {_value(value)} at {graph.nodes[at].name}"
        if verdict == FITS:
            fixes.append(told)
            break
        better = better or (told if verdict == BETTER else "")
    valid = ""
    if spatial and 0 not in conflict.axes:
        fix, valid = sizes_that_fit(trials, node.name, spatial)
        fixes.append(fix)
    if any(fixes):
        return ", or ".join(filter(None, fixes)), valid
    trials.refill()
    for index, op, written_as in _layers(applied, node, conflict, ways):
        verdict = trials.inserted(node.name, place, index, op)
        told = f"put {written_as} between {graph.title(node.inputs[index])} and {node.name}"
        if verdict == FITS:
            return told, valid
        better = better or (told if verdict == BETTER else "")
    return better, valid


def _has(op: Op | None, key: str) -> bool:
    return op is not None and key in op.attributes


def _changes(
    graph: Graph, applied: Steps, conflict: _Conflict, ways: list[list[int]]
) -> Iterator[tuple[int, str, Any]]:
    """Changes of one attribute of one layer on the ways, the smallest first, near the join first."""
    if 0 in conflict.axes:
        ends = [_shape(applied, ref)[0] for ref in conflict.refs]
        for way, channels in ((ways[1], ends[0]), (ways[0], ends[1])):
            last = next((at for at in reversed(way) if _has(graph.nodes[at].op, "out_channels")), None)
            if last is not None:
                yield last, "out_channels", channels
        return
    found: list[tuple[tuple[int, int, int], int, str, Any]] = []
    for way in (ways[1], ways[0]):
        for distance, at in enumerate(reversed(way)):
            op = graph.nodes[at].op
            for rank, key in enumerate(ATTRIBUTES):
                if op and key in op.attributes and (isinstance(op, Windowed) or key == "scale_factor"):
                    for change, value in _values(op, key):
                        found.append(((change, rank, distance), at, key, value))
    found.sort(key=lambda entry: entry[0])
    for _, at, key, value in found:
        yield at, key, value


def _values(op: Op, key: str) -> Iterator[tuple[int, Any]]:
    """Other values of an attribute, each with the size of the change."""
    value = getattr(op, key)
    if key == "ceil_mode":
        yield 1, not value
        return
    if key == "stride" and value is None:
        value = getattr(op, "kernel_size", None)
    entries = value if isinstance(value, tuple) else (value,)
    if not all(type(entry) is int for entry in entries):
        return
    least = op.attributes[key].minimum or 0
    for change in (1, -1, 2, -2, 3, -3):
        if min(entries) + change >= least:
            moved = tuple(entry + change for entry in entries)
            yield abs(change), moved if isinstance(value, tuple) else moved[0]


def _layers(applied: Steps, node: Node, conflict: _Conflict, ways: list[list[int]]) -> Iterator[tuple[int, Op, str]]:
    """Layers that would bring one operand to the other's shape: by operand, op, and as a spec writes them."""
    shapes = [_shape(applied, ref) for ref in conflict.refs]
    # The shorter way is the one that lacks something.
    order = (0, 1) if len(ways[0]) <= len(ways[1]) else (1, 0)
    for end in order:
        mine, other = shapes[end], shapes[1 - end]
        for kind, given in _reshaping(mine, other, conflict.axes, node.kind):
            args = ", ".join(f"{key}: {_value(value)}" for key, value in given.items())
            yield conflict.operands[end], ops.find(kind)(**given), f"{kind}: {{{args}}}" if args else kind


def _reshaping(mine: Shape, other: Shape, axes: list[int], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if kind == "matmul":
        rank = len(mine)
        yield "permute", {"dims": (*range(rank - 1), rank, rank - 1)}
        return
    if len(mine) != len(other):
        if len(other) == 1 and prod(mine) == other[0]:
            yield "flatten", {}
        elif prod(mine) == prod(other):
            yield "reshape", {"shape": other}
        elif len(mine) == 1:
            yield "reshape", {"shape": (*mine, *(1,) * (len(other) - 1))}
        return
    if any(theirs > own for own, theirs in zip(mine[1:], other[1:], strict=True)):
        return
    if 0 not in axes:
        yield "crop", {"size": _short(other[1:])}
    elif len(mine) > 1:
        strides = [-(-own // theirs) for own, theirs in zip(mine[1:], other[1:], strict=True)]
        stride = {} if set(strides) == {1} else {"stride": _short(strides)}
        yield "conv", {"out_channels": other[0], "kernel_size": 1, **stride}
    else:
        yield "linear", {"out_features": other[0]}


# words


def _outputs(applied: Steps, place: int) -> tuple[Shape, ...]:
    step = applied[place]
    return step.outputs if step else ()


def _shape(applied: Steps, ref: Ref) -> Shape:
    return _outputs(applied, ref.node)[ref.port]


def _place(graph: Graph, node: Node) -> Any:
    if node.is_input and graph.spec:
        return graph.spec.marks.key(graph.spec.inputs[node.name].path)
    return graph.span(node)


def _axis(axis: int, rank: int) -> str:
    if axis == 0:
        return "channels" if rank > 1 else "features"
    return {2: ["length"], 3: ["height", "width"]}.get(rank, [f"spatial axis {n}" for n in range(1, rank)])[axis - 1]


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def _short(sizes: Sequence[int]) -> Any:
    return sizes[0] if len(set(sizes)) == 1 else tuple(sizes)


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return written(list(value)) if len(set(value)) == 1 else str(list(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
