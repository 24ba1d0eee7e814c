"""A difference for a terminal: what differs of each layer below its name, then the totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from convcalc.report.difference.entries import (
    ADDED,
    CHANGED,
    MOVED,
    REMOVED,
    RENAMED,
    entries,
    footer,
    grown,
    header,
    told,
    totals,
)
from convcalc.report.markdown import one_line
from convcalc.report.text import aligned, write_styled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.report.difference.compared import Compared
    from convcalc.report.difference.entries import Entry

STYLES = {ADDED: "green", REMOVED: "red", CHANGED: "yellow", MOVED: "cyan", RENAMED: "cyan"}

Pieces = list[tuple[str, str]]


def write(compared: Compared, file: TextIO) -> None:
    """The nets' names, each change, the table of totals and what was passed."""
    write_styled([[(one_line(text), style) for text, style in line] for line in _lines(compared)], file)


def _lines(compared: Compared) -> Iterator[Pieces]:
    difference = compared.difference
    yield [(f"{compared.old} -> {compared.new}", "bold")]
    for name, was, now in header(difference):
        yield [(f"{name}: {was} -> {now}", "")]
    yield []
    for entry in entries(compared):
        yield from _entry(entry)
    for line in footer(compared):
        yield [(line, "dim")]
    if difference.same:
        return
    yield []
    table = [["", "old", "new", "change", ""], *map(list, totals(difference))]
    titles, _, *rows = aligned(table, [False, True, True, True, True])
    yield [(titles, "bold")]
    yield from ([(row, "")] for row in rows)
    for limit in compared.passed:
        yield [(told(limit, difference), "bold red")]


def _entry(entry: Entry) -> Iterator[Pieces]:
    grew = "".join(f"  {text}" for text in grown(entry))
    yield [(f"{entry.mark} {entry.title}", STYLES.get(entry.mark, "")), (f" ({entry.kind}){grew}", "")]
    yield from ([(f"    {what}", "")] for what in entry.what)
