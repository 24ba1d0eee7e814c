"""Operands whose values must be such that they mean something: places of a map, classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convcalc.kernels._types import Array


class WrongValues(ValueError):
    """What an operand, by its position, holds is not what the op takes there: the data are at fault, not the net."""

    def __init__(self, operand: int, wanted: str, found: str) -> None:
        super().__init__(f"operand {operand} takes {wanted}, and holds {found}")
        self.operand, self.wanted, self.found = operand, wanted, found


def check_whole(operand: int, what: str, array: Array, first: int, last: int) -> None:
    """Raise WrongValues unless all values are whole numbers from ``first`` to ``last``."""
    wanted = f"{what}, whole numbers from {first} to {last}"
    if array.dtype.kind not in "iu":
        raise WrongValues(operand, wanted, f"numbers of {array.dtype}")
    outside = (array < first) | (array > last)
    if outside.any():
        place = tuple(map(int, np.unravel_index(int(outside.argmax()), array.shape)))
        raise WrongValues(operand, wanted, f"{array[place]} at {list(place)}")
