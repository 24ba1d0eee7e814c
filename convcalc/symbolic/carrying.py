"""The ops' rules carried through a graph over dims of any domain (``dims.Free``), and what they leave undecided."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.analysis.indices import same_map
from convcalc.analysis.shapes import check_rank
from convcalc.diagnostics import Diagnostic, Problem, SpecError
from convcalc.dims import Demand, Free, prod
from convcalc.ops._op import FREE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.dims import Dim, Shape
    from convcalc.graph import Graph, Node
    from convcalc.ops._op import Cost, Op, Taps


class Step:
    """An op on operands of these shapes: its results, and the demands that hang on free dims.

    Layers that are alike share one. An input is a step without an op.
    """

    def __init__(self, op: Op | None, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> None:
        self.op = op
        self.inputs = inputs
        self.outputs = outputs
        self.demands: tuple[Demand, ...] = ()

    @cached_property
    def parameters(self) -> dict[str, Shape]:
        """Learnable parameters by name."""
        return self.op.parameters(*self.inputs) if self.op else {}

    @cached_property
    def count(self) -> Dim:
        """How many learnable values there are."""
        return sum(map(prod, self.parameters.values()))

    @cached_property
    def taps(self) -> tuple[tuple[Taps, ...] | None, ...]:
        """For each operand its taps by spatial axis; raises Problem where a free dim decides them."""
        return self.op.taps(*self.inputs) if self.op else ()

    @cached_property
    def cost(self) -> Cost:
        """Operations for one sample."""
        return self.op.cost(self.inputs, self.outputs) if self.op else FREE


class Condition(NamedTuple):
    """What must hold of the free dims, and the place of the node that demands it."""

    node: int
    demand: Demand


class Carried(NamedTuple):
    """A graph over free dims: a step for each node, and every condition in the order of the nodes.

    The net is valid exactly where all conditions hold.
    """

    graph: Graph
    steps: list[Step]
    conditions: list[Condition]


def carry(graph: Graph) -> Carried:
    """Take every op's shape rule through a graph whose sizes and attributes may be free dims.

    Demands between ints are decided here; those that two equal dims meet whatever their value are left out. That a
    result has positions, and that an attribute is as large as it must be, are demands too. Raises SpecError with
    every finding: what holds for no value, and rules that a free dim does not allow.
    """
    carried, found = follow(graph)
    if found:
        raise SpecError(found)
    return carried


def follow(graph: Graph) -> tuple[Carried, list[Diagnostic]]:
    """What ``carry`` gives, and its findings: with some, there are conditions and no step where nothing is known."""
    found = list(graph.diagnostics)
    steps: list[Step | None] = []
    conditions: list[Condition] = []
    known: dict[tuple[Op, tuple[Shape, ...]], Step] = {}
    for place, node in enumerate(graph.nodes):
        step: Step | None = None
        demands: list[Demand] = []
        if node.op is None:
            if node.shape is not None:
                step = Step(None, (), (node.shape,))
                step.demands = _open(_positive((node.shape,), "out-of-range", "an axis of the input"))
        else:
            operands = [steps[ref.node] for ref in node.inputs]
            if None not in operands:
                inputs = tuple([steps[ref.node].outputs[ref.port] for ref in node.inputs])  # type: ignore[union-attr]
                try:
                    step = known.get((node.op, inputs))
                    if step is None:
                        step = known[node.op, inputs] = _step(node.op, inputs)
                    if node.shares is not None:
                        demands = _shared(step, steps[node.shares])
                    pool = None if node.op.indices is None else operands[node.op.indices]
                    if pool is not None and pool.op is not None:
                        demands += same_map(pool.inputs[0], step.outputs[0])
                except Problem as problem:
                    found.append(located(graph, node, problem))
                    step = None
        if step is not None:
            for demand in (*step.demands, *_open(demands)) if demands else step.demands:
                if isinstance(demand.left, Free) or isinstance(demand.right, Free):
                    conditions.append(Condition(place, demand))
                else:
                    found.append(located(graph, node, _failure(node, step, demand)))
                    step = None
                    break
        steps.append(step)
    return Carried(graph, steps, conditions), found  # type: ignore[arg-type]  # every step is known without findings


def located(graph: Graph, node: Node, problem: Problem) -> Diagnostic:
    """A problem at a node, with its place in the spec."""
    source = graph.spec.source if graph.spec else None
    return Diagnostic(
        problem.code, f"{node.name}: {problem.message}", problem.fix, source, graph.span(node, *problem.key)
    )


def _step(op: Op, inputs: tuple[Shape, ...]) -> Step:
    check_rank(op, inputs)
    outputs, demands = op.infer(*inputs)
    step = Step(op, inputs, outputs)
    step.demands = _open([*_attributes(op), *demands, *_positive(outputs, "empty-result", "an axis of the result")])
    return step


def _open(demands: list[Demand]) -> tuple[Demand, ...]:
    """Those that are not met already, each once, whoever demands the same."""
    kept: dict[tuple[Any, ...], Demand] = {}
    for demand in demands:
        left, relation, right = demand[:3]
        if isinstance(left, Free) or isinstance(right, Free):
            if left != right:
                kept.setdefault((left, relation, right), demand)
        elif not demand.holds():
            kept.setdefault((left, relation, right), demand)
    return tuple(kept.values())


def _positive(shapes: tuple[Shape, ...], code: str, what: str) -> list[Demand]:
    reason = f"{what} is at least {{right}}, not {{left}}"
    return [Demand(size, ">=", 1, code, reason) for shape in shapes for size in shape]


def _attributes(op: Op) -> list[Demand]:
    """What is demanded of an attribute that is a free dim."""
    return [
        Demand(dim, ">=", least, "out-of-range", f"{name} is at least {{right}}, not {{left}}", (name,))
        for name, value in op.given.items()
        if (least := op.attributes[name].minimum) is not None
        for dim in _frees(value)
    ]


def _frees(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for part in value:
            yield from _frees(part)
    elif isinstance(value, Free):
        yield value


def _shared(own: Step, owner: Step | None) -> list[Demand]:
    """Shared parameters have the shapes that both layers need."""
    if owner is None or owner.op is None:
        return []
    fix = "give both layers the same arguments and operands of the same channels"
    demands = []
    for name in own.parameters.keys() | owner.parameters.keys():
        mine, theirs = own.parameters.get(name, ()), owner.parameters.get(name, ())
        if len(mine) != len(theirs):
            raise Problem("shared-parameters", f"its {name} is not that of the layer it shares with", fix)
        reason = f"its {name} has {{left}} where the layer that it shares with has {{right}}"
        demands += [Demand(a, "==", b, "shared-parameters", reason) for a, b in zip(mine, theirs, strict=True)]
    return demands


def _failure(node: Node, step: Step, demand: Demand) -> Problem:
    """A demand between ints that does not hold; a fix where it needs no free dim."""
    fix = ""
    if node.op is not None and not any(isinstance(n, Free) for x in step.inputs for n in x):
        fix = node.op.mend(demand, *step.inputs)
    return Problem(demand.code, demand.sentence(), fix, demand.key)
