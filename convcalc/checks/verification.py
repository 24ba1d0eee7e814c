"""Prediction held against observation: the one place where the two sides meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convcalc.analysis import Analysis, Row
    from convcalc.dependence import Reach
    from convcalc.graph import Graph
    from convcalc.witness import Backward, Seen


class Compared(NamedTuple):
    """One layer, both ways: what was predicted and what was seen of each quantity."""

    name: str
    op: str
    predicted: dict[str, Any]
    observed: dict[str, Any]

    @property
    def differing(self) -> tuple[str, ...]:
        """The quantities on which the two sides disagree."""
        return tuple(key for key, value in self.predicted.items() if value != self.observed[key])


def compare(analysis: Analysis, seen: Sequence[Seen]) -> list[Compared]:
    """Every layer of a run beside its prediction: shapes, parameters, MACs, bytes of the result.

    Raises ValueError where the run went through other layers than the analysis.
    """
    if [row.name for row in analysis.rows] != [row.name for row in seen]:
        raise ValueError("the run and the analysis are of different graphs")
    return [_compared(row, saw, analysis.batch) for row, saw in zip(analysis.rows, seen, strict=True)]


def compare_backward(analysis: Analysis, seen: Mapping[str, Backward]) -> list[Compared]:
    """Every layer with MACs beside its backward pass: those for the gradient of its parameters, and of its operands.

    A layer that no gradient reached has performed none.
    """
    compared = []
    for row in analysis.rows:
        if row.macs:
            done = seen.get(row.name)
            predicted = {"MACs of weight gradients": row.weight_macs, "MACs of input gradients": row.input_macs}
            observed = (done.weight_macs, done.input_macs) if done else (0, 0)
            compared.append(Compared(row.name, row.op, predicted, dict(zip(predicted, observed, strict=True))))
    return compared


def _compared(row: Row, saw: Seen, batch: int) -> Compared:
    predicted = {
        "shape": row.shapes,
        "batch": batch,
        "params": row.params,
        "macs": row.macs,
        "bytes": row.bytes,
    }
    observed = {
        "shape": saw.shapes,
        "batch": saw.batch,
        "params": saw.params,
        "macs": saw.macs,
        "bytes": saw.bytes,
    }
    return Compared(row.name, row.op, predicted, observed)


def compare_fields(
    analysis: Analysis, source: str, observed: Mapping[str, Sequence[Reach | None]]
) -> tuple[int, int, list[str]]:
    """How many receptive fields were seen as predicted, how many of them cut off by a border, and what differs.

    Where a border cuts a field off, the positions seen need only lie in it: its taps may have holes there. So must
    those seen through stored indices, of which a run shows one choice of many. Layers that do not hang on ``source``
    have no field there.
    """
    chosen, hanging = _through_indices(analysis.graph), _behind(analysis.graph, source)
    sizes = (analysis.graph.nodes[analysis.graph.inputs[source].node].shape or ())[1:]
    right = clipped = 0
    wrong: list[str] = []
    for row in analysis.rows:
        for axis, reach in enumerate(observed.get(row.name, ())):
            if row.name not in hanging:
                if reach:
                    wrong.append(f"{row.name}: field on axis {axis}: predicted none, observed {reach[1]} to {reach[2]}")
                continue
            low, high = _predicted(row, axis, reach, sizes[axis])
            cut = low < 0 or high >= sizes[axis]
            seen = (reach.first, reach.last) if reach else None
            within = seen is None or max(low, 0) <= seen[0] <= seen[1] <= min(high, sizes[axis] - 1)
            if ((cut or row.name in chosen) and within) or seen == (low, high):
                right += 1
                clipped += cut
            else:
                told = f"{seen[0]} to {seen[1]}" if seen else "nothing"
                wrong.append(f"{row.name}: field on axis {axis}: predicted {low} to {high}, observed {told}")
    return right, clipped, wrong


def _behind(graph: Graph, source: str) -> set[str]:
    """The layers that an input reaches."""
    places = {graph.inputs[source].node}
    for place, node in enumerate(graph.nodes):
        if any(ref.node in places for ref in node.inputs):
            places.add(place)
    return {graph.nodes[place].name for place in places}


def _through_indices(graph: Graph) -> set[str]:
    """The layers that put values where indices say, and all behind them."""
    places: set[int] = set()
    for place, node in enumerate(graph.nodes):
        if (node.op and node.op.indices is not None) or any(ref.node in places for ref in node.inputs):
            places.add(place)
    return {graph.nodes[place].name for place in places}


def _predicted(row: Row, axis: int, reach: Reach | None, size: int) -> tuple[int, int]:
    """First and last input position of the unit that was looked at, padding included."""
    if row.sees_all or axis >= len(row.fields):
        return 0, size - 1
    field = row.fields[axis]
    turn, phase = divmod(reach.unit if reach else 0, field.period)
    span = field.spans[phase] or (0, 0)
    return int(span[0] + turn * field.advance), int(span[1] + turn * field.advance)
