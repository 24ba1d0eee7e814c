"""Prediction held against observation: the one place where the two sides meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.analysis.fields import Trace
from convcalc.analysis.reach import full, reached
from convcalc.analysis.regions import shadow
from convcalc.graph import Ref

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convcalc.analysis import Analysis, Row
    from convcalc.witness import Backward, Seen
    from convcalc.witness.dependence import Reach


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
    """How many receptive fields were seen as predicted, how many of them only within a bound, and what differs.

    A field is the first and the last position of input ``source`` that any value at the observed unit sees. Where the
    prediction is a bound, as through stored indices, those seen need only lie in it. What sees nothing, as a layer that
    does not hang on ``source``, is not counted.
    """
    trace = Trace(analysis.graph, analysis.steps())
    right = bounded = 0
    wrong: list[str] = []
    places = {node.name: place for place, node in enumerate(analysis.graph.nodes)}
    for row in analysis.rows:
        for axis, reach in enumerate(observed.get(row.name, ())):
            unit = reach.unit if reach else row.shape[axis + 1] // 2
            slab = tuple(1 << unit if place == axis + 1 else bits for place, bits in enumerate(full(row.shape)))
            wanted = trace.orders.put_back(places[row.name], slab)
            known = reached(trace, {Ref(places[row.name]): (wanted,)})[source]
            bits = shadow(known.boxes, axis + 1)
            predicted = ((bits & -bits).bit_length() - 1, bits.bit_length() - 1) if bits else None
            seen = (reach.first, reach.last) if reach else None
            if seen is predicted is None:
                continue
            within = seen is None or (predicted and predicted[0] <= seen[0] <= seen[1] <= predicted[1])
            if seen == predicted or (within and not known.exact):
                right += 1
                bounded += seen != predicted
            else:
                told = f"predicted {_told(predicted)}, observed {_told(seen)}"
                wrong.append(f"{row.name}: field on axis {axis}: {told}")
    return right, bounded, wrong


def _told(ends: tuple[int, int] | None) -> str:
    return f"{ends[0]} to {ends[1]}" if ends else "none"
