"""Markdown, for pull requests and documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TextIO

from convcalc.report.columns import COLUMNS
from convcalc.report.summary import heading, totals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.analysis import Analysis
    from convcalc.report.lines import Line


def write_markdown(analysis: Analysis, lines: Sequence[Line], columns: Sequence[str], file: TextIO) -> None:
    """A heading, the table of layers and the table of totals."""
    file.write(f"### {escaped(heading(analysis))}\n\n")
    rows = [[COLUMNS[name].text(line, analysis.totals) for name in columns] for line in lines]
    write_table([COLUMNS[name].header for name in columns], rows, [COLUMNS[name].right for name in columns], file)
    file.write("\n")
    write_table(
        ["total", "value", ""],
        [list(total) for total in totals(analysis, columns)],
        [False, True, False],
        file,
    )


def write_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], file: TextIO) -> None:
    """A table in GitHub's Markdown."""
    write_rows(header, [[*map(escaped, row)] for row in rows], right, file)


def write_rows(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool], file: TextIO) -> None:
    """A table whose cells are Markdown already."""
    file.write(f"| {' | '.join(header)} |\n")
    file.write(f"| {' | '.join('---:' if far else '---' for far in right)} |\n")
    file.writelines(f"| {' | '.join(row)} |\n" for row in rows)


def escaped(text: str) -> str:
    """The text on one line, with what Markdown would read as markup escaped."""
    return "".join(f"\\{c}" if c in "\\`*[]<|" else c for c in one_line(text))


def code(text: str) -> str:
    """The text as it is, in a code span that may stand in a table: nobody is mentioned, nothing is linked."""
    plain = one_line(text).replace("|", "\\|")
    fence = "`" * (max(map(len, re.findall("`+", plain)), default=0) + 1)
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{pad}{plain}{pad}{fence}" if plain else ""


def one_line(text: str) -> str:
    """The text without line breaks and other characters that are none to see."""
    return "".join(c if c.isprintable() else " " for c in text)
