"""Weights from .npz and .safetensors files, matched to what a net needs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from convcalc.diagnostics import Diagnostic, Misuse, Problem, SpecError, Unreadable, did_you_mean, listing, nearest
from convcalc.source import Source
from convcalc.tensors.finite import converted, first_not_finite
from convcalc.tensors.matching import ADVICE, Match, by_order, split
from convcalc.tensors.npz import npz
from convcalc.tensors.safe import safetensors
from convcalc.tensors.stored import Contents, Stored, kind_of, refusal, said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convcalc.kernels._types import Array, Sizes
    from convcalc.witness import Weights

WAYS = ("name", "order")
MOST = 10
"""So many findings of one kind are told one by one."""


class Loaded(NamedTuple):
    """Weights for a run, and what was read from where, in the order in which they were wanted."""

    weights: Weights
    matches: tuple[Match, ...]


def read_weights(
    path: str,
    wanted: Mapping[str, Sizes],
    *,
    by: str = "name",
    mapping: str = "",
    dtype: str = "float32",
    allow_unused: bool = False,
) -> Loaded:
    """The weights that a net wants, out of an .npz or .safetensors file.

    ``wanted`` has the shape of every parameter and buffer by name (``conv_1.weight``) in the order of the layers. They
    are found by their names, by the names in the file ``mapping``, or by ``order``. Nothing is read before all of it
    is matched.
    Raises Unreadable for a file that cannot be used, Misuse for a request that makes no sense, SpecError with every
    way in which file and net differ, and for numbers that are not finite.
    """
    if by not in WAYS:
        raise Misuse(f"weights are matched by {' or by '.join(WAYS)}, not by '{by}'")
    if by == "order" and mapping:
        raise Misuse("weights are matched by order or by a map, not by both")
    with contents(path) as (arrays, ordered):
        theirs = {name: stored for name, stored in arrays.items() if not _is_counter(name, stored)}
        if wanted and not theirs:
            raise Unreadable(f"{path}: there is no array in it, the net needs {listing(list(wanted), 3)}")
        pairs = _pairs(path, wanted, theirs, by, mapping, ordered)
        findings = _differences(path, wanted, theirs, pairs)
        if not allow_unused:
            findings += _unused(path, wanted, theirs, pairs, mapping)
        if findings:
            raise SpecError(findings)
        weights: Weights = {}
        for ours, there in pairs.items():
            array = theirs[there].read()
            layer, leaf = split(ours)
            own = weights.setdefault(layer, {})[leaf] = converted(array, dtype)
            if wrong := first_not_finite(array) or first_not_finite(own):
                findings.append(_not_finite(path, there, array, wrong[0], dtype))
    if findings:
        raise SpecError(_few(path, findings))
    return Loaded(weights, tuple(Match(ours, there, tuple(wanted[ours])) for ours, there in pairs.items()))


def read_arrays(path: str) -> dict[str, Array]:
    """Every array of an .npz or .safetensors file; raises Unreadable."""
    with contents(path) as (arrays, _):
        for name, stored in arrays.items():
            if stored.problem:
                raise Unreadable(f"{path}: '{name}' holds {stored.problem}")
        return {name: stored.read() for name, stored in arrays.items()}


@contextmanager
def contents(path: str) -> Iterator[Contents]:
    """What a file of weights holds; raises Unreadable."""
    kind = kind_of(path)
    if kind == "npz":
        with npz(path) as held:
            yield held
    elif kind == "safetensors":
        with safetensors(path) as held:
            yield held
    else:
        raise refusal(path, kind, "an .npz or .safetensors file")


def _is_counter(name: str, stored: Stored) -> bool:
    """What PyTorch keeps beside the parameters and no layer uses: the batches that a norm has seen."""
    return split(name)[1] == "num_batches_tracked" or (stored.shape == () and "int" in stored.dtype)


def _pairs(
    path: str, wanted: Mapping[str, Sizes], theirs: dict[str, Stored], by: str, mapping: str, ordered: bool
) -> dict[str, str]:
    """The file's name for each of ours that has one."""
    if by == "order":
        try:
            return by_order(wanted, {name: stored.shape for name, stored in theirs.items()}, ordered=ordered)
        except Problem as problem:
            raise SpecError([_finding(path, problem.code, problem.message, problem.fix)]) from None
    mapped: dict[str, str] = {}
    if mapping:
        from convcalc.tensors.weights_map import read_map

        mapped = read_map(mapping, wanted, theirs)
    pairs = {ours: mapped.get(ours, ours) for ours in wanted}
    pairs = {ours: there for ours, there in pairs.items() if there in theirs}
    if not pairs and wanted:
        message = f"no array is named like a parameter of the net: they are {listing(list(theirs), 3)}"
        fix = f"ours are {listing(list(wanted), 3)}: match --weights-by order, or {ADVICE}"
        raise SpecError([_finding(path, "weights-names", message, fix)])
    return pairs


