"""A difference as the comment of a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from convcalc.report.difference.entries import entries, footer, grown, header, told, totals
from convcalc.report.markdown import code, escaped, write_rows, write_table

if TYPE_CHECKING:
    from convcalc.report.difference.compared import Compared
    from convcalc.report.difference.entries import Total

SHORT = 20
"""So many changes are shown open, more of them behind a line to click at."""

MOST = 200
"""A comment on GitHub has 65,536 characters: changes after these are counted only."""

WORDS = {"+": "added", "-": "removed", "~": "changed", ">": "moved", "=": "renamed", " ": "reached"}


def write(compared: Compared, file: TextIO) -> None:
    """A heading, the totals, and a row for each change."""
    difference = compared.difference
    file.write(f"### {code(compared.old)} → {code(compared.new)}\n\n")
    for limit in compared.passed:
        file.write(f"**{escaped(told(limit, difference))}**\n\n")
    if not difference.same:
        rows = [[*total[:3], _grew(total)] for total in totals(difference)]
        write_table(["", "old", "new", "change"], rows, [False, True, True, True], file)
        file.write("\n")
    for name, was, now in header(difference):
        file.write(f"- {escaped(name)}: {code(was)} → {code(now)}\n")
    found = entries(compared)
    if found:
        if header(difference):
            file.write("\n")
        many = len(found) > SHORT
        if many:
            file.write(f"<details><summary>{len(found)} changes</summary>\n\n")
        cells = []
        for entry in found[:MOST]:
            what = "<br>".join(map(code, entry.what))
            cells.append([WORDS[entry.mark], code(entry.title), code(entry.kind), what, "<br>".join(grown(entry))])
        write_rows(["", "layer", "op", "what", "grows by"], cells, [False] * 5, file)
        if len(found) > MOST:
            file.write(f"\nand {len(found) - MOST} more\n")
        file.write("\n</details>\n\n" if many else "\n")
    file.writelines(f"{escaped(line)}\n" for line in footer(compared))


def _grew(total: Total) -> str:
    return f"{total.change} ({total.percent})" if total.percent else total.change
