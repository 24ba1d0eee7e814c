"""``check --run``: a net run on arrays, on as small an input as it takes, and held against its prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc.analysis import examine
from convcalc.checks.capacity import available, needed
from convcalc.checks.samples import check_samples, moved
from convcalc.checks.verification import compare
from convcalc.diagnostics import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.analysis import Analysis
    from convcalc.graph import Graph

SIZES = (32, 48, 64, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512)
"""Of the longest axis of an input, the first that the net admits: below, windows would see little but padding."""

MOST_MACS = 10**10
"""Multiply-adds of a run that is waited for."""


def observe(analysis: Analysis) -> list[Diagnostic]:
    """Where a run disagrees with the prediction; or that the net was not run, and why."""
    spec = analysis.graph.spec
    if spec is None:
        return []
    small = shrunk(analysis)
    room = available()
    span = spec.marks.key(("layers",))
    if small.totals.macs > MOST_MACS or (room is not None and needed(small, forward_only=False) > room):
        told = f"{small.totals.macs:,} MACs and {needed(small, forward_only=False):,} bytes are too much here"
        return [Diagnostic("not-run", told, "run it with convcalc run", spec.source, span, (), "info")]
    found = list(dict.fromkeys(_differences(small)))
    if spec.samples and not moved(analysis.graph) and not check_samples(analysis):
        from convcalc.witness.examples import work

        found += [told for worked in work(analysis.graph, analysis.stored()) for told in worked.findings]
    return found


def shrunk(analysis: Analysis) -> Analysis:
    """The net on the smallest input of ``SIZES`` that it admits, all its axes in proportion; else as it is."""
    graph = analysis.graph
    shapes = {name: graph.nodes[ref.node].shape or () for name, ref in graph.inputs.items()}
    longest = max((size for shape in shapes.values() for size in shape[1:]), default=0)
    for size in SIZES:
        if size >= longest:
            break
        smaller = {
            n: (shape[0], *(max(1, axis * size // longest) for axis in shape[1:])) for n, shape in shapes.items()
        }
        found, _ = examine(graph.bind({}, smaller))
        if found is not None:
            return found
    return analysis


def _differences(analysis: Analysis) -> Iterator[Diagnostic]:
    import warnings

    from convcalc import witness
    from convcalc.witness.training import loss, terms

    graph = analysis.graph
    try:
        with warnings.catch_warnings(action="ignore"):  # what is not finite is nothing to compare
            run = witness.Run(graph, witness.random_inputs(graph))
            compared = compare(analysis, run.rows)
            gradients = run.backward(loss(terms(graph, run.outputs), run.outputs).seeds)
    except Exception as error:  # whatever a kernel fails with, the prediction said that it would not
        yield _finding(graph, "", f"the run fails where the prediction does not: {type(error).__name__}: {error}")
        return
    first = next((layer for layer in compared if layer.differing), None)
    if first:  # those behind it differ because it does
        differ = (f"{key} predicted {first.predicted[key]}, observed {first.observed[key]}" for key in first.differing)
        yield _finding(graph, first.name, f"{first.name}: {'; '.join(differ)}")
        return
    for row in analysis.rows:
        for name, gradient in gradients.parameters.get(row.name, {}).items():
            wanted: Any = row.parameters.get(name)
            if wanted is not None and gradient.shape != tuple(wanted):
                told = f"{row.name}.{name}: predicted {wanted}, its gradient is {gradient.shape}"
                yield _finding(graph, row.name, told)


def _finding(graph: Graph, layer: str, message: str) -> Diagnostic:
    spec = graph.spec
    span = next((graph.span(node) for node in graph.nodes if node.name == layer), None)
    span = span or (spec.marks.key(("layers",)) if spec else None)
    fix = "report a defect of convcalc, with this spec"
    return Diagnostic("observed", message, fix, spec.source if spec else None, span)
