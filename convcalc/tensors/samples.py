"""The arrays of a spec's worked examples, for a run and beside what a run gave.

They are plain nested lists of integers, decimal numbers and fractions such as ``-1/2``. The batch axis and leading
axes of 1 may be left out.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convcalc.diagnostics import Problem, did_you_mean
from convcalc.tensors.stored import said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from convcalc.kernels._types import Array, Sizes
    from convcalc.witness import Weights

CLOSE = 1e-6
ROUNDING = 2.0**-40
"""What is left of exactness once a third was summed three times in float64; no mistake is as small."""

START = {"running_mean": 0.0, "running_var": 1.0}
"""What a buffer holds before anything was learnt."""


class Difference(NamedTuple):
    """Where a result is not what was said: the position with its batch axis, as it was written, what came out."""

    at: tuple[int, ...]
    expected: int | float | str
    found: float


def by_name(given: Any, names: Mapping[str, Any] | list[str]) -> dict[str, Any]:
    """One array, or a map of them, as a map: a bare array is of the only name there is.

    Raises Problem where there are several.
    """
    if given is None:
        return {}
    if isinstance(given, dict):
        return given
    if len(names) != 1:
        raise Problem("sample", f"the array could be of {len(names)} tensors", f"name one of {', '.join(names)}")
    return {next(iter(names)): given}


def array_of(written: Any, shape: Sizes, dtype: str = "float64") -> Array:
    """Nested lists as an array of this shape; raises Problem where they have another."""
    extents = _extents(written)
    if _trimmed(extents) != _trimmed(shape):
        message = f"the array is {said(extents)}, and {said(shape)} is meant"
        raise Problem("sample", message, f"write {said(shape)} numbers")
    exact = [_number(entry) for entry in _entries(written)]
    return np.array(exact, dtype=dtype).reshape(shape)


def inputs_of(given: Any, shapes: Mapping[str, Sizes], dtypes: Mapping[str, str]) -> dict[str, Array]:
    """A sample's inputs with a batch of one, by name; ``shapes`` are those of the net, without the batch.

    Raises Problem for one of another shape or name, or missing.
    """
    arrays = by_name(given, shapes)
    if arrays.keys() != shapes.keys():
        odd = next(name for name in (*arrays, *shapes) if name not in arrays or name not in shapes)
        raise Problem("sample", f"the sample and the net differ in the input '{odd}'", f"give {', '.join(shapes)}")
    return {name: array_of(arrays[name], (1, *shape), dtypes[name]) for name, shape in shapes.items()}


def weights_of(given: Mapping[str, Any], wanted: Mapping[str, Sizes], dtype: str = "float64") -> Weights:
    """A spec's ``weights`` for a run, whole layers; what it does not speak of is left to the run.

    ``wanted`` has the shape of each parameter and buffer of the net. Buffers that are not given hold 0 and 1. Raises
    Problem for a parameter of another shape, and for one that is missing beside others of its layer.
    """
    weights: Weights = {}
    spoken_of = {name.rpartition(".")[0] for name in given}
    for name in given:
        if name not in wanted:
            fix = did_you_mean(name, wanted) or "remove it"
            raise Problem("unknown-parameter", f"there is no parameter '{name}'", fix)
    for name, shape in wanted.items():
        layer, _, leaf = name.rpartition(".")
        if layer not in spoken_of:
            continue
        if name in given:
            array = array_of(given[name], shape, dtype)
        elif leaf in START:
            array = np.full(shape, START[leaf], dtype)
        else:
            other = next(key for key in given if key.rpartition(".")[0] == layer)
            raise Problem("sample", f"there is '{other}' and no '{name}'", f"add {name}, or switch it off in the layer")
        weights.setdefault(layer, {})[leaf] = array
    return weights


def compare(expected: Any, found: Array) -> Difference | None:
    """The first number of a result that is not as it was written; None where all are.

    Integers and fractions are exact, for a run in float64, up to what rounding leaves of them; decimal numbers are
    held to 1e-6 of the largest number written. Raises Problem where the shapes differ.
    """
    extents = _extents(expected)
    if _trimmed(extents) != _trimmed(found.shape):
        raise Problem("sample", f"the array is {said(extents)}, and {said(found.shape)} came out", "")
    written = list(_entries(expected))
    numbers = [float(_number(entry)) for entry in written]
    close = CLOSE * (max(map(abs, numbers), default=0.0) or 1.0)
    exact = max(ROUNDING, 16 * float(np.finfo(found.dtype).eps)) if found.dtype.kind == "f" else 0.0
    for place, (entry, number, value) in enumerate(zip(written, numbers, found.reshape(-1).tolist(), strict=True)):
        room = close if isinstance(entry, float) else exact * max(1.0, abs(number))
        if not abs(value - number) <= room:  # so that NaN differs
            return Difference(tuple(map(int, np.unravel_index(place, found.shape))), entry, value)
    return None


def _number(written: int | float | str) -> int | float:
    """The nearest number of a float64."""
    if not isinstance(written, str):
        return written
    fraction = Fraction(written.replace(" ", ""))
    return fraction.numerator if fraction.denominator == 1 else float(fraction)


def _entries(array: Any) -> Iterator[Any]:
    if not isinstance(array, list):
        yield array
        return
    for entry in array:
        yield from _entries(entry)


def _extents(array: Any) -> Sizes:
    extents = []
    while isinstance(array, list):
        extents.append(len(array))
        array = array[0] if array else None
    return tuple(extents)


def _trimmed(shape: Sizes) -> Sizes:
    place = next((place for place, size in enumerate(shape) if size != 1), len(shape))
    return shape[place:]