def _differences(
    path: str, wanted: Mapping[str, Sizes], theirs: dict[str, Stored], pairs: dict[str, str]
) -> list[Diagnostic]:
    """What is missing, of another shape, or not made of numbers."""
    missing, shapes, kinds = [], [], []
    free = [name for name in theirs if name not in pairs.values()]
    for ours, shape in wanted.items():
        if ours not in pairs:
            near = nearest(ours, free)
            fix = f"did you mean '{near}'? Then rename it, or {ADVICE}" if near else "add it to the file"
            missing.append(_finding(path, "missing-weight", f"there is no '{ours}'", fix))
            continue
        stored = theirs[pairs[ours]]
        told = f"'{pairs[ours]}'" + (f", for {ours}," if ours != pairs[ours] else "")
        if stored.problem or stored.dtype == "bool":
            problem = stored.problem or "true and false, which are no weights"
            kinds.append(_finding(path, "weight-dtype", f"{told} holds {problem}", "save it as float32"))
        elif stored.shape != tuple(shape):
            message = f"{told} is {said(stored.shape)}, the net needs {said(shape)}"
            fix = "change the net or the file"
            if sorted(stored.shape) == sorted(shape):
                fix = "transpose it: PyTorch's order of axes is meant, outputs, inputs, then space"
            shapes.append(_finding(path, "weight-shape", message, fix))
    return [*_few(path, missing), *_few(path, shapes), *_few(path, kinds)]


def _unused(
    path: str, wanted: Mapping[str, Sizes], theirs: dict[str, Stored], pairs: dict[str, str], mapping: str
) -> list[Diagnostic]:
    used = set(pairs.values())
    missing = [name for name in wanted if name not in pairs]
    findings = []
    for name in theirs:
        if name not in used:
            fix = did_you_mean(name, missing) if missing and not mapping else "leave it out of the file"
            findings.append(_finding(path, "unused-weight", f"'{name}' is of no layer of the net", fix))
    return _few(path, findings)


def _not_finite(path: str, name: str, array: Array, index: tuple[int, ...], dtype: str) -> Diagnostic:
    value = float(array[index])
    if value - value == 0:
        message = f"'{name}' is {value:g} at {list(index)}, which does not fit in {dtype}"
        return _finding(path, "not-finite", message, "scale the weights, or run in float64")
    return _finding(path, "not-finite", f"'{name}' is {value:g} at {list(index)}", "no net works with such weights")


def _finding(path: str, code: str, message: str, fix: str) -> Diagnostic:
    return Diagnostic(code, message, fix, Source(path, ""))


def _few(path: str, findings: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The first ones, and how many more there are."""
    shown = list(findings[:MOST])
    if len(findings) > MOST:
        more = len(findings) - MOST
        shown.append(_finding(path, findings[0].code, f"and {more:,} more like these", ""))
    return shown
