"""Findings as data; ``report`` renders them.

Exception
 +-- Problem       what is wrong, said by code that does not know where (an op, an expression)
 +-- SpecError     findings in a spec, each with its place: exit code 1
 +-- Unreadable    there is no spec to speak of (no file, a directory): exit code 2
 +-- Misuse        a request that cannot be met (a variable that is not there): exit code 2
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from convcalc.source import Source, Span


SEVERITIES = ("error", "warning", "info")
"""The worst first; what is only told for information fails no check."""


class Note(NamedTuple):
    """A further sentence of a diagnostic, with a place of its own if it has one."""

    message: str
    span: Span | None = None


class Diagnostic(NamedTuple):
    """One finding: a stable code, the cause in one sentence, a fix that works, and the place.

    ``severity`` is one of ``SEVERITIES``; ``variants`` are the nets of the file that it is in, none where it is in the
    file as it stands.
    """

    code: str
    message: str
    fix: str = ""
    source: Source | None = None
    span: Span | None = None
    notes: tuple[Note, ...] = ()
    severity: str = "error"
    variants: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = self.source.path + ":" if self.source else ""
        if self.span:
            place += f"{self.span.line}:{self.span.column}:"
        return f"{place} {self.message}".lstrip() + (f" ({self.fix})" if self.fix else "")


class Problem(Exception):
    """What is wrong, raised where the place is unknown; whoever knows the place adds it.

    ``key`` leads from the layer's arguments to the value to blame: ``("padding", 1)``.
    """

    def __init__(self, code: str, message: str, fix: str = "", key: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fix = fix
        self.key = key


class SpecError(Exception):
    """A spec has findings; ``diagnostics`` lists all of them in the order of the text."""

    exit_code = 1

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = in_order(diagnostics)
        super().__init__("\n".join(map(str, self.diagnostics)))


class Unreadable(Exception):
    """Nothing could be read: no such file, a directory, not text, too large."""


class Misuse(Exception):
    """What was asked cannot be done: a variable, an input or a metric that is not there."""


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The diagnostics once each: by text, the first named first, and place in it; those without a place come last."""
    unique = dict.fromkeys(diagnostics)
    texts = {source: number for number, source in enumerate(dict.fromkeys(d.source and d.source.path for d in unique))}
    return tuple(sorted(unique, key=lambda d: (texts[d.source and d.source.path], d.span or (1 << 62, 0))))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``did you mean 'stride'?`` or, when nothing is near, the known names."""
    choices = list(known)
    near = nearest(name, choices)
    if near:
        return f"did you mean '{near}'?"
    return f"one of {listing(choices)}" if choices else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that was probably meant, or an empty text."""
    import difflib

    # Comparing takes time: very long names, and more of them than anybody invents, are not compared.
    folded = {choice.lower(): choice for choice in list(known)[-500:] if len(choice) < 100}
    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6) if len(name) < 100 else []
    return folded[near[0]] if near else ""


def listing(names: Sequence[str], most: int = 12) -> str:
    """``a, b, c`` or, past ``most`` names, ``a, b, c ... (20 in all)``."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} ... ({len(names)} in all)"


def times(sizes: Iterable[object]) -> str:
    """A shape in words: ``64x112x112``."""
    return "x".join(map(str, sizes))
