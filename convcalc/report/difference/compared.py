"""What there is to tell of two nets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from convcalc.checks.difference import Difference
    from convcalc.checks.limits import Limit


class Compared(NamedTuple):
    """The names the nets were given by, what differs, and the limits that were passed.

    ``complete`` tells also of layers that differ only by what reaches them.
    """

    old: str
    new: str
    difference: Difference
    passed: tuple[Limit, ...] = ()
    complete: bool = False
