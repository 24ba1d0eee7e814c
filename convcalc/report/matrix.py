"""The matrix of a convolution, as a lecture draws it."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from convcalc.diagnostics import Misuse
from convcalc.report.numbers import times

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    """A heading and the matrix: a line an output, a column an input, zeros as dots, channels set apart."""
    from convcalc.report.tensors import writer

    check_matrix(name, output, operand)
    values = matrix.tolist()
    write = writer([value for row in values for value in row], matrix.dtype.type)
    cells = [["." if value == 0 else write(value) for value in row] for row in values]
    width = max(len(cell) for row in cells for cell in row)
    wide, tall = prod(operand[1:]), prod(output[1:])
    lines = [f"{name}: {times(tuple(operand))} to {times(tuple(output))}, a matrix of {len(cells)} x {len(cells[0])}"]
    for place, row in enumerate(cells):
        if place and place % tall == 0 and len(operand) > 1:
            lines.append("")
        blocks = (row[start : start + wide] for start in range(0, len(row), wide))
        lines.append("   ".join(" ".join(cell.rjust(width) for cell in block) for block in blocks))
    return "\n".join(lines)
