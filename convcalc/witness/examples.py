"""Worked examples: a spec's ``weights`` and ``sample`` run and compared with what they say comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convcalc.diagnostics import Diagnostic, Problem
from convcalc.tensors.samples import array_of, by_name, compare, inputs_of, weights_of
from convcalc.witness import Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from convcalc.graph import Graph
    from convcalc.kernels._types import Array, Sizes
    from convcalc.spec import Path, Sample


class Worked(NamedTuple):
    """One example as it ran in float64: what went in, what came out, and where it is not as the spec says."""

    inputs: dict[str, Array]
    outputs: dict[str, Array]
    compared: int
    findings: list[Diagnostic]


def work(graph: Graph, wanted: Mapping[str, Sizes], *, algorithm: str = "im2col") -> list[Worked]:
    """Run every sample of the graph's spec; ``wanted`` are the shapes of its parameters and buffers.

    What a sample does not give is drawn at random, as in any run. ``grad`` holds the gradient at an output, under
    its name or bare, and gradients expected of inputs and parameters under theirs.
    """
    spec = graph.spec
    if spec is None:
        return []
    weights = weights_of(spec.weights, wanted)
    return [_worked(graph, sample, weights, algorithm) for sample in spec.samples]


def _worked(graph: Graph, sample: Sample, weights: dict[str, dict[str, Array]], algorithm: str) -> Worked:
    shapes = {name: graph.nodes[ref.node].shape or () for name, ref in graph.inputs.items()}
    dtypes = {name: _dtype(graph.nodes[ref.node].dtype) for name, ref in graph.inputs.items()}
    inputs = inputs_of(sample.input, shapes, dtypes)
    own = {layer: dict(entry) for layer, entry in weights.items()}
    run = Run(graph, inputs, own, input_gradient=True, keep=frozenset(sample.at), algorithm=algorithm)
    said: list[tuple[Path, Any, Array]] = []
    for key, given, found in (("output", sample.output, run.outputs), ("at", sample.at or None, run.kept)):
        said += [(_path(sample, key, given, name), array, found[name]) for name, array in by_name(given, found).items()]
    if sample.grad is not None:
        said += _gradients(sample, run)
    findings = [told for path, expected, found in said if (told := _difference(graph, path, expected, found))]
    return Worked(inputs, run.outputs, len(said), findings)


def _gradients(sample: Sample, run: Run) -> Iterator[tuple[Path, Any, Array]]:
    given = by_name(sample.grad, run.outputs)
    seeds = {name: np.ones_like(y) for name, y in run.outputs.items()}
    seeds |= {name: array_of(array, seeds[name].shape) for name, array in given.items() if name in seeds}
    gradients = run.backward(seeds)
    found = dict(gradients.inputs)
    for layer, entry in gradients.parameters.items():
        found |= {f"{layer}.{name}": array for name, array in entry.items()}
    for name, expected in given.items():
        if name not in seeds:
            yield (*sample.path, "grad", name), expected, found[name]


def _path(sample: Sample, key: str, given: Any, name: str) -> Path:
    return (*sample.path, key, name) if isinstance(given, dict) else (*sample.path, key)


def _difference(graph: Graph, path: Path, expected: Any, found: Array) -> Diagnostic | None:
    spec = graph.spec
    try:
        told = compare(expected, found)
    except Problem as problem:
        message, fix = problem.message, problem.fix
    else:
        if told is None:
            return None
        place = ", ".join(map(str, told.at[1:] if len(told.at) > 1 else told.at))
        message = f"{path[-1]} at [{place}]: expected {told.expected}, computed {told.found:.10g}"
        fix = f"write {told.found:.10g} there, or mend the layers"
    span = spec.marks.key(path) if spec else None
    return Diagnostic("sample", message, fix, spec.source if spec else None, span)


def _dtype(declared: str) -> str:
    return declared if "int" in declared or declared == "bool" else "float64"
