"""Input sizes near the present ones at which a node fits that does not fit now."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.analysis.trials import FITS
from convcalc.diagnostics import Misuse, Problem, SpecError
from convcalc.expressions import evaluate, parse
from convcalc.spec.layers import every_layer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convcalc.analysis.trials import Trials
    from convcalc.graph import Graph
    from convcalc.spec import Spec

_NAME = re.compile(r"[A-Za-z_]\w*")

REACH = 64
"""Sizes further away are not tried."""


class Knob(NamedTuple):
    """What an input's size hangs on: a variable, or else an axis of the input as it is written."""

    name: str
    axis: int
    size: int
    """The present value."""


def sizes_that_fit(trials: Trials, name: str, axes: Sequence[int]) -> str:
    """A fix like ``set H to 80 or 96`` for a node, empty if no size nearby makes the whole net fit.

    ``axes`` are those that are to be mended: where it is one, a single size is changed if that is enough.
    """
    graph = trials.graph
    knobs = _knobs(graph)
    trials.refill()
    single = sorted(([knob] for knob in knobs), key=lambda one: one[0].axis not in axes)
    choices = [*single, knobs] if len(axes) == 1 else [knobs, *single]
    for chosen in [knobs] if len(knobs) == 1 else choices:
        found = sorted(_nearest(trials, name, chosen)) if chosen else []
        if found:
            return _told(graph, chosen, found)
    return ""


def _knobs(graph: Graph) -> list[Knob]:
    """The variables that the inputs' spatial axes come from; without any, those axes."""
    variables: dict[str, Knob] = {}
    axes = []
    for name, ref in graph.inputs.items():
        declared = graph.spec.inputs[name].shape if graph.spec else []
        for axis, size in enumerate(graph.nodes[ref.node].shape or ()):
            said = declared[axis] if declared else size
            if axis and isinstance(said, str):
                for variable in _origins(graph, said):
                    variables.setdefault(variable, Knob(variable, axis, graph.values[variable]))
            elif axis:
                axes.append(Knob(name, axis, size))
    return list(variables.values()) or axes


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


def _nearest(trials: Trials, name: str, knobs: list[Knob]) -> Iterator[int]:
    """The nearest fitting size below and the nearest above, all knobs given the same."""
    spec = trials.graph.spec
    rebuild = spec is not None and not _mentioned(spec).isdisjoint(knob.name for knob in knobs)
    present = [knob.size for knob in knobs]
    largest = max(present)
    near = range(max(1, min(present) - REACH), largest + REACH + 1)
    below = above = False
    for size in sorted(near, key=lambda size: max(abs(size - other) for other in present)):
        if size == largest or (below if size < largest else above) or trials.left <= 0:
            continue
        if _fits(trials, name, knobs, size, rebuild):
            yield size
            below, above = below or size < largest, above or size > largest
            if below and above:
                return


def _fits(trials: Trials, name: str, knobs: list[Knob], size: int, rebuild: bool) -> bool:
    graph = trials.graph
    spec = graph.spec
    if spec is None or knobs[0].name not in spec.vars:
        shapes = _shapes(graph, knobs, size)
        return trials.resized(name, {graph.inputs[own].node: tuple(shape) for own, shape in shapes.items()}) == FITS
    names = {knob.name for knob in knobs}
    try:
        if rebuild:
            return trials.rebuilt(name, graph.bind(dict.fromkeys(names, size))) == FITS
        scope = {**graph.values, **dict.fromkeys(names, size)}
        sizes = {
            ref.node: tuple([evaluate(n, scope) if isinstance(n, str) else n for n in spec.inputs[own].shape])
            for own, ref in graph.inputs.items()
            if own not in graph.shapes_given
        }
    except (Misuse, Problem, SpecError):
        return False
    return all(min(shape) > 0 for shape in sizes.values()) and trials.resized(name, sizes) == FITS


def _mentioned(spec: Spec) -> set[str]:
    """All names in the spec's variables, layers and blocks: what else than the inputs may hang on them."""
    said: list[Any] = [spec.vars, *(variant.vars for variant in spec.variants.values())]
    said += [block.args for block in spec.blocks.values()]
    for body in (spec.layers, *(block.layers for block in spec.blocks.values())):
        said += [[layer.args, layer.when, layer.repeat] for layer in every_layer(body)]
    return set(_NAME.findall(" ".join(_texts(said))))


def _texts(said: Any) -> Iterator[str]:
    """The texts among nested values."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, (dict, list)):
        for part in said.values() if isinstance(said, dict) else said:
            yield from _texts(part)


def _shapes(graph: Graph, knobs: list[Knob], size: int) -> dict[str, list[int]]:
    shapes = {name: list(graph.nodes[ref.node].shape or ()) for name, ref in graph.inputs.items()}
    for knob in knobs:
        shapes[knob.name][knob.axis] = size
    return shapes


def _told(graph: Graph, knobs: list[Knob], sizes: list[int]) -> str:
    if graph.spec and knobs[0].name in graph.spec.vars:
        return f"set {' and '.join(knob.name for knob in knobs)} to {' or '.join(map(str, sizes))}"
    shapes = [_shapes(graph, knobs, size) for size in sizes]
    names = list(dict.fromkeys(knob.name for knob in knobs))
    return " and ".join(f"write {name}: {' or '.join(str(shape[name]) for shape in shapes)}" for name in names)
