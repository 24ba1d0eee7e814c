"""What is alive while each layer of a forward pass runs, by a schedule.

``torch``: a relu in place where nobody else reads its operand, batch norm unfused, indices only where they are used.
``convcalc``: what a run by the plain kernels holds. No op works in place, the net's inputs stay, a max pool always has
its indices, and each kernel has a workspace: im2col its padded operand and its columns, others what they state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis.algorithms import CORRELATIONS, correlation, im2col
from convcalc.analysis.memory import ITEMSIZE, Results
from convcalc.dims import prod
from convcalc.graph import Ref

if TYPE_CHECKING:
    from convcalc.analysis import Analysis
    from convcalc.analysis.shapes import Applied
    from convcalc.dims import Shape

SCHEDULES = ("torch", "convcalc")


class Alive(NamedTuple):
    """A result that is kept while a layer runs: whose it is, and which layer needs it last, none for an output."""

    name: str
    shape: Shape
    bytes: int
    until: str


class Moment(NamedTuple):
    """A layer as it runs: bytes of the results that are alive, its operands and results among them; and workspace."""

    name: str
    results: int
    workspace: int

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.results + self.workspace


class Schedule(NamedTuple):
    """A forward pass layer by layer, inputs included; where it holds most, and what that is."""

    moments: tuple[Moment, ...]
    peak: Moment
    live: tuple[Alive, ...]
    made: int
    """Bytes of all results together."""


def schedule(analysis: Analysis, name: str = "torch") -> Schedule:
    """The forward pass by one of ``SCHEDULES``, without parameters."""
    graph, batch, own = analysis.graph, analysis.batch, name == "convcalc"
    applied = analysis.steps()
    results = Results(graph, applied, batch, analysis.dtype, every_index=own)
    homes = results.homes(in_place=not own)
    last = results.last_uses(homes, inputs_stay=own)
    width = ITEMSIZE[analysis.dtype]
    moments = tuple([
        Moment(node.name, alive, _workspace(step, batch, width) if own else 0)
        for node, step, alive in zip(graph.nodes, applied, results.alive(homes, last), strict=True)
    ])  # fmt: skip
    place = max(range(len(moments)), key=lambda place: moments[place].bytes)
    live: list[Alive] = []
    for maker, step in enumerate(applied[: place + 1]):
        for port, shape in enumerate(step.outputs):
            home = results.first[maker] + port
            if homes[home] == home and last[home] >= place and results.sizes[home]:
                until = graph.nodes[last[home]].name if last[home] < len(graph.nodes) else ""
                live.append(Alive(graph.title(Ref(maker, port)), shape, results.sizes[home], until))
    return Schedule(moments, moments[place], tuple(live), results.made(homes))


def _workspace(step: Applied, batch: int, width: int) -> int:
    """Bytes beside operands and results; at least a flag for each value, whether it is finite."""
    if step.op is None:
        return 0
    if step.op.name in CORRELATIONS:
        c = correlation(step.op, step.inputs[0], step.outputs[0], batch, width)
        canvas = batch * c.channels * prod(c.sizes)
        given = batch * (step.size if c.adjoint else prod(step.inputs[0]))
        copied = canvas - given if c.adjoint else canvas * (canvas != given)
        held = im2col(c).workspace + copied * width
    else:
        held = batch * step.op.workspace(step.inputs, step.outputs, width)
    return max(held, step.size * batch)
