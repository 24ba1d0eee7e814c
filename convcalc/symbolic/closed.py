"""Closed forms of all that is predicted of a net: shapes, receptive fields, parameters and cost, in its variables.

net = convcalc.closed_forms(convcalc.load("resnet50"), "H", "W")
net.totals.macs                                     # prints in its shortest reading
net.totals.macs.evaluate({"H": 320, "W": 320})
net.sympy(net.totals.macs)                          # a SymPy expression over integer symbols
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.analysis import examine, row_named
from convcalc.analysis.orders import Orders
from convcalc.analysis.receptive import Field, support
from convcalc.diagnostics import Misuse, Problem, SpecError, did_you_mean, listing
from convcalc.dims import prod
from convcalc.ops._op import FREE, Cost
from convcalc.symbolic.carrying import carry, located
from convcalc.symbolic.conditions import Domain, domain
from convcalc.symbolic.forms import Form, evaluator, symbol, tidied, total, whole
from convcalc.symbolic.knobs import Knob, every, turned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from convcalc.analysis import Analysis
    from convcalc.analysis.receptive import Support
    from convcalc.dims import Shape
    from convcalc.graph import Graph
    from convcalc.symbolic.carrying import Carried, Step

BATCH = "N"
"""What the batch is called where it is free, unless a variable of the spec has this name."""

UNKNOWN = (Field(0, 0, ()),)
"""The fields of a layer whose receptive field hangs on the free variables in a way that has no form."""


class Row(NamedTuple):
    """One layer, as ``analysis.Row`` has it, with dims that are ints or forms."""

    name: str
    op: str
    operands: tuple[str, ...]
    shape: Shape
    shapes: tuple[Shape, ...]
    params: Any
    parameters: dict[str, Shape]
    cost: Cost
    fields: tuple[Field, ...]
    sees_all: bool

    @property
    def macs(self) -> Any:
        """Multiply-accumulates of convolution, linear and matmul."""
        return self.cost.macs

    @property
    def flops(self) -> Any:
        """Two a MAC and one for every other operation."""
        return self.cost.flops


class Totals(NamedTuple):
    """Sums over the net; the field is of the output or, where that is global, of the last map before it became so.

    ``fields`` is None where that has no form.
    """

    params: Any
    macs: Any
    flops: Any
    cost: Cost
    fields: tuple[Any, ...] | None
    strides: tuple[Any, ...] | None
    sees_all: bool


class Closed(NamedTuple):
    """A net in closed forms: rows as an analysis has them, with dims that are ints or ``Form``.

    The forms hold for every value of the free variables in ``domain``; a row whose receptive field has none has
    ``UNKNOWN`` for it.
    """

    graph: Graph
    free: dict[str, Form]
    batch: Any
    rows: tuple[Row, ...]
    totals: Totals
    outputs: dict[str, Shape]
    domain: Domain

    def sympy(self, dim: Any) -> Any:
        """A dim of this net as a SymPy expression over integer symbols; loads sympy."""
        from convcalc.symbolic.writing import sympy

        return sympy(dim)

    def layer(self, name: str) -> Row:
        """The row of a layer by its name; of a block or a repeated layer, that of its last layer. Raises KeyError."""
        return row_named(self.graph, self.rows, name)


def closed_forms(graph: Graph, *names: str, batch: int = 1) -> Closed:
    """The closed forms of a net in these variables, or axes of inputs that are written as numbers (``H``, ``left.W``).

    ``N`` is the batch unless the spec has a variable of that name. Raises Misuse for a name that there is not,
    SpecError for what has no form with these free.
    """
    knobs = _knobs(graph, names)
    free = {name: symbol(name, _least(knobs[name].size) if name in knobs else 1) for name in names}
    carried = carry(turned(graph, {knob: free[name] for name, knob in knobs.items()}))
    return close(carried, free, free[BATCH] if BATCH in free and BATCH not in knobs else batch)


def _knobs(graph: Graph, names: Iterable[str]) -> dict[str, Knob]:
    """What the names stand for, but for that of the batch."""
    own = [name for name in names if name != BATCH or name in graph.values]
    if all(isinstance(graph.values.get(name), int) for name in own):
        return {name: Knob(name, 0, graph.values[name]) for name in own}
    known = {knob.name: knob for knob in every(graph)}
    for name in own:
        if name not in known:
            raise Misuse(f"the net has no variable '{name}' to free: {did_you_mean(name, known) or 'it declares none'}")
    return {name: known[name] for name in own}


def _least(value: int) -> int | None:
    """What a symbol is assumed to be at least: 1, 0 where its value is 0, any integer where that is negative."""
    return None if value < 0 else min(value, 1)


def close(carried: Carried, free: dict[str, Form], batch: Any) -> Closed:
    """The closed forms of a graph that was carried with these variables free."""
    graph, steps, conditions = carried
    seen = _seen(graph, steps)
    costs: dict[Step, tuple[Any, Cost]] = {}
    uses: Counter[Step] = Counter()
    rows = []
    params: Any = 0
    for place, (node, step) in enumerate(zip(graph.nodes, steps, strict=True)):
        if node.op is None:
            continue
        if step not in costs:
            inputs = tuple([tuple(map(whole, x)) for x in step.inputs])
            outputs = tuple([tuple(map(whole, x)) for x in step.outputs])
            try:
                cost = node.op.cost(inputs, outputs)
            except Problem as problem:
                raise SpecError([located(graph, node, problem)]) from None
            costs[step] = sum(map(prod, node.op.parameters(*inputs).values())), Cost(*map(tidied, cost))
        count, cost = costs[step]
        own = count if node.shares is None else 0
        params = params + own
        uses[step] += 1
        view = _widest(seen[place])
        rows.append(Row(
            node.name, node.kind, tuple([graph.nodes[ref.node].name for ref in node.inputs]),
            step.outputs[0], step.outputs, own, step.parameters if node.shares is None else {},
            cost if batch == 1 else cost.times(batch),
            view.fields if view else UNKNOWN, view.whole if view else False,
        ))  # fmt: skip
    spent = [(costs[step][1], times) for step, times in uses.items()]
    cost = Cost(*[total((own[kind], times) for own, times in spent) for kind in range(len(FREE))]).times(batch)
    results = graph.results()
    last = [seen[ref.node] for ref in results.values()]
    views = [view for seen_by in last if (view := _widest(seen_by))]
    view = _widest(dict(enumerate(views))) if len(views) == len(last) else None
    totals = Totals(
        params, cost.macs, cost.flops, cost,
        view and tuple([field.size for field in view.fields]), view and tuple([field.stride for field in view.fields]),
        bool(view and view.whole),
    )  # fmt: skip
    found = {name: steps[ref.node].outputs[ref.port] for name, ref in results.items()}
    return Closed(graph, free, batch, tuple(rows), totals, found, domain(free, conditions))


def _seen(graph: Graph, steps: Sequence[Step]) -> list[dict[int, Support] | None]:
    """What each node sees, None where that has no form."""
    if any(node.op is not None and node.op.selects for node in graph.nodes):
        from convcalc.analysis.fields import Trace

        # parts of a result go different ways: exact sets, and these need ints where sizes or channels part them
        with suppress(Problem, TypeError):
            traced = Trace(graph, steps, local=True).supports()  # type: ignore[arg-type]  # steps have all that is read
            _sized(*traced)
            return [*traced]
    seen: list[Any] = []
    orders = Orders(graph, steps)
    for place, (node, step) in enumerate(zip(graph.nodes, steps, strict=True)):
        view = None
        operands = [seen[ref.node] for ref in node.inputs]
        if None not in operands and not (node.op and node.op.selects):
            try:
                view = support(graph, place, step.outputs, orders.taps(place), seen)
                if not operands or view is not operands[0]:
                    _sized(view)
            except (Problem, TypeError):
                view = None
        seen.append(view)
    return seen


def _sized(*views: Mapping[int, Support]) -> None:
    """Raise Problem or TypeError for a field whose size or stride has no form."""
    for view in views:
        for one in view.values():
            _ = [(field.size, field.stride) for field in one.fields]


def fields_seen(carried: Carried, place: int) -> tuple[Field, ...] | None:
    """The receptive field of a node by axis, None where it has no form."""
    view = _widest(_seen(carried.graph, carried.steps)[place])
    return view.fields if view else None


def _widest(seen: Mapping[int, Support] | None) -> Support | None:
    """The support on the input that a node sees most of; None where that is not known."""
    if not seen:
        return None
    views = list(seen.values())
    try:
        return max(views, key=lambda one: [field.size for field in one.fields]) if len(views) > 1 else views[0]
    except Problem:
        return None


def check(closed: Closed, graph: Graph) -> list[dict[str, int]]:
    """Hold every form against the analysis of ``graph`` at a few values of the variables, and return these.

    Raises AssertionError where they differ: then convcalc has a defect, and nothing is shown.
    """
    found: list[dict[str, int]] = []
    for point in _points(closed, graph):
        of = evaluator(point)
        if point in found or not closed.domain.holds(of):
            continue
        values = {knob: point[name] for name, knob in _knobs(graph, point).items()}
        analysis, _ = examine(turned(graph, values), batch=of(closed.batch))
        if analysis is None or _told(closed, of) != _known(closed, analysis):
            name = closed.graph.name or "the net"
            raise AssertionError(f"the closed forms of {name} are wrong at {told_values(point)}")
        found.append(point)
        if len(found) == POINTS:
            break
    return found


POINTS = 3
"""Values at which forms are checked."""


def _points(closed: Closed, graph: Graph) -> Iterator[dict[str, int]]:
    """The declared values; then larger and smaller ones, each variable by an amount of its own."""
    knobs = _knobs(graph, closed.free)
    declared = {name: knobs[name].size if name in knobs else 1 for name in closed.free}
    for step, part in ((0, 1), (1, 1), (3, 2), (32, 1), (7, 3), (64, 1), (128, 1), (0, 2)):
        point = {}
        for place, (name, value) in enumerate(declared.items()):
            least = next(iter(closed.free[name].symbols().values())).least
            moved = value // part + step * (1 + place % 2)
            point[name] = moved if least is None else max(moved, least)
        yield point


def _told(closed: Closed, of: Any) -> list[Any]:
    rows = [
        (
            row.name, tuple([tuple(map(of, x)) for x in row.shapes]), of(row.params), tuple(map(of, row.cost)),
            None if row.fields == UNKNOWN else tuple([of(field.size) for field in row.fields]),
        )
        for row in closed.rows
    ]  # fmt: skip
    return [*rows, of(closed.totals.params), of(closed.totals.macs), of(closed.totals.flops)]


def _known(closed: Closed, analysis: Analysis) -> list[Any]:
    rows = [
        (
            row.name, row.shapes, row.params, tuple(row.cost),
            None if form.fields == UNKNOWN else row.receptive_field,
        )
        for row, form in zip(analysis.rows, closed.rows, strict=True)
    ]  # fmt: skip
    return [*rows, analysis.totals.params, analysis.totals.macs, analysis.totals.flops]


def told_values(point: Mapping[str, int]) -> str:
    """``H = 224, W = 224``."""
    return listing([f"{name} = {value}" for name, value in point.items()])
