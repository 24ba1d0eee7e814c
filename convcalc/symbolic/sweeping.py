"""Closed forms over a grid of values, in chunks: what a net is at a million points without a million analyses.

A chunk is a pure function of its range of the grid. Values are int64 as long as a bound on every intermediate result
says that they fit, and Python integers past it.
"""

from __future__ import annotations

from collections import Counter
from functools import reduce
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convcalc import expressions
from convcalc.analysis.memory import ITEMSIZE, alive
from convcalc.diagnostics import Misuse, SpecError, did_you_mean
from convcalc.dims import Free
from convcalc.symbolic.carrying import carry
from convcalc.symbolic.closed import close
from convcalc.symbolic.deciding import never_negative
from convcalc.symbolic.forms import Call, Floor, Form, Symbol, evaluator, forms_in, symbol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convcalc.dims import Demand
    from convcalc.graph import Graph
    from convcalc.symbolic.forms import Atom

CHUNK = 1 << 15
"""Points that are worked out at one time: their arrays stay in the cache."""

METRICS = ("params", "macs", "flops", "memory")
"""``memory`` is what inference needs in float32: parameters and the peak of activations."""


class Cells(Free):
    """The values of a dim at the points of a chunk."""

    __slots__ = ("values",)

    def __init__(self, values: Any) -> None:
        self.values = values

    def __str__(self) -> str:
        return "an array"

    def __add__(self, other: Any) -> Cells:
        return Cells(self.values + _values(other))

    def __sub__(self, other: Any) -> Cells:
        return Cells(self.values - _values(other))

    def __rsub__(self, other: Any) -> Cells:
        return Cells(other - self.values)

    def __mul__(self, other: Any) -> Cells:
        return Cells(self.values * _values(other))

    def __floordiv__(self, other: Any) -> Cells:
        return Cells(self.values // _nonzero(_values(other)))

    def __rfloordiv__(self, other: Any) -> Cells:
        return Cells(other // _nonzero(self.values))

    def __mod__(self, other: Any) -> Cells:
        return Cells(self.values % _nonzero(_values(other)))

    def __rmod__(self, other: Any) -> Cells:
        return Cells(other % _nonzero(self.values))

    __radd__ = __add__
    __rmul__ = __mul__

    def apply(self, function: str, *operands: Any) -> Cells:
        """Every function of the grammar, point by point."""
        if function in ("min", "max"):
            return Cells(reduce(np.minimum if function == "min" else np.maximum, map(_values, operands)))
        points = np.broadcast_arrays(*map(_values, operands))
        called = np.frompyfunc(lambda *one: expressions.call(function, *map(int, one)), len(operands), 1)
        return Cells(called(*points).astype(self.values.dtype))


def _values(dim: Any) -> Any:
    return dim.values if isinstance(dim, Cells) else dim


def _nonzero(divisor: Any) -> Any:
    """A divisor of 0 as 1: the point is masked as invalid."""
    return np.where(divisor == 0, 1, divisor) if isinstance(divisor, np.ndarray) else divisor


class Chunk(NamedTuple):
    """Points ``start .. stop - 1`` of a grid: the variables, the metrics and the output at each.

    Where ``valid`` is false the metrics say nothing; ``why`` counts the reasons. An output that a net has not, and an
    axis that its output has not, is 0 at that point.
    """

    start: int
    stop: int
    variables: dict[str, Any]
    metrics: dict[str, Any]
    outputs: dict[str, list[Any]]
    valid: Any
    why: Counter[str]


class Grid:
    """All combinations of the variables' values, the last variable changing fastest."""

    def __init__(self, axes: Mapping[str, Sequence[int]]) -> None:
        self.axes = {name: list(values) for name, values in axes.items()}
        self._arrays = {name: np.array(values) for name, values in self.axes.items()}
        self.size = prod(map(len, self.axes.values()))

    def at(self, start: int, stop: int) -> dict[str, Any]:
        """The variables' values at the points ``start .. stop - 1``."""
        places = np.arange(start, stop)
        found: dict[str, Any] = {}
        for name in reversed(self.axes):
            values = self._arrays[name]
            found[name] = values[places % len(values)]
            places = places // len(values)
        return {name: found[name] for name in self.axes}

    def part(self, shard: int, shards: int) -> tuple[int, int]:
        """The range of the grid that is the ``shard``-th of ``shards``, counted from 1."""
        return self.size * (shard - 1) // shards, self.size * shard // shards


class Sweep:
    """A net over a grid of values of its variables."""

    def __init__(self, graph: Graph, grid: Grid, batch: int = 1) -> None:
        self.graph = graph
        self.grid = grid
        self.batch = batch
        for name in grid.axes:
            if name not in graph.values:
                raise Misuse(f"the net has no variable '{name}' to sweep: {did_you_mean(name, graph.values)}")
        self.outer = [name for name in grid.axes if name in self._structural()]
        """Variables that layers hang on: each combination of them is a net of its own."""
        declared = graph.spec.outputs if graph.spec and self.outer else None
        self.outputs = declared or (["output"] if self.outer else list(graph.results()))
        """Names of the outputs; ``output`` where it is the last layer, and that is now this one, now another."""
        self._nets: dict[tuple[int, ...], _Net | str] = {}

    def _symbols(self, names: Sequence[str]) -> dict[str, Any]:
        least = {name: min(self.grid.axes[name]) for name in names}
        return {name: symbol(name, None if low < 0 else min(low, 1)) for name, low in least.items()}

    def _structural(self) -> set[str]:
        return self.graph.bind(self._symbols(list(self.grid.axes))).structural

    def _net(self, combination: tuple[int, ...]) -> _Net | str:
        if combination not in self._nets:
            fixed = dict(zip(self.outer, combination, strict=True))
            symbols = self._symbols([name for name in self.grid.axes if name not in fixed])
            try:
                self._nets[combination] = _Net(self.graph.bind({**fixed, **symbols}), symbols, self.batch)
            except SpecError as refused:
                first = refused.diagnostics[0]
                if first.code in ("undecided", "free-variable", "wrong-type"):
                    raise
                self._nets[combination] = first.message
        return self._nets[combination]

    def chunks(self, start: int, stop: int, wanted: Sequence[str]) -> Iterator[Chunk]:
        """The points ``start .. stop - 1`` in order, ``CHUNK`` at a time, with these metrics."""
        for first in range(start, stop, CHUNK):
            yield self.chunk(first, min(first + CHUNK, stop), wanted)

    def chunk(self, start: int, stop: int, wanted: Sequence[str]) -> Chunk:
        """The points ``start .. stop - 1``."""
        variables = self.grid.at(start, stop)
        count = stop - start
        valid = np.zeros(count, bool)
        metrics: dict[str, Any] = {}
        outputs: dict[str, list[Any]] = {name: [] for name in self.outputs}
        why: Counter[str] = Counter()
        for combination, where in self._combinations(variables, count):
            net = self._net(combination)
            if isinstance(net, str):
                why[net] += len(where)
                continue
            points = Points({name: variables[name][where] for name in net.symbols}, len(where))
            valid[where] = net.valid(points, why)
            for name in wanted:
                _put(metrics, name, points.value(net.metric(name)), where, count)
            for name, shape in net.outputs.items():
                dims = outputs[name if name in outputs else self.outputs[0]]
                for axis, dim in enumerate(shape):
                    known: dict[str, Any] = {"dim": dims[axis]} if axis < len(dims) else {}
                    _put(known, "dim", points.value(dim), where, count)
                    dims[axis : axis + 1] = [known["dim"]]
        for name in wanted:
            metrics.setdefault(name, np.zeros(count, np.int64))
        return Chunk(start, stop, variables, metrics, outputs, valid, why)

    def _combinations(self, variables: dict[str, Any], count: int) -> Iterator[tuple[tuple[int, ...], Any]]:
        if not self.outer:
            yield (), np.arange(count)
            return
        rows = np.stack([variables[name] for name in self.outer], axis=1)
        found, inverse = np.unique(rows, axis=0, return_inverse=True)
        for place, row in enumerate(found):
            yield tuple(map(int, row)), np.flatnonzero(inverse.reshape(-1) == place)


def _put(into: dict[str, Any], name: str, found: Any, where: Any, count: int) -> None:
    """Values at some of the points among those of all."""
    if len(where) == count:
        into[name] = found
        return
    old = into.get(name)
    if old is None:
        old = np.zeros(count, found.dtype)
    if found.dtype == object and old.dtype != object:
        old = old.astype(object)
    old[where] = found
    into[name] = old


class _Net:
    """The closed forms of a net, and what must hold for them."""

    def __init__(self, graph: Graph, symbols: dict[str, Any], batch: int) -> None:
        carried = carry(graph)
        closed = close(carried, symbols, batch)
        self.symbols = symbols
        self.outputs = closed.outputs
        self.totals = closed.totals
        self._carried = carried
        self._batch = batch
        self._metrics: dict[str, Any] = {}
        first: dict[tuple[Any, str, Any], tuple[int, Demand]] = {}
        for node, demand in carried.conditions:
            first.setdefault(demand[:3], (node, demand))
        names = [node.name for node in graph.nodes]
        self.conditions = [
            (f"{names[node]}: {demand.code}", demand)
            for node, demand in first.values()
            if demand.relation != ">=" or not never_negative(demand.left - demand.right)
        ]
        dims: Any = [dim for step in carried.steps for shape in step.outputs for dim in shape]
        atoms = {one: None for form in dict.fromkeys(forms_in(dims)) for one in form.atoms() if isinstance(one, Floor)}
        self.divisors = list(dict.fromkeys(one.parts[1] for one in atoms if isinstance(one.parts[1], Form)))

    def metric(self, name: str) -> Any:
        """A dim; ``memory`` is worked out when it is first wanted."""
        if name not in self._metrics:
            if name == "memory":
                sizes = alive(self._carried.graph, self._carried.steps, self._batch, "float32")
                peaks = list(dict.fromkeys(sizes))
                self._metrics[name] = Memory(self.totals.params * ITEMSIZE["float32"], peaks)
            else:
                self._metrics[name] = getattr(self.totals, name)
        return self._metrics[name]

    def valid(self, points: Points, why: Counter[str]) -> Any:
        """Where every condition holds; what fails first at a point is its reason."""
        good = np.ones(points.count, bool)
        for divisor in self.divisors:
            good = _narrowed(good, points.value(divisor) != 0, "division by zero", why)
        for told, (left, relation, right, *_) in self.conditions:
            holds = _RELATIONS[relation](points.value(left), points.value(right))
            good = _narrowed(good, holds, told, why)
        return good


_RELATIONS = {">=": np.greater_equal, "==": np.equal, "<=": np.less_equal}


class Memory(NamedTuple):
    """Bytes of the parameters, and of what is alive at each step of inference: the largest counts."""

    parameters: Any
    alive: list[Any]


def _narrowed(good: Any, holds: Any, told: str, why: Counter[str]) -> Any:
    if holds.all():
        return good
    bad = int(np.count_nonzero(good & ~holds))
    if bad:
        why[told] += bad
    return good & holds


class Points:
    """Values of variables at so many points; parts that many dims share are worked out once."""

    def __init__(self, values: dict[str, Any], count: int) -> None:
        self.count = count
        self._reach = {name: _reach(array) for name, array in values.items()}
        self._bounds: dict[Atom, int] = {}
        self._of = evaluator({name: Cells(array) for name, array in values.items()})
        self._exactly = evaluator({name: Cells(array.astype(object)) for name, array in values.items()})

    def value(self, dim: Any) -> Any:
        """A dim at every point, exactly: int64 where a bound says that nothing overflows, else Python integers."""
        if isinstance(dim, Memory):
            parts = [self.value(one) for one in (dim.parameters, *dim.alive)]
            if any(part.dtype == object for part in parts) or sum(map(_reach, parts)) >= LARGEST:
                parts = [part.astype(object) for part in parts]
            return parts[0] + reduce(np.maximum, parts[1:])
        if not isinstance(dim, Form):
            return np.full(self.count, dim, np.int64 if abs(dim) < LARGEST else object)
        fits = _bound(dim, self._reach, self._bounds) < LARGEST
        return (self._of if fits else self._exactly)(dim).values


LARGEST = 1 << 62


def _reach(array: Any) -> int:
    return max(abs(int(array.min())), abs(int(array.max()))) if len(array) else 0


def _bound(dim: Any, reach: Mapping[str, int], known: dict[Atom, int]) -> int:
    """No step of evaluating a dim is larger, where the variables are at most so large."""
    if not isinstance(dim, Form):
        return abs(int(dim))
    total = 0
    for monomial, count in dim.terms.items():
        term = abs(count)
        for one, power in monomial:
            if one not in known:
                known[one] = _atom_bound(one, reach, known)
            term *= max(known[one], 1) ** power
        total += term
    return total


def _atom_bound(one: Atom, reach: Mapping[str, int], known: dict[Atom, int]) -> int:
    if isinstance(one, Symbol):
        return reach[one.name]
    parts = one.parts[1:] if isinstance(one, Call) else one.parts
    bounds = [_bound(part, reach, known) for part in parts]
    if isinstance(one, Call) and one.parts[0] == "make_divisible":
        return 4 * prod(max(bound, 1) for bound in bounds)
    if isinstance(one, Floor):
        # the numerator is worked out before it is divided
        return bounds[0] + 1
    return max(bounds) + 1
