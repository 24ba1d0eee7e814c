"""What is predicted of one layer, each quantity with the formula that it comes from."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from convcalc.dims import prod
from convcalc.explain.spelled import Quotient, named, spelling
from convcalc.explain.writing import formula, numbers
from convcalc.ops._attributes import Padding, PerAxis

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from convcalc.analysis.receptive import Field
    from convcalc.dims import Demand, Shape
    from convcalc.ops._op import Op, Taps

AXES = ("", "L", "HW", "DHW", "TDHW")
"""Letters of the spatial axes by rank."""
SIDES = ("before", "after")
WORDS = {"C": "channels", "F": "features", "L": "length", "T": "time", "D": "depth", "H": "height", "W": "width"}


class Step(NamedTuple):
    """One quantity: what it is, and its value with the way it was computed."""

    what: str
    value: int


class Explanation(NamedTuple):
    """A layer's quantities in order; ``exact`` are the quotients that leave no remainder."""

    name: str
    op: Op
    operands: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    steps: tuple[Step, ...]
    exact: frozenset[Quotient]


def explain(
    name: str,
    op: Op,
    operands: tuple[Shape, ...],
    seen: tuple[Field, ...],
    united: tuple[Field, ...] = (),
    *,
    defaults: bool = False,
) -> Explanation:
    """Shape, parameters, cost and receptive field of an op on operands of these shapes, by the op's own rules.

    ``seen`` is what a position of the first operand sees of the input, by axis; ``united`` what one of the result
    does, for ops whose field follows from no short formula. Attributes that are left at their default, as no padding,
    stand in the formulas with ``defaults`` only.
    """
    axes = AXES[len(operands[0]) - 1]
    given = {}
    for key, attribute in op.attributes.items():
        value = getattr(op, key)
        if defaults or value != attribute.default:
            given[key] = _named(key, value, axes if isinstance(attribute, (PerAxis, Padding)) else "")
    told = type(op)(**given)
    inputs = tuple(_shape(x, str(place) if len(operands) > 1 else "") for place, x in enumerate(operands, 1))
    outputs, demands = told.infer(*inputs)
    results = tuple(_shape(y, "out") for y in outputs)
    steps = [*_shapes(outputs[0], inputs), *_parameters(told.parameters(*inputs)), *_cost(told, inputs, results)]
    (taps, *more) = told.taps(*inputs)
    if not more and _composable(taps, seen):
        steps += _fields(taps, seen)
    else:
        steps += _united(united)
    return Explanation(name, op, operands, outputs, tuple(steps), frozenset(_exact(demands)))


def _named(key: str, value: Any, indices: Sequence[str]) -> Any:
    """An attribute's value under its name; entries of a list under their axis, or else their place."""
    if isinstance(value, tuple):
        fitting = indices if len(indices) == len(value) else [str(place) for place in range(1, len(value) + 1)]
        return tuple(_named(f"{key}_{index}", entry, SIDES) for index, entry in zip(fitting, value, strict=True))
    return named(key, value) if type(value) is int else value


def _shape(shape: Shape, index: str) -> tuple[int, ...]:
    """The sizes under their axes' names; a spatial 1 stays a plain one, as a rule looks for it to broadcast."""
    told = zip(letters(shape), shape, strict=True)
    return tuple(
        named(f"{letter}_{index}" if index else letter, n) if n != 1 or letter in "CF" else 1 for letter, n in told
    )


def letters(shape: Shape) -> str:
    """The letters of a shape's axes: ``CHW`` of a map, ``F`` of a vector."""
    return "C" + AXES[len(shape) - 1] if len(shape) > 1 else "F"


def _shapes(shape: Shape, inputs: tuple[Shape, ...]) -> Iterator[Step]:
    """The axes that are not simply the operand's; neighbours with the same numbers share a step."""
    if all(any(size is own for own in inputs[0]) for size in shape) and len(shape) == len(inputs[0]):
        return
    for _, axes in groupby(zip(letters(shape), shape, strict=True), key=_arithmetic):
        (first, size), *more = axes
        yield Step(", ".join(WORDS[letter] for letter, _ in ((first, size), *more)), size)


def _arithmetic(axis: tuple[str, int]) -> tuple[str, str]:
    """What two axes have in common that are computed alike from the same numbers."""
    letter, size = axis
    return formula(spelling(size)).replace(letter, ""), numbers(spelling(size))


def _parameters(shapes: dict[str, Shape]) -> Iterator[Step]:
    for name, shape in shapes.items():
        yield Step(name, prod(shape))
    if len(shapes) > 1:
        total: Any = 0
        for name, shape in shapes.items():
            total = total + named(name, int(prod(shape)))
        yield Step("parameters", total)


def _cost(op: Op, inputs: tuple[Shape, ...], results: tuple[Shape, ...]) -> Iterator[Step]:
    for kind, count in op.cost(inputs, results)._asdict().items():
        if count:
            yield Step("MACs" if kind == "macs" else kind, count)


def _exact(demands: Iterable[Demand]) -> Iterator[Quotient]:
    """The quotients whose remainder a rule demands to be 0."""
    for demand in demands:
        terms = spelling(demand.left).terms
        if demand.relation == "==" and demand.right == 0 and len(terms) == 1 and len(terms[0][0]) == 1:
            ((atom, _),) = terms[0][0]
            if isinstance(atom, Quotient) and atom.kind == "rest":
                yield atom._replace(kind="floor")


def _fields(taps: tuple[Taps, ...], seen: tuple[Field, ...]) -> Iterator[Step]:
    """Size, stride and start of the receptive field, once where all axes agree, from those of the operand.

    ``r + (reach - 1) * j``, ``j * stride`` and ``start + first * j``: Araujo et al., Distill 2019, equations 1 to 3.
    """
    axes = list(zip(AXES[len(taps)], taps, seen, strict=True))
    alike = taps.count(taps[0]) == len(taps) and seen.count(seen[0]) == len(seen)
    for letter, axis, field in axes[:1] if alike else axes:
        index, of = ("", "") if alike else (f"_{letter}", f", {WORDS[letter]}")
        first, step, count = axis.windows[0]
        r, j = named(f"r_in{index}", field.size), named(f"j_in{index}", int(field.stride))
        yield Step(f"receptive field{of}", r + step * (count - 1) * j)
        yield Step(f"its stride{of}", j * axis.advance)
        yield Step(f"its start{of}", named(f"start_in{index}", field.start) + first * j)


def _united(fields: tuple[Field, ...]) -> Iterator[Step]:
    """The size alone, where an output sees several windows or the operands see different ones."""
    alike = bool(fields) and fields.count(fields[0]) == len(fields)
    for letter, field in list(zip(AXES[len(fields)], fields, strict=True))[: 1 if alike else None]:
        yield Step("receptive field" if alike else f"receptive field, {WORDS[letter]}", field.size)


def _composable(taps: tuple[Taps, ...] | None, seen: tuple[Field, ...]) -> TypeGuard[tuple[Taps, ...]]:
    """Whether every output of the op sees the same window, moved by whole positions, as its operand does."""
    return (
        taps is not None
        and 0 < len(taps) == len(seen)
        and all(axis.period == 1 and axis.advance and axis.windows[0][2] for axis in taps)
        and all(field.period == 1 and field.exact and field.spans[0] for field in seen)
    )
