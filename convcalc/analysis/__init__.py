"""Prediction: what a graph will do, by arithmetic on dimensions alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from convcalc.analysis.backward import backward
from convcalc.analysis.memory import ITEMSIZE, Memory, memory
from convcalc.analysis.orders import Orders
from convcalc.analysis.receptive import Field, Support, supports
from convcalc.analysis.shapes import Applied, infer
from convcalc.diagnostics import Diagnostic, SpecError
from convcalc.dims import prod
from convcalc.ops._op import FREE, Cost

if TYPE_CHECKING:
    from typing import Protocol

    from convcalc.dims import Shape
    from convcalc.graph import Graph, Ref

    class HasName(Protocol):
        """A row of any analysis."""

        @property
        def name(self) -> str: ...


__all__ = ["Analysis", "Row", "Totals", "analyze", "examine"]


Named = TypeVar("Named", bound="HasName")


class Row(NamedTuple):
    """One layer: what it is, what comes out, what it sees, what it costs.

    ``shape`` is without the batch axis; ``cost``, ``bytes`` (of the result), ``weight_macs`` and ``input_macs`` (of the
    gradients of parameters and operands) are for the whole batch; ``params`` are the layer's own, none where it shares
    another's. ``field`` and ``stride`` are per axis, ``sees_all`` once a global op lies on the way.
    """

    name: str
    op: str
    operands: tuple[str, ...]
    shape: Shape
    shapes: tuple[Shape, ...]
    params: int
    parameters: dict[str, Shape]
    buffers: dict[str, Shape]
    cost: Cost
    weight_macs: int
    input_macs: int
    bytes: int
    fields: tuple[Field, ...]
    sees_all: bool
    applied: Applied
    """The op on operands of these shapes, for one sample."""
    batch: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolution, linear and matmul."""
        return self.cost.macs

    @property
    def flops(self) -> int:
        """Two a MAC and one for every other operation."""
        return self.cost.flops

    @property
    def receptive_field(self) -> tuple[int, ...]:
        """Size of the receptive field by axis, in input positions, global ops left out."""
        return tuple(field.size for field in self.fields)

    @property
    def stride(self) -> tuple[Any, ...]:
        """Input positions between neighbouring outputs, by axis."""
        return tuple(field.stride for field in self.fields)


class Totals(NamedTuple):
    """Sums and extremes of the whole net for one batch; bytes are of the dtype that was asked for."""

    params: int
    buffers: int
    macs: int
    flops: int
    cost: Cost
    weight_macs: int
    input_macs: int
    fields: tuple[Field, ...]
    sees_all: bool
    depth: int
    parameter_bytes: int
    memory: Memory
    peak_at: str

    @property
    def receptive_field(self) -> tuple[int, ...]:
        """Of the output; where that is global, of the last map before it became so."""
        return tuple(field.size for field in self.fields)


class Analysis:
    """Rows in the order the layers run (inputs left out), totals, and the outputs' shapes by name."""

    __slots__ = ("_named", "batch", "dtype", "graph", "outputs", "rows", "totals")

    def __init__(
        self, graph: Graph, rows: tuple[Row, ...], totals: Totals, outputs: dict[str, Shape], batch: int, dtype: str
    ) -> None:
        self.graph = graph
        self.rows = rows
        self.totals = totals
        self.outputs = outputs
        self.batch = batch
        self.dtype = dtype
        self._named: dict[str, Row] = {}

    def stored(self) -> dict[str, Shape]:
        """The shape of every parameter and buffer, as ``conv_1.weight``, in the order of the layers."""
        return {
            f"{row.name}.{name}": shape
            for row in self.rows
            for name, shape in {**row.parameters, **row.buffers}.items()
        }

    def steps(self) -> list[Applied]:
        """For each node, inputs included, the op on operands of these shapes."""
        rows = iter(self.rows)
        return [
            Applied(None, (), (node.shape or (),)) if node.op is None else next(rows).applied
            for node in self.graph.nodes
        ]

    def shape(self, ref: Ref) -> Shape:
        """The shape of one result of a node, of an input the declared one."""
        if not self._named:
            self._named.update((row.name, row) for row in self.rows)
        node = self.graph.nodes[ref.node]
        return self._named[node.name].shapes[ref.port] if node.shape is None else node.shape

    def __getitem__(self, name: str) -> Row:
        """The row of a layer by its name; of a block or a repeated layer, that of its last layer."""
        return row_named(self.graph, self.rows, name)


