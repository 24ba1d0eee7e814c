"""The matrix of a convolution, as a lecture draws it."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

from convcalc.diagnostics import Misuse, times

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convcalc.kernels._types import Array

MOST = 64
"""Rows, and columns, that are shown."""


def check_matrix(name: str, output: Sequence[int], operand: Sequence[int]) -> None:
    """Raise Misuse where the matrix from ``operand`` to ``output`` (without batch) is too large to be read."""
    rows, columns = prod(output), prod(operand)
    if max(rows, columns) > MOST:
        raise Misuse(
            f"the matrix of {name} has {rows:,} rows and {columns:,} columns, and at most {MOST} of each are shown: "
            "make its input smaller (--input) or its channels fewer (--set)"
        )


def matrix_text(name: str, matrix: Array, output: Sequence[int], operand: Sequence[int]) -> str:
    """A heading and the matrix: a line an output, a column an input, zeros as dots, rows and channels set apart.

    Between two equal values of a diagonal that is constant in its block stands ``\\``.
    """
    from convcalc.report.tensors import writer

    check_matrix(name, output, operand)
    values = matrix.tolist()
    write = writer([value for row in values for value in row], matrix.dtype.type)
    cells = [["." if value == 0 else write(value) for value in row] for row in values]
    width = max(len(cell) for row in cells for cell in row)
    gaps = [" " * (1 + 2 * turned) for turned in _turned(operand)]
    kind = toeplitz(matrix, output, operand)
    lines = [
        f"{name}: {times(tuple(operand))} to {times(tuple(output))}, a matrix of {len(cells)} x {len(cells[0])}"
        + f", {kind}" * bool(kind)
    ]
    marks = _marks(matrix, output[-1], operand[-1])
    for row, turned, marked in zip(cells, (*_turned(output), 0), (*marks, []), strict=True):
        lines.append("".join(cell.rjust(width) + gap for cell, gap in zip(row, (*gaps, ""), strict=True)))
        drawn = "".join(
            " " * width + ("\\" if mark else " ") + gap[1:] for mark, gap in zip(marked, gaps, strict=False)
        ).rstrip()
        lines += [drawn] * bool(drawn) + [""] * turned
    return "\n".join(lines)


def toeplitz(matrix: Array, output: Sequence[int], operand: Sequence[int]) -> str:
    """What a matrix from ``[C, *S]`` to ``[O, *P]`` is called if diagonals are constant on each axis; ``""`` if not.

    Source: Gray 2006, "Toeplitz and Circulant Matrices", section 1.
    """
    full, rank = matrix.reshape(*output, *operand), len(operand) - 1
    for axis in range(-rank, 0):
        down, right = axis - len(operand), axis
        first, last = slice(None, -1), slice(1, None)
        if not (_cut(full, {down: first, right: first}) == _cut(full, {down: last, right: last})).all():
            return ""
    return ("", "Toeplitz", "doubly blocked Toeplitz")[rank] if rank < 3 else "Toeplitz on each axis"


def _cut(array: Array, parts: dict[int, slice]) -> Array:
    return array[tuple(parts.get(axis, slice(None)) for axis in range(-array.ndim, 0))]


def _turned(shape: Sequence[int]) -> list[int]:
    """After each place of ``shape`` but the last, how many axes beside the last one go on."""
    ends = [prod(shape[axis:]) for axis in range(1, len(shape))]
    return [sum(place % end == 0 for end in ends) for place in range(1, prod(shape))]


def _marks(matrix: Array, tall: int, wide: int) -> Iterator[list[bool]]:
    """Below each row but the last, and behind each column but the last, whether a constant diagonal goes on there."""
    for upper, _ in pairwise(range(len(matrix))):
        if (upper + 1) % tall == 0:
            yield []
            continue
        first = upper // tall * tall
        marked = []
        for left in range(matrix.shape[1] - 1):
            block = matrix[first : first + tall, left // wide * wide :][:, :wide]
            line = block.diagonal(left % wide - upper % tall)
            marked.append((left + 1) % wide != 0 and bool(line[0] != 0 and (line == line[0]).all()))
        yield marked
