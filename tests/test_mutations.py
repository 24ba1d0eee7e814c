"""Shipped specs with a slip in them: whatever the slip, a net or findings with a place and a fix come out.

The slips are drawn with a fixed seed. ``CONVCALC_MUTATIONS=5000`` tries as many for each spec.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer

from convcalc.checks.specs import check_spec
from convcalc.cli.check import check
from convcalc.cli.shape import shape
from convcalc.diagnostics import Diagnostic, Misuse, SpecError, Unreadable
from convcalc.report.findings import rendered
from convcalc.spec.shipped import files

if TYPE_CHECKING:
    from collections.abc import Callable

EACH = int(os.environ.get("CONVCALC_MUTATIONS", "40"))
SECONDS = 2.0
"""One slip takes milliseconds; the bound leaves room for a busy machine."""

SPECS = ("lenet5", "unet", "alexnet_2012", "dcgan_generator", "vgg", "googlenet", "conv", "split", "crop", "reshape")

Slip = tuple[str, "Callable[[random.Random, list[str]], None]"]


def drop_line(draw: random.Random, lines: list[str]) -> None:
    del lines[draw.randrange(len(lines))]


def repeat_line(draw: random.Random, lines: list[str]) -> None:
    place = draw.randrange(len(lines))
    lines.insert(place, lines[place])


def move_line(draw: random.Random, lines: list[str]) -> None:
    lines.insert(draw.randrange(len(lines)), lines.pop(draw.randrange(len(lines))))


def indent(draw: random.Random, lines: list[str]) -> None:
    place, width = draw.randrange(len(lines)), draw.choice((-2, -1, 1, 2, 4))
    lines[place] = " " * width + lines[place] if width > 0 else lines[place][-width:]


def drop_character(draw: random.Random, lines: list[str]) -> None:
    edit(draw, lines, r".", lambda found: "")


def add_character(draw: random.Random, lines: list[str]) -> None:
    edit(draw, lines, r".", lambda found: found + draw.choice("[]{}():,-'\"#&*!|>%@`?~^/= \t\\é\u4e2d"))


def other_number(draw: random.Random, lines: list[str]) -> None:
    edit(
        draw, lines, r"\d+", lambda found: str(draw.choice((0, 1, -1, int(found) + 1, int(found) // 2, 10**18, 10**30)))
    )


def other_type(draw: random.Random, lines: list[str]) -> None:
    others = ("yes", "1.5", "null", "true", "[]", "{}", "[1, 2, 3]", "{a: 1}", "''", "same", "1e400", "'1'", "-")
    edit(draw, lines, r"(?<=: )[\w.-]+", lambda found: draw.choice(others))


def misspell(draw: random.Random, lines: list[str]) -> None:
    def slip(word: str) -> str:
        place = draw.randrange(len(word) - 1)
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]

    edit(draw, lines, r"[A-Za-z_]{2,}", slip)


def other_word(draw: random.Random, lines: list[str]) -> None:
    words = re.findall(r"\w+", "\n".join(lines))
    edit(draw, lines, r"\w+", lambda found: draw.choice(words))


SLIPS = (
    drop_line,
    repeat_line,
    move_line,
    indent,
    drop_character,
    add_character,
    other_number,
    other_type,
    misspell,
    other_word,
)


def edit(draw: random.Random, lines: list[str], pattern: str, change: Callable[[str], str]) -> None:
    """Change one match of the pattern, none if there is none."""
    matches = [(row, match) for row, line in enumerate(lines) for match in re.finditer(pattern, line)]
    if matches:
        row, match = draw.choice(matches)
        lines[row] = lines[row][: match.start()] + change(match.group()) + lines[row][match.end() :]


def mutated(name: str, number: int, text: str) -> str:
    """The text with one slip, every third time with two."""
    draw = random.Random(f"{name} {number}")  # cases, not secrets
    lines = text.split("\n")
    for _ in range(1 + (number % 3 == 0)):
        SLIPS[number % len(SLIPS)](draw, lines)
    return "\n".join(lines)


def outcome(path: Path) -> list[Diagnostic]:
    """What the two commands make of a file; they agree about whether there is a net."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        try:
            shape([str(path)])
            found: list[Diagnostic] = []
        except SpecError as error:
            found = list(error.diagnostics)
        except (Misuse, Unreadable) as error:
            assert str(error)
            return []
        try:
            check([str(path)])
            fine = True
        except typer.Exit as left:
            fine = left.exit_code == 0
    assert printed.getvalue()
    assert not (fine and found)
    return [*found, *check_spec(str(path)).findings]


@pytest.mark.parametrize("name", SPECS)
def test_slips(name: str, tmp_path: Path) -> None:
    text = Path(files()[name]).read_text()
    path = tmp_path / f"{name}.yaml"
    wrong = 0
    for number in range(EACH):
        path.write_text(mutated(name, number, text))
        start = time.process_time()
        try:
            found = outcome(path)
        except Exception as error:
            error.add_note(f"{name}, slip {number}: {SLIPS[number % len(SLIPS)].__name__}")
            raise
        assert time.process_time() - start < SECONDS, number
        wrong += bool(found)
        for finding in found:
            hold_to_form(finding)
    assert wrong > EACH // 2  # the slips do break something


def hold_to_form(finding: Diagnostic) -> None:
    assert finding.message, finding
    assert finding.fix, finding
    assert finding.source is not None
    assert finding.span is not None, finding
    line = finding.source.line(finding.span.line)
    assert 1 <= finding.span.line <= finding.source.text.count("\n") + 1
    assert 1 <= finding.span.column <= len(line) + 1, finding
    assert len(rendered(finding)) < 10_000


def test_form_is_demanded() -> None:
    """The check itself fails where a finding lacks something."""
    path = Path(__file__).parent / "errors" / "unknown-op.yaml"
    (finding,) = check_spec(str(path)).findings
    hold_to_form(finding)
    assert finding.span is not None
    beyond = finding.span._replace(line=99)
    for broken in (finding._replace(fix=""), finding._replace(span=None), finding._replace(span=beyond)):
        with pytest.raises(AssertionError):
            hold_to_form(broken)
