"""What a net is run on: arrays from .npy and .npz files, and images."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from convcalc.diagnostics import Diagnostic, Misuse, Problem, SpecError, did_you_mean
from convcalc.expressions import is_name
from convcalc.source import Source
from convcalc.tensors.finite import converted, first_not_finite
from convcalc.tensors.images import read_image, treatment
from convcalc.tensors.npy import npy
from convcalc.tensors.npz import npz
from convcalc.tensors.stored import Stored, kind_of, refusal, said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convcalc.graph import Graph
    from convcalc.kernels._types import Array, Sizes
    from convcalc.tensors.images import Treatment

IMAGES = ("png", "jpeg")


def read_inputs(
    options: Sequence[str],
    graph: Graph,
    *,
    dtype: str = "float32",
    batch: int = 0,
    resize: str = "",
    normalize: str = "",
    allow_not_finite: bool = False,
) -> dict[str, Array]:
    """Arrays ``[N, C, *S]`` for every input of the net, from options like ``x.npz``, ``cat.png`` or ``left=a.npy``.

    A missing batch axis is added; with ``batch`` arrays must have that many samples. Inputs of whole numbers stay so,
    the others become ``dtype``. ``resize`` and ``normalize`` are for images, see ``images.treatment``.
    Raises Unreadable for a file that cannot be used, Misuse for a request that makes no sense, SpecError with every
    way in which an array does not fit its input, and for numbers that are not finite.
    """
    how = treatment(resize, normalize)
    files = [(name, path, kind_of(path)) for name, path in _named(options, graph)]
    if (resize or normalize) and not any(kind in IMAGES for _, _, kind in files):
        raise Misuse("--resize and --normalize are for images, and there is none")
    findings: list[Diagnostic] = []
    arrays: dict[str, Array | None] = {}
    for option_name, path, kind in files:
        with _contents(path, kind, option_name, graph, how) as held:
            for name, stored in _assigned(path, held, option_name, graph).items():
                if name in arrays:
                    raise Misuse(f"there are two arrays for the input '{name}'")
                arrays[name] = None
                try:
                    arrays[name] = _fetched(graph, name, stored, dtype, batch, allow_not_finite)
                except Problem as problem:
                    findings.append(Diagnostic(problem.code, problem.message, problem.fix, Source(path, "")))
    if missing := [name for name in graph.inputs if name not in arrays]:
        raise Misuse(f"there is no array for the input '{missing[0]}': give one as {missing[0]}=FILE")
    if findings:
        raise SpecError(findings)
    ready = {name: array for name in graph.inputs if (array := arrays[name]) is not None}
    if len({len(array) for array in ready.values()}) > 1:
        told = ", ".join(f"{name} has {len(array)}" for name, array in ready.items())
        raise Misuse(f"the inputs differ in their number of samples: {told}")
    return ready


def _named(options: Sequence[str], graph: Graph) -> list[tuple[str, str]]:
    """The input that an option names, if any, and its file."""
    files = []
    for option in options:
        name, equals, path = option.partition("=")
        if not equals or (name not in graph.inputs and not is_name(name)):
            files.append(("", option))
        elif name in graph.inputs:
            files.append((name, path))
        else:
            raise Misuse(f"there is no input '{name}': {did_you_mean(name, graph.inputs)}")
    return files


@contextmanager
def _contents(path: str, kind: str, name: str, graph: Graph, how: Treatment) -> Iterator[dict[str, Stored]]:
    """The arrays of a file by the names that they have there."""
    if kind == "npz":
        with npz(path) as held:
            yield held.arrays
    elif kind == "npy":
        with npy(path) as stored:
            yield {"": stored}
    elif kind in IMAGES:
        node = graph.nodes[graph.inputs[_certain(path, name, graph)].node]
        if "int" in node.dtype:
            how = how._replace(raw=True, numbers=())
        image = read_image(path, node.shape or (), how)
        yield {"": Stored(image.shape, str(image.dtype), lambda: image)}
    else:
        raise refusal(path, kind, "an .npy or .npz file or an image (.png, .jpg)")


def _assigned(path: str, held: dict[str, Stored], name: str, graph: Graph) -> dict[str, Stored]:
    """The arrays of a file by the input that they are for."""
    if not held:
        raise Misuse(f"{path}: there is no array in it")
    if len(held) == 1 and (name or len(graph.inputs) == 1 or "" in held):
        return {_certain(path, name, graph): next(iter(held.values()))}
    if name:
        if name not in held:
            raise Misuse(f"{path}: there is no array '{name}' in it: {did_you_mean(name, held)}")
        return {name: held[name]}
    for entry in held:
        if entry not in graph.inputs:
            raise Misuse(f"{path}: '{entry}' is no input of the net: {did_you_mean(entry, graph.inputs)}")
    return held


def _certain(path: str, name: str, graph: Graph) -> str:
    """The input that was named, or the only one."""
    if not name and len(graph.inputs) != 1:
        raise Misuse(f"{path}: which input is it for? Write NAME={path}, with one of {', '.join(graph.inputs)}")
    return name or next(iter(graph.inputs))


def _fetched(graph: Graph, name: str, stored: Stored, dtype: str, batch: int, allow_not_finite: bool) -> Array:
    """An array as the run takes it; raises Problem where it does not fit."""
    node = graph.nodes[graph.inputs[name].node]
    shape = node.shape or ()
    _fits(graph, name, shape, stored, batch)
    array = stored.read()
    if array.ndim == len(shape):
        array = array[None]
    if "int" in node.dtype or node.dtype == "bool":
        return _whole(name, array, node.dtype)
    ready = converted(array, dtype)
    if not allow_not_finite and (wrong := first_not_finite(ready)):
        index, value = wrong
        original = float(array[index])
        if original - original == 0:
            message = f"the array for '{name}' is {original:g} at {list(index)}, which does not fit in {dtype}"
            raise Problem("not-finite", message, "scale it, or run in float64")
        raise Problem("not-finite", f"the array for '{name}' is {value:g} at {list(index)}", "give finite numbers")
    return ready


def _whole(name: str, array: Array, dtype: str) -> Array:
    """The same numbers in an integer dtype; raises Problem for one that it cannot hold."""
    with np.errstate(invalid="ignore"):
        kept = array.astype(dtype)
    wrong = kept != array
    if wrong.any():
        index = tuple(map(int, np.unravel_index(int(wrong.argmax()), array.shape)))
        message = f"the array for '{name}' is {array[index]} at {list(index)}, and the input is of {dtype}"
        raise Problem("input-dtype", message, f"give numbers that {dtype} can hold")
    return kept


def _fits(graph: Graph, name: str, shape: Sizes, stored: Stored, batch: int) -> None:
    """Raise Problem unless an array has the shape of an input, with a batch axis or without."""
    if stored.problem:
        raise Problem("input-dtype", f"the array for '{name}' holds {stored.problem}", "save it as float32")
    found = stored.shape
    with_batch = len(found) == len(shape) + 1
    own = found[1:] if with_batch else found
    if own != shape:
        wanted = f"{said(shape)}, or Nx{said(shape)}" if shape else "a single number"
        message = f"the array for '{name}' is {said(found)}, the input is {wanted}"
        raise Problem("input-shape", message, _mended(graph, name, shape, own))
    samples = found[0] if with_batch else 1
    if samples == 0 or (batch and samples != batch):
        wanted = f"the batch is {batch}" if batch else "a run needs one"
        fix = f"use --batch {samples}" if samples else "give at least one sample"
        raise Problem("input-batch", f"the array for '{name}' has {samples} samples, {wanted}", fix)


def _mended(graph: Graph, name: str, shape: Sizes, own: Sizes) -> str:
    """What would let an array in: other values of variables, another order of its axes."""
    if len(own) != len(shape):
        axes = len(shape)
        return f"give {axes} ax{'e' if axes != 1 else 'i'}s, channels first, or {axes + 1} with the batch"
    if settings := settings_for(graph, name, own):
        return "use --set " + ",".join(f"{variable}={value}" for variable, value in settings.items())
    if len(shape) > 1 and (own[-1], *own[:-1]) == shape:
        return f"put the channels first, as np.moveaxis(x, -1, {-len(shape)}) does"
    option = f"--input {said(own)}" if len(graph.inputs) == 1 else f"--input {name}={said(own)}"
    fix = f"resize it to {said(shape[1:])}" if own[:1] == shape[:1] else f"give an array of {said(shape)}"
    return f"{fix}, or add {option} if the net can take that"


def settings_for(graph: Graph, name: str, shape: Sizes) -> dict[str, int]:
    """Values of the spec's variables with which an input would have this shape; empty if there are none."""
    if graph.spec is None or name not in graph.spec.inputs:
        return {}
    values: dict[str, int] = {}
    declared = graph.spec.inputs[name].shape
    for written, size in zip(declared, shape, strict=True):
        if isinstance(written, str) and written in graph.spec.vars and graph.values.get(written) != size:
            values[written] = size
    try:
        bound = graph.bind(values) if values else graph
    except (Misuse, SpecError, Problem):
        return {}
    return values if values and bound.nodes[bound.inputs[name].node].shape == tuple(shape) else {}
