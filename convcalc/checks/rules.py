"""Which findings are told, and how severe they are: what the command line, the configuration and comments ask for."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from convcalc.checks import lints
from convcalc.checks.codes import names as codes
from convcalc.diagnostics import Diagnostic, Problem, did_you_mean
from convcalc.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from convcalc.source import Source

CLAIMS = ("expectation", "budget", "drift", "not-locked", "observed", "not-run", "sample", "unused-ignore")
"""What is found by a check beside lints, of nets that can be analysed."""

_COMMENT = re.compile(r"# *convcalc: *(ignore(?:-file)?)\b(?: *\[([^\]\n]*)\])?", re.IGNORECASE)


@cache
def rules() -> tuple[str, ...]:
    """The codes that can be selected, ignored and made more or less severe: any other leaves no net to check."""
    return (*lints.names(), *CLAIMS)


def known_rule(code: str) -> str:
    """The code itself; raises Problem where it is none, or one that cannot be done without."""
    choices = rules()
    if code in choices:
        return code
    if code in codes():
        raise Problem("bad-ignore", f"'{code}' is always told: it leaves no net to check", "mend what it tells of")
    raise Problem("bad-ignore", f"there is no rule '{code}'", did_you_mean(code, choices))


class Rules(NamedTuple):
    """``select`` are the rules to apply, all of them where it is empty; ``severity`` is (code, severity)."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: tuple[tuple[str, str], ...] = ()

    def wants(self, code: str) -> bool:
        """Whether findings of this code are told; an error that leaves no net always is."""
        if code not in rules():
            return True
        return code not in self.ignore and (not self.select or code in self.select)

    def applied(self, findings: Iterable[Diagnostic]) -> list[Diagnostic]:
        """The findings that are wanted, as severe as was asked for."""
        severity = dict(self.severity)
        return [f._replace(severity=severity.get(f.code, f.severity)) for f in findings if self.wants(f.code)]


class Comment(NamedTuple):
    """A code in ``# convcalc: ignore[...]``, where it stands, and the line it is about, None for the whole file."""

    code: str
    span: Span
    line: int | None


def silenced(source: Source, findings: list[Diagnostic], wanted: Rules) -> tuple[list[Diagnostic], int]:
    """The findings that no comment silences, with those about the comments themselves, and how many were silenced."""
    if "convcalc:" not in source.text.lower():
        return findings, 0
    told: list[Diagnostic] = []
    comments = list(_comments(source, findings, told))
    used: set[Comment] = set()
    kept = []
    for finding in findings:
        line = finding.span.line if finding.span else None
        hit = {c for c in comments if c.code == finding.code and c.line in (None, line)}
        used |= hit
        if not hit:
            kept.append(finding)
    whole = all(finding.code in rules() for finding in findings)
    for comment in comments:
        if whole and comment not in used and wanted.wants(comment.code):
            message = f"there is no '{comment.code}' to ignore here"
            told.append(Diagnostic("unused-ignore", message, "remove it", source, comment.span, (), "warning"))
    return kept + wanted.applied(told), len(findings) - len(kept)


def _comments(source: Source, findings: list[Diagnostic], told: list[Diagnostic]) -> Iterator[Comment]:
    """Every code in every comment; what cannot be read is added to ``told``."""
    lines = source.text.split("\n")
    for number, text in enumerate(lines, 1):
        for match in _COMMENT.finditer(text):
            line = None if match[1].lower() == "ignore-file" else number
            if line and not text[: match.start()].strip():  # alone on its line: it is about the next one with a text
                line = next((n for n in range(number + 1, len(lines) + 1) if _says(lines[n - 1])), number)
            words = list(re.finditer(r"[^, ]+", match[2] or ""))
            if not words:
                here = dict.fromkeys(f.code for f in findings if f.span and line in (None, f.span.line))
                named = ", ".join(code for code in here if code in rules()) or "unused-variable"
                span = Span(number, match.start() + 1, len(match[0]))
                fix = f"write `# convcalc: {match[1].lower()}[{named}]`"
                told.append(Diagnostic("bad-ignore", "the comment names no code", fix, source, span))
            for word in words:
                span = Span(number, match.start(2) + word.start() + 1, len(word[0]))
                try:
                    yield Comment(known_rule(word[0]), span, line)
                except Problem as problem:
                    told.append(Diagnostic(problem.code, problem.message, problem.fix, source, span))


def _says(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")
