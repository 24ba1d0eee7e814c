"""Points of a sweep that are shown: those that are valid, those that no other beats, some that stand for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.symbolic.sweeping import Chunk


class Found(NamedTuple):
    """Valid points: the variables, metrics and outputs, columns by name."""

    variables: dict[str, Any]
    metrics: dict[str, Any]
    outputs: dict[str, list[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.variables.values())))

    def column(self, name: str) -> Any:
        """A metric or a variable."""
        return self.metrics[name] if name in self.metrics else self.variables[name]

    def shapes(self) -> Iterator[tuple[tuple[int, ...], ...]]:
        """The shape of each output, point by point; ``()`` of one that is not there."""
        rows = [list(zip(*dims, strict=True)) or [()] * len(self) for dims in self.outputs.values()]
        return (tuple([tuple([int(dim) for dim in row if dim]) for row in point]) for point in zip(*rows, strict=True))

    def taken(self, places: Any) -> Found:
        """Some of the points."""
        return Found(
            {name: column[places] for name, column in self.variables.items()},
            {name: column[places] for name, column in self.metrics.items()},
            {name: [dim[places] for dim in dims] for name, dims in self.outputs.items()},
        )

    def thinned(self, name: str, other: str, most: int) -> list[tuple[int, int]]:
        """Two columns, at ``most`` points spread evenly and at those where the second is least and largest."""
        x, y = self.column(name), self.column(other)
        places = {int(place) for place in np.linspace(0, len(x) - 1, min(len(x), most))}
        return [(int(x[place]), int(y[place])) for place in sorted(places | {int(y.argmin()), int(y.argmax())})]

    def joined(self, other: Found) -> Found:
        """These and the others behind them."""

        def padded(points: Found, name: str) -> list[Any]:
            missing = max(len(self.outputs[name]), len(other.outputs[name])) - len(points.outputs[name])
            return [*points.outputs[name], *[np.zeros(len(points), np.int64)] * missing]

        return Found(
            {name: np.concatenate([column, other.variables[name]]) for name, column in self.variables.items()},
            {name: np.concatenate([column, other.metrics[name]]) for name, column in self.metrics.items()},
            {
                name: [np.concatenate(pair) for pair in zip(padded(self, name), padded(other, name), strict=True)]
                for name in self.outputs
            },
        )


def valid(chunk: Chunk) -> Found:
    """The valid points of a chunk."""
    points = Found(chunk.variables, chunk.metrics, chunk.outputs)
    return points if chunk.valid.all() else points.taken(chunk.valid)


def front(points: Found, asked: tuple[tuple[str, bool], ...]) -> Found:
    """Those points that no other one beats: as good in all, better in one. Of equal ones the first.

    ``asked`` are columns, each with whether more of it is better.
    """
    columns = [-points.column(name) if more else points.column(name) for name, more in asked]
    order = np.lexsort(columns[::-1])
    values = np.stack([column[order] for column in columns], axis=1)
    kept: list[int] = []
    if len(columns) <= 2:
        # sorted by the first, a point is on the front where the last falls below all before it
        last = values[:, -1]
        before = np.minimum.accumulate(last)
        better = np.ones(len(last), bool)
        better[1:] = last[1:] < before[:-1]
        if len(columns) == 1:
            better[1:] = False
        kept = list(np.flatnonzero(better))
    else:
        best = values[:0]
        for place, row in enumerate(values):
            if not (best <= row).all(axis=1).any():
                kept.append(place)
                best = values[kept]
    return points.taken(np.sort(order[kept]))
