"""Whether a spec's ``weights`` and ``sample`` fit the net that they speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import Diagnostic, Problem, did_you_mean, times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.analysis import Analysis
    from convcalc.dims import Shape
    from convcalc.graph import Graph
    from convcalc.spec import Path, Sample, Spec


def check_samples(analysis: Analysis) -> list[Diagnostic]:
    """A diagnostic for each array of the wrong shape or of a layer that is not there."""
    spec = analysis.graph.spec
    if spec is None:
        return []
    found = []
    for path, problem in [*_weights(analysis, spec), *_samples(analysis, spec)]:
        found.append(Diagnostic(problem.code, problem.message, problem.fix, spec.source, spec.marks.key(path)))
    return found


def moved(graph: Graph) -> bool:
    """Whether a net is another than the one that its file declares, so that samples need not fit it."""
    return bool(graph.overrides or graph.shapes_given or graph.variant)


def _weights(analysis: Analysis, spec: Spec) -> Iterator[tuple[Path, Problem]]:
    shapes = analysis.stored()
    for name, array in spec.weights.items():
        path = ("weights", name)
        if name in shapes:
            yield from _fits(path, name, array, shapes[name])
        else:
            yield (
                path,
                Problem(
                    "unknown-parameter", f"there is no parameter '{name}'", did_you_mean(name, shapes) or "remove it"
                ),
            )


def _samples(analysis: Analysis, spec: Spec) -> Iterator[tuple[Path, Problem]]:
    graph = analysis.graph
    inputs = {name: graph.nodes[ref.node].shape or () for name, ref in graph.inputs.items()}
    layers = {row.name: row.shape for row in analysis.rows}
    parameters = {f"{row.name}.{name}": shape for row in analysis.rows for name, shape in row.parameters.items()}
    for sample in spec.samples:
        yield from _named(sample, "input", sample.input, inputs)
        yield from _named(sample, "output", sample.output, analysis.outputs)
        by_name = {**inputs, **parameters, **analysis.outputs} if isinstance(sample.grad, dict) else analysis.outputs
        yield from _named(sample, "grad", sample.grad, by_name)
        yield from _named(sample, "at", sample.at or None, layers)


def _named(sample: Sample, key: str, given: Any, shapes: dict[str, Shape]) -> Iterator[tuple[Path, Problem]]:
    """One array, or a map of them by name."""
    path = (*sample.path, key)
    if given is None:
        return
    if not isinstance(given, dict):
        if len(shapes) != 1:
            names = ", ".join(shapes)
            yield (
                path,
                Problem("sample", f"{key} could be of {len(shapes)} tensors", f"write a map from {names} to arrays"),
            )
        else:
            ((name, shape),) = shapes.items()
            yield from _fits(path, f"{key} ({name})", given, shape)
        return
    for name, array in given.items():
        if name not in shapes:
            yield (*path, name), Problem("unknown-layer", f"there is no '{name}' here", did_you_mean(name, shapes))
        else:
            yield from _fits((*path, name), name, array, shapes[name])


def _fits(path: Path, name: str, array: Any, shape: Shape) -> Iterator[tuple[Path, Problem]]:
    """The array has the shape; the batch axis and leading axes of 1 may be left out or written."""
    extents = _extents(array)
    if _trimmed(extents) != _trimmed(shape):
        told = times(extents) or "a single number"
        wanted = times(shape)
        yield path, Problem("sample", f"{name} is {wanted}, the array is {told}", f"write {wanted} numbers")


def _extents(array: Any) -> tuple[int, ...]:
    extents = []
    while isinstance(array, list):
        extents.append(len(array))
        array = array[0] if array else None
    return tuple(extents)


def _trimmed(shape: tuple[int, ...]) -> tuple[int, ...]:
    place = next((place for place, size in enumerate(shape) if size != 1), len(shape))
    return shape[place:]
