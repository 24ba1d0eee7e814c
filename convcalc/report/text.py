"""Tables for a terminal: plain text in a pipe, rich where somebody looks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

from convcalc.report.columns import COLUMNS
from convcalc.report.summary import heading, totals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from convcalc.analysis import Analysis
    from convcalc.report.lines import Line

NARROW = 80
GAP = "  "
SHORTEST = 11
"""Characters that are left of a name."""


def wants_color(file: TextIO) -> bool:
    """Whether a terminal looks on that has not said NO_COLOR (no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return file.isatty()


def width(file: TextIO) -> int:
    """Columns to fill: COLUMNS, else the terminal's, else 80."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(file.fileno()).columns or NARROW
    except (OSError, ValueError):
        return NARROW


def write_styled(lines: Sequence[Sequence[tuple[str, str]]], file: TextIO) -> None:
    """Write lines of (text, style) pieces, in colour where it is wanted."""
    if not wants_color(file):
        file.writelines("".join(text for text, _ in line) + "\n" for line in lines)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=file, soft_wrap=True, highlight=False)
    for line in lines:
        console.print(Text.assemble(*line))


def write_analysis(
    analysis: Analysis, lines: list[Line], columns: Sequence[str], footer: Sequence[str], file: TextIO
) -> None:
    """The table of a net: heading, rows, totals, footer."""
    if wants_color(file):
        _write_rich(analysis, lines, columns, footer, file)
        return
    room = width(file)
    table = fitted(analysis, lines, columns, room)
    file.write(heading(analysis) + "\n\n")
    for line in aligned(table, [COLUMNS[name].right for name in columns]):
        file.write(line + "\n")
    file.write("\n")
    found = totals(analysis, columns)
    names = max(len(total.name) for total in found)
    values = max(len(total.value) for total in found)
    for total in found:
        remark = _elided(total.remark, max(room - names - values - 2 * len(GAP), SHORTEST))
        file.write(f"{total.name:<{names}}{GAP}{total.value:>{values}}{GAP}{remark}\n")
    for note in footer:
        file.write(f"{note}\n")


def fitted(analysis: Analysis, lines: list[Line], columns: Sequence[str], room: int) -> list[list[str]]:
    """Header and cells; where they are too wide, words lose their middle, and then numbers get short."""
    for brief in (False, True):
        table = [[COLUMNS[name].header for name in columns]]
        for line in lines:
            table.append([_cell(name, brief)(line, analysis.totals) for name in columns])
        widths = _widths(table)
        excess = sum(widths) + len(GAP) * (len(columns) - 1) - room
        words = [place for place, name in enumerate(columns) if name in ("op", "name")]
        if excess <= sum(max(widths[place] - SHORTEST, 0) for place in words) or brief:
            for place in reversed(words):
                kept = max(widths[place] - max(excess, 0), min(SHORTEST, widths[place]))
                excess -= widths[place] - kept
                for row in table:
                    row[place] = _elided(row[place], kept, middle=columns[place] == "name")
            break
    return table


def _cell(name: str, brief: bool) -> Callable[..., str]:
    return COLUMNS[name].brief if brief else COLUMNS[name].text


def _widths(table: list[list[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*table, strict=True)]


def _elided(text: str, most: int, *, middle: bool = True) -> str:
    """The text without its middle, or without its end."""
    if len(text) <= most:
        return text
    tail = (most - 2) // 2 if middle else 0
    return f"{text[: most - 2 - tail]}..{text[len(text) - tail :]}"


def aligned(table: list[list[str]], right: Sequence[bool]) -> list[str]:
    """Cells in columns, with a rule below the header."""
    widths = _widths(table)
    lines = [
        GAP.join(
            cell.rjust(wide) if far else cell.ljust(wide) for cell, wide, far in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in table
    ]
    return [lines[0], GAP.join("-" * wide for wide in widths), *lines[1:]]


def write_grid(table: list[list[str]], right: Sequence[bool], file: TextIO) -> None:
    """A header and rows as they are."""
    head, rule, *body = aligned(table, right)
    write_styled([[(head, "bold")], [(rule, "dim")], *([(line, "")] for line in body)], file)


def write_fitted(table: list[list[str]], right: Sequence[bool], file: TextIO) -> None:
    """The same, the words of the first column as short as the terminal is narrow."""
    widths = _widths(table)
    room = max(width(file) - sum(widths[1:]) - len(GAP) * (len(widths) - 1), SHORTEST)
    write_grid([[_elided(row[0], room), *row[1:]] for row in table], right, file)


def _write_rich(
    analysis: Analysis, lines: list[Line], columns: Sequence[str], footer: Sequence[str], file: TextIO
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    room = width(file)
    console = Console(file=file, width=room, highlight=False)
    console.print(Text(heading(analysis), "bold"))
    head, *body = fitted(analysis, lines, columns, room - 2)
    roomy = sum(_widths([head, *body])) + 3 * len(columns) + BAR <= room and "macs" in columns
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for name, title in zip(columns, head, strict=True):
        table.add_column(
            title, justify="right" if COLUMNS[name].right else "left", style=STYLES.get(name, ""), no_wrap=True
        )
    if roomy:
        table.add_column("", no_wrap=True, style="cyan")
    most = max((line.cost.macs for line in lines), default=0)
    for line, row in zip(lines, body, strict=True):
        bar = [_bar(line.cost.macs, most)] if roomy else []
        table.add_row(*[Text(cell) for cell in [*row, *bar]])
    console.print(table)
    summary = Table.grid(padding=(0, 2, 0, 0))
    summary.add_column(style="bold")
    summary.add_column(justify="right", style="green")
    summary.add_column(style="dim")
    found = totals(analysis, columns)
    left = room - max(len(total.name) for total in found) - max(len(total.value) for total in found) - 2 * len(GAP)
    for total in found:
        summary.add_row(total.name, total.value, _elided(total.remark, max(left, SHORTEST)))
    console.print(summary)
    for note in footer:
        console.print(Text(note, "dim"))


STYLES = {"name": "cyan", "op": "magenta", "field": "yellow", "params": "green"}
BAR = 12
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def _bar(part: int, most: int) -> str:
    eighths = 8 * BAR * part // most if most else 0
    full, rest = divmod(eighths, 8)
    return "█" * full + _EIGHTHS[rest].strip()
