"""What failed on the way through the graph, as diagnostics; imported once something does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.analysis.disagreement import disagreement, flattened
from convcalc.analysis.trials import Trials
from convcalc.diagnostics import Diagnostic, Note, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.analysis.shapes import Applied
    from convcalc.dims import Demand, Shape
    from convcalc.graph import Graph, Node

MOST = 100
"""After so many findings the rest is passed over: nobody reads further."""


class Failures:
    """The findings of one pass over a graph; what fails in several copies of a layer is one finding."""

    def __init__(self, graph: Graph, applied: list[Applied | None]) -> None:
        self.graph = graph
        self.applied: Sequence[Applied | None] = applied
        self.trials = Trials(graph)
        self._found: dict[tuple[int, str], Diagnostic] = {}
        self._copies: dict[tuple[int, str], list[str]] = {}

    @property
    def full(self) -> bool:
        """Whether there are so many findings that nobody would read more."""
        return len(self._found) >= MOST

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """The findings, each with the copies of its layer that fail alike."""
        found = []
        for key, told in self._found.items():
            copies = self._copies[key]
            more = f" and {len(copies) - 1} more" if len(copies) > 1 else ""
            notes = (Note(f"so does {copies[0]}{more}"),) if copies else ()
            found.append(told._replace(notes=told.notes + notes))
        return found

    def add(self, node: Node, inputs: tuple[Shape, ...], wrong: Sequence[Problem | Demand]) -> None:
        """Add what is wrong at a node."""
        for failure in wrong:
            key = id(node.layer or node), failure.code
            if key in self._found:
                self._copies[key].append(node.name)
            else:
                self._found[key] = self._explained(node, inputs, failure)
                self._copies[key] = []

    def _explained(self, node: Node, inputs: tuple[Shape, ...], failure: Problem | Demand) -> Diagnostic:
        if failure.code == "shapes-disagree":
            demand = None if isinstance(failure, Problem) else failure
            return disagreement(self.trials, self.applied, node, demand)
        if isinstance(failure, Problem):
            return self._located(node, failure)
        fix = node.op.mend(failure, *inputs) if node.op else ""
        told = self._located(node, Problem(failure.code, failure.sentence(), fix, failure.key))
        if failure.code == "wrong-in-features":
            return flattened(self.trials, self.applied, node, told)
        return told

    def _located(self, node: Node, problem: Problem) -> Diagnostic:
        source = self.graph.spec.source if self.graph.spec else None
        span = self.graph.span(node, *problem.key)
        return Diagnostic(problem.code, f"{node.name}: {problem.message}", problem.fix, source, span)
