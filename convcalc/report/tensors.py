"""Small arrays as they stand in a book: a matrix for each channel, columns aligned, halves written as halves."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import times

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from convcalc.kernels._types import Array
    from convcalc.tensors import Match

WHOLE = 64
"""Arrays of so many values are shown whole."""

EDGE = 3
"""Of larger ones the first and the last rows and columns are."""

AXES = ("sample", "channel", "depth", "frame")

DENOMINATORS = tuple(d for d in range(2, 17) if d % 5)
"""Fifths and tenths are short as decimals."""

LARGEST = 10**6

GAP: tuple[str, list[list[Any]]] = ("...", [])
"""Stands for the matrices that are left out."""


def tensor_text(array: Array, axes: Sequence[str] = AXES, *, most: int = WHOLE) -> str:
    """An array ``[N, C, *S]`` as text: the last two axes as a matrix, the others as headings.

    ``axes`` names the leading axes; one of size 1 is not mentioned. Positions count from 0. Whole numbers have no
    point, fractions with a small denominator are written as such where all numbers are, everything else is rounded.
    More than ``most`` values are shown by their edges alone.
    """
    shape = tuple(array.shape)
    if not prod(shape):
        return f"(no values: {times(shape)})"
    elide = prod(shape) > most
    leading = shape[:-2]
    matrices: list[tuple[str, list[list[Any]]]] = []
    for place in product(*(_shown(size, elide) for size in leading)):
        whole = [at for at in place if at is not None]
        if len(whole) == len(place):
            matrices.append((_heading(whole, leading, axes), _matrix(array[tuple(whole)], elide)))
        elif matrices[-1] != GAP:
            matrices.append(GAP)
    cells = [cell for _, rows in matrices for row in rows for cell in row if cell is not None]
    write = writer(cells, array.dtype.type)
    width = max(len(write(cell)) for cell in cells)
    if any(None in row for _, rows in matrices for row in rows):
        width = max(width, 3)
    blocks = []
    for heading, rows in matrices:
        lines = [heading] if heading else []
        lines += ["  ".join(("..." if cell is None else write(cell)).rjust(width) for cell in row) for row in rows]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def match_text(matches: Sequence[Match]) -> str:
    """Which array of a file each parameter was read from: ours, theirs, shape."""
    rows = [(match.ours, match.theirs, times(match.shape) or "1") for match in matches]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    return "\n".join(f"{ours:<{widths[0]}}  {theirs:<{widths[1]}}  {shape}" for ours, theirs, shape in rows)


def _shown(size: int, elide: bool) -> list[int | None]:
    """The positions of an axis that are shown, with None for those between."""
    if not elide or size <= 2 * EDGE:
        return list(range(size))
    return [*range(EDGE), None, *range(size - EDGE, size)]


def _matrix(array: Array, elide: bool) -> list[list[Any]]:
    """Rows of Python numbers; None where something is left out."""
    while array.ndim < 2:
        array = array[None]
    height, width = array.shape
    columns = _shown(width, elide)
    rows = _shown(height, elide)
    return [[None if None in (row, column) else array[row, column].item() for column in columns] for row in rows]


def _heading(index: Sequence[int], leading: Sequence[int], axes: Sequence[str]) -> str:
    names = [axes[place] if place < len(axes) else f"axis {place}" for place in range(len(leading))]
    said = [f"{name} {at}" for name, at, size in zip(names, index, leading, strict=True) if size > 1]
    return ", ".join(said) + ":" if said else ""


def writer(values: list[Any], dtype: Callable[[float], Any]) -> Callable[[Any], str]:
    """How all the numbers of an array are written; ``dtype`` rounds a number to what the array can hold."""
    if all(isinstance(value, (bool, int)) for value in values):
        return lambda value: str(int(value))
    finite = [value for value in values if value - value == 0]
    if all(value == int(value) and abs(value) < LARGEST for value in finite):
        return lambda value: str(int(value)) if value - value == 0 else str(value)
    if all(_fraction(value, dtype) is not None for value in finite):
        return lambda value: str(_fraction(value, dtype)) if value - value == 0 else str(value)
    if not 1e-3 <= max(map(abs, finite)) < LARGEST:
        return lambda value: f"{value:.3e}"
    says = (places for places in range(1, 4) if all(dtype(float(f"{v:.{places}f}")) == v for v in finite))
    most = next(says, 4)
    return lambda value: f"{value:.{most}f}"


def _fraction(value: float, dtype: Callable[[float], Any]) -> Fraction | None:
    """The fraction with a small denominator that this float stands for."""
    if abs(value) >= LARGEST:
        return None
    for denominator in (1, *DENOMINATORS):
        fraction = Fraction(round(value * denominator), denominator)
        if dtype(float(fraction)) == value:
            return fraction
    return None
