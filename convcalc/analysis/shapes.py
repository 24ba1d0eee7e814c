"""Shapes through the graph, and what fails on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.diagnostics import Problem, SpecError, times
from convcalc.dims import prod
from convcalc.expressions import LIMIT
from convcalc.ops._op import FREE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convcalc.analysis.failures import Failures
    from convcalc.diagnostics import Diagnostic
    from convcalc.dims import Demand, Shape
    from convcalc.graph import Graph
    from convcalc.ops._op import Op

MOST_DETAIL = 1 << 19
"""Outputs that are looked at one by one, in all layers together: at most some megabytes."""

SETTLED = ("wrong-in-", "wrong-num-")
"""What an attribute says of the operand: however that is mended, the result keeps its shape."""


class Applied:
    """An op on operands of these shapes, and all that is predicted of it for one sample.

    Layers that are alike share one. An input is applied to nothing: its op is None.
    """

    __slots__ = (
        "buffers", "cost", "count", "inputs", "op", "outputs", "own_values", "parameters", "saved", "size", "taps",
    )  # fmt: skip

    def __init__(self, op: Op | None, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> None:
        self.op = op
        self.inputs = inputs
        self.outputs = outputs
        self.taps = op.taps(*inputs) if op else ()
        self.parameters = op.parameters(*inputs) if op else {}
        self.count = sum(map(prod, self.parameters.values()))
        self.buffers = op.buffers(*inputs) if op else {}
        self.size = prod(outputs[0])
        self.cost = op.cost(inputs, outputs) if op else FREE
        self.saved = op.saved(*inputs) if op else ()
        self.own_values = op.own_values(inputs, outputs) if op and "values" in self.saved else 0

    @property
    def detail(self) -> int:
        """How many outputs are looked at one by one: results, and phases on each axis."""
        return len(self.outputs) + sum(len(taps.windows) for operand in self.taps for taps in operand or ())


def infer(graph: Graph) -> tuple[list[Applied | None], list[Diagnostic]]:
    """What happens at every node, None where a mistake leaves it unknown, and a diagnostic for each mistake.

    A node whose operands are unknown is passed over, so that one mistake is told once. After a
    hundred mistakes the rest is left unknown.
    """
    applied: list[Applied | None] = []
    known: dict[tuple[Op, tuple[Shape, ...]], Applied] = {}
    detail = 0
    failures: Failures | None = None
    for node in graph.nodes:
        op = node.op
        if op is None:
            applied.append(None if node.shape is None else Applied(None, (), (node.shape,)))
            continue
        operands = [applied[ref.node] for ref in node.inputs]
        if None in operands:
            applied.append(None)
            continue
        inputs = tuple(operand.outputs[ref.port] for operand, ref in zip(operands, node.inputs, strict=True))  # type: ignore[union-attr]  # none is None
        result = known.get((op, inputs))
        if result is None:
            result, wrong = _apply(op, inputs)
            if not wrong and result is not None:
                known[op, inputs] = result
                detail += result.detail
                if detail > MOST_DETAIL:
                    wrong = [Problem("too-large", "the net has too many strides and parts to keep", "split the net")]
        else:
            wrong = []
        if result is not None and op.indices is not None:
            from convcalc.analysis.indices import misplaced

            wrong = [*wrong, *misplaced(graph, applied, node, op.indices, result.outputs[0])]
        if result is not None and node.shares is not None:
            wrong += _shared(result, applied[node.shares])
        if wrong:
            if failures is None:
                from convcalc.analysis.failures import Failures

                failures = Failures(graph, applied)
            failures.add(node, inputs, wrong)
            if failures.full or detail > MOST_DETAIL:
                break
        applied.append(result)
    return applied, failures.diagnostics if failures else []


def inferred(graph: Graph) -> list[Applied]:
    """What happens at every node; raises SpecError with every mistake."""
    applied, found = infer(graph)
    if found or graph.diagnostics:
        raise SpecError(graph.diagnostics + found)
    return [step for step in applied if step is not None]


def _apply(op: Op, inputs: tuple[Shape, ...]) -> tuple[Applied | None, list[Problem | Demand]]:
    """One op on its operands, or None where the result can't be known, and what is wrong."""
    try:
        check_rank(op, inputs)
        outputs, demands = op.infer(*inputs)
        return _judged(op, inputs, outputs, demands)
    except Problem as problem:
        return None, [problem]


def _judged(
    op: Op, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], demands: tuple[Demand, ...]
) -> tuple[Applied | None, list[Problem | Demand]]:
    # Of several failures of one kind, the first.
    failed: list[Problem | Demand] = [*{d.code: d for d in reversed(demands) if not d.holds()}.values()]
    empty = min(map(min, outputs)) < 1
    if failed:
        return None if empty or unsettled(failed) else Applied(None, inputs, outputs), failed[::-1]
    if empty:
        told = f"the result would be empty: {times(outputs[0])}"
        return None, [Problem("empty-result", told, "give it a larger operand")]
    if max(map(max, outputs)) >= LIMIT:
        return None, [Problem("too-large", "the size of the result does not fit in 63 bits", "make the net smaller")]
    return Applied(op, inputs, outputs), []


def unsettled(failed: Iterable[Problem | Demand]) -> bool:
    """Whether mending what failed may change the shape of the result."""
    return any(failure.code != "indivisible-groups" and not failure.code.startswith(SETTLED) for failure in failed)


def _shared(own: Applied, owner: Applied | None) -> list[Problem]:
    """Shared parameters have the shapes that both layers need."""
    if owner is None or owner.op is None or own.op is None or own.parameters == owner.parameters:
        return []
    told = [", ".join(f"{name} {times(s)}" for name, s in step.parameters.items()) for step in (own, owner)]
    message = f"it needs {told[0]}, the layer it shares with has {told[1]}"
    fix = "give both layers the same arguments and operands of the same channels"
    return [Problem("shared-parameters", message, fix)]


def check_rank(op: Op, inputs: tuple[Shape, ...]) -> None:
    """Refuse operands with too few or too many axes; raises Problem."""
    fewest, most = op.spatial
    for x in inputs:
        if not fewest <= len(x) - 1 <= most:
            wanted = f"{fewest} to {most}" if fewest < most else str(fewest)
            fix = "use linear, or move it before the flatten" if len(x) == 1 else "bring the operand to fewer axes"
            raise Problem("wrong-rank", f"{op.name} takes {wanted} spatial axes, its operand is {times(x)}", fix)
