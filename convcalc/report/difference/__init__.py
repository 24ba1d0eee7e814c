"""What differs between two nets as text, one module a format."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from convcalc.checks.difference import Difference
    from convcalc.checks.limits import Limit

FORMATS = ("text", "markdown", "json")


class Compared(NamedTuple):
    """What there is to tell: the names the nets were given by, what differs, and the limits that were passed.

    ``complete`` tells also of layers that differ only by what reaches them.
    """

    old: str
    new: str
    difference: Difference
    passed: tuple[Limit, ...] = ()
    complete: bool = False


def write_difference(name: str, compared: Compared, file: TextIO) -> None:
    """Write a difference in the format of that name."""
    if name == "json":
        from convcalc.report.difference.json import write_json

        write_json(compared, file)
    elif name == "markdown":
        from convcalc.report.difference.markdown import write_markdown

        write_markdown(compared, file)
    else:
        from convcalc.report.difference.text import write_text

        write_text(compared, file)
