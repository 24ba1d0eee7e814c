"""Diagnostics as text: place, cause, excerpt with the key underlined, fix."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from convcalc.diagnostics import Note, in_order, listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from convcalc.diagnostics import Diagnostic
    from convcalc.source import Source, Span

WIDTH = 100
"""Columns of an excerpt; a longer line is shown around the place."""

LONGEST = 400
"""Characters of a sentence; names and lists in it may be of any length."""

STYLES = {"error": "red", "warning": "yellow", "info": "blue"}

Piece = tuple[str, str]
"""A text and its style, in rich's words."""


def print_findings(diagnostics: Iterable[Diagnostic], file: TextIO) -> None:
    """Write every finding, by place; in colour where the file is a terminal that wants it."""
    found = in_order(diagnostics)
    lines = [line for number, finding in enumerate(found) for line in _lines(finding, number > 0)]
    count = f"{len(found)} finding{'s' if len(found) != 1 else ''}"
    lines.append([("\n" + count, "bold")])
    from convcalc.report.text import write_styled

    write_styled(lines, file)


def rendered(diagnostic: Diagnostic) -> str:
    """One finding as plain text."""
    return "\n".join("".join(text for text, _ in line) for line in _lines(diagnostic, False))


def _lines(finding: Diagnostic, gap: bool) -> Iterator[list[Piece]]:
    source, span = finding.source, finding.span
    place = f"{source.path}:" if source else ""
    place += f"{span.line}:{span.column}:" if span else ""
    if gap:
        yield []
    head = [(place + " ", "bold")] if place else []
    style = STYLES[finding.severity]
    if finding.severity != "error":
        head.append((f"{finding.severity}: ", style))
    yield [*head, (finding.code, style), (": ", ""), (_short(finding.message), "bold")]
    if source and span:
        yield from _excerpt(source, span, style)
    notes = (*finding.notes, *_where(finding.variants))
    for note in notes:
        yield [("  note: ", "cyan"), (_short(note.message), "")]
        if source and note.span:
            yield from _excerpt(source, note.span, "cyan")
    if finding.fix:
        yield [("  fix: ", "green"), (_short(finding.fix), "")]


def _where(variants: tuple[str, ...]) -> Iterator[Note]:
    if variants:
        yield Note(f"in the variant {listing(variants)}")


def _short(text: str) -> str:
    """A sentence without its middle where that is longer than anybody reads."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"


def _excerpt(source: Source, span: Span, style: str) -> Iterator[list[Piece]]:
    line = source.line(span.line)
    start = span.column - 1
    if len(line) > WIDTH:
        first = max(0, min(start - 20, len(line) - WIDTH))
        shown = line[first : first + WIDTH]
        line = ("..." if first else "") + shown + ("..." if first + WIDTH < len(line) else "")
        start += (3 if first else 0) - first
    line = line.replace("\t", " ")
    gutter = str(span.line)
    marked = line[start : start + span.width]
    underline = " " * _cells(line[:start]) + "^" * max(1, _cells(marked))
    yield [(f"  {gutter} | ", "dim"), (line, "")]
    yield [(f"  {' ' * len(gutter)} | ", "dim"), (underline, style)]


def _cells(text: str) -> int:
    """Columns that a text takes in a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