def row_named(graph: Graph, rows: tuple[Named, ...], name: str) -> Named:
    """The row of a layer by its name; of a block or a repeated layer, that of its last layer. Raises KeyError."""
    ref = graph.find(name)
    last = ref and graph.nodes[ref.node].name
    for row in rows:
        if row.name == last:
            return row
    raise KeyError(name)


def analyze(graph: Graph, *, batch: int = 1, dtype: str = "float32", input_gradient: bool = False) -> Analysis:
    """Shapes, parameters and cost of a graph; raises SpecError with every finding."""
    analysis, diagnostics = examine(graph, batch=batch, dtype=dtype, input_gradient=input_gradient)
    if analysis is None:
        raise SpecError(diagnostics)
    return analysis


def examine(
    graph: Graph, *, batch: int = 1, dtype: str = "float32", input_gradient: bool = False
) -> tuple[Analysis | None, list[Diagnostic]]:
    """The analysis, or None and why there is none.

    The backward pass leaves out gradients of the net's inputs unless ``input_gradient``.
    """
    known, found = infer(graph)
    if found or graph.diagnostics:
        return None, graph.diagnostics + found
    nodes, applied = graph.nodes, [step for step in known if step is not None]
    orders = Orders(graph, applied)
    seen = supports(graph, applied, orders)
    gradients = backward(graph, applied, input_gradient=input_gradient)
    rows: list[Row] = []
    depths: list[int] = []
    params = buffers = weight_macs = input_macs = 0
    uses: Counter[Applied] = Counter()
    for place, (node, step) in enumerate(zip(nodes, applied, strict=True)):
        own = step.count if node.shares is None else 0
        weighs = step.cost.macs > 0 and step.count > 0
        depths.append(weighs + max((depths[ref.node] for ref in node.inputs), default=0))
        if node.op is None:
            continue
        params += own
        stored = step.buffers if node.shares is None else {}
        buffers += sum(map(prod, stored.values()))
        uses[step] += batch
        spent = step.cost if batch == 1 else step.cost.times(batch)
        for_weight, for_input = gradients[place]
        weight_macs += for_weight
        input_macs += for_input
        support = _widest(seen[place]).within(orders, place)
        operands = tuple([nodes[ref.node].name for ref in node.inputs])
        parameters = step.parameters if node.shares is None else {}
        rows.append(Row(
            node.name, node.kind, operands, step.outputs[0], step.outputs,
            own, parameters, stored, spent, for_weight * batch, for_input * batch,
            step.size * batch * ITEMSIZE[dtype], support.fields, support.whole, step, batch,
        ))  # fmt: skip
    cost = FREE
    for step, times in uses.items():
        cost = cost.plus(step.cost.times(times))
    results = graph.results()
    lasts = (_widest(seen[ref.node]).within(orders, ref.node) for ref in results.values())
    last = max(lasts, key=_sizes, default=Support(()))
    kept = memory(graph, applied, batch, dtype)
    totals = Totals(
        params, buffers, cost.macs, cost.flops, cost, weight_macs * batch, input_macs * batch,
        last.fields, last.whole,
        max((depths[ref.node] for ref in results.values()), default=0),
        params * ITEMSIZE[dtype], kept, nodes[kept.peak_at].name if nodes else "",
    )  # fmt: skip
    outputs = {name: applied[ref.node].outputs[ref.port] for name, ref in results.items()}
    return Analysis(graph, tuple(rows), totals, outputs, batch, dtype), []


def _widest(seen: dict[int, Support]) -> Support:
    """The support on the input that a node sees most of."""
    if len(seen) == 1:
        return next(iter(seen.values()))
    return max(seen.values(), key=_sizes, default=Support(()))


def _sizes(support: Support) -> list[int]:
    return [field.size for field in support.fields]
