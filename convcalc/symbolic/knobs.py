"""What the sizes of a net's inputs hang on: the variables or axes that may be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Misuse, did_you_mean
from convcalc.expressions import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from convcalc.graph import Graph

AXES = {1: "L", 2: "HW", 3: "DHW", 4: "TDHW"}
"""The letters of spatial axes, by how many there are."""


class Knob(NamedTuple):
    """A variable, or else one spatial axis of an input whose size is written as a number."""

    name: str
    axis: int
    """The axis of an input whose size it is, 1 for the first behind the channels; 0 for another variable."""
    size: int
    """The present value."""
    input: str = ""
    """The input, where it is no variable."""


def spatial(graph: Graph) -> list[Knob]:
    """The variables that the inputs' spatial axes come from; without any, those axes."""
    variables: dict[str, Knob] = {}
    axes = []
    for knob, said in _axes(graph):
        if knob.input:
            axes.append(knob)
            continue
        for variable in _origins(graph, said):
            variables.setdefault(variable, Knob(variable, knob.axis, graph.values[variable]))
    return list(variables.values()) or axes


def named(graph: Graph, names: Iterable[str]) -> list[Knob]:
    """Variables and axes by name; raises Misuse for one that there is not."""
    known = {knob.name: knob for knob in every(graph)}
    found = []
    for name in names:
        if name not in known:
            raise Misuse(f"there is no variable or axis '{name}' to open: {did_you_mean(name, known)}")
        found.append(known[name])
    return list(dict.fromkeys(found))


def every(graph: Graph) -> Iterator[Knob]:
    """All that can be opened: variables, and axes that are written as numbers."""
    axes = {knob.name: knob.axis for knob in spatial(graph)}
    for name, value in graph.values.items():
        if isinstance(value, int):
            yield Knob(name, axes.get(name, 0), value)
    for knob, _ in _axes(graph):
        if knob.input:
            yield knob


def turned(graph: Graph, values: Mapping[Knob, Any]) -> Graph:
    """The graph with other values, or open ones, of some knobs."""
    shapes: dict[str, list[Any]] = {}
    for knob, value in values.items():
        if knob.input:
            shape = graph.nodes[graph.inputs[knob.input].node].shape or ()
            shapes.setdefault(knob.input, list(shape))[knob.axis] = value
    return graph.bind({knob.name: value for knob, value in values.items() if not knob.input}, shapes)


def _axes(graph: Graph) -> Iterator[tuple[Knob, Any]]:
    """Every spatial axis of every input, and what is written for it; a knob of the input only where it is a number."""
    for name, ref in graph.inputs.items():
        shape = graph.nodes[ref.node].shape or ()
        declared = graph.spec.inputs[name].shape if graph.spec and name not in graph.shapes_given else shape
        for axis, said in enumerate(declared[: len(shape)]):
            if axis:
                letter = AXES[len(shape) - 1][axis - 1] if len(shape) - 1 in AXES else f"axis{axis}"
                label = letter if len(graph.inputs) == 1 else f"{name}.{letter}"
                yield Knob(label, axis, shape[axis], "" if isinstance(said, str) else name), said


def _origins(graph: Graph, text: str) -> Iterator[str]:
    """The variables of fixed value that an expression comes from."""
    spec = graph.spec
    own = spec.variants[graph.variant].vars if spec and graph.variant else {}
    for name in sorted(parse(text).names):
        raw = own.get(name, spec.vars.get(name)) if spec else None
        if isinstance(raw, str) and name not in graph.overrides:
            yield from _origins(graph, raw)
        elif raw is not None:
            yield name
