"""The mistakes found so far, so that one run reports all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.diagnostics import Diagnostic, Note, Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convcalc.source import Source, Span
    from convcalc.spec.model import Layer, Marks, Path

MOST = 100
"""After so many findings reading stops: nobody reads further, and a hostile file could go on for long."""

_NEEDED = frozenset(("vars", "input", "blocks", "layers"))
"""Sections that layers depend on."""


class Findings:
    """Collects diagnostics by path; what was spoiled by one mistake raises no second one."""

    __slots__ = ("_diagnostics", "_spoiled", "_wrong", "marks", "source")

    def __init__(self, source: Source, marks: Marks) -> None:
        self.source = source
        self.marks = marks
        self._diagnostics: list[Diagnostic] = []
        self._spoiled: set[Path] = set()
        self._wrong: list[Path] = []

    def add(
        self, path: Path, code: str, message: str, fix: str = "", *, key: bool = False, notes: tuple[Note, ...] = ()
    ) -> None:
        """A mistake in the value at ``path``, or in its key; raises SpecError past ``MOST`` of them."""
        if self._spoiled and any(path[:length] in self._spoiled for length in range(len(path) + 1)):
            return
        self._wrong.append(path)
        span = self.marks.key(path) if key else self.marks.value(path)
        if span is None and path:
            notes = (Note("at " + dotted(path)), *notes)
        self.at(span, code, message, fix, notes)

    def at(self, span: Span | None, code: str, message: str, fix: str = "", notes: tuple[Note, ...] = ()) -> None:
        """A mistake at a place of the text."""
        self._diagnostics.append(Diagnostic(code, message, fix, self.source, span, notes))
        if len(self._diagnostics) >= MOST:
            raise SpecError(self._diagnostics)

    def problem(self, path: Path, problem: Problem, *, key: bool = False) -> None:
        """What code that knows no places complained of."""
        self.add((*path, *problem.key), problem.code, problem.message, problem.fix, key=key)

    def spoil(self, path: Path) -> None:
        """From here on nothing at or below ``path`` is reported: it is not what was meant."""
        self._spoiled.add(path)
        self._wrong.append(path)

    def forget(self, span: Span) -> None:
        """Drop what was said of a place, because more is known now."""
        self._diagnostics = [known for known in self._diagnostics if not known.span or known.span[:2] != span[:2]]

    def settle(self, layers: Mapping[Path, Layer]) -> list[Diagnostic]:
        """Mark the layers that mistakes are in, so that the others can still be looked at; all that was found.

        Raises SpecError where a mistake is in what every layer depends on: inputs, blocks' arguments.
        """
        for path in self._wrong:
            if (path and path[0] not in _NEEDED) or path in self.variables():
                continue
            inside = path[:1] == ("layers",) or (path[:1] == ("blocks",) and path[2:3] == ("layers",))
            lengths = range(len(path), 0, -1) if inside else ()
            hit = next((layers[path[:length]] for length in lengths if path[:length] in layers), None)
            if hit is None:
                self.stop()
            else:
                hit.broken = True
        return self._diagnostics

    def variables(self) -> dict[Path, str]:
        """The variables whose declaration is mistaken."""
        return {path: str(path[1]) for path in self._wrong if path[:1] == ("vars",) and len(path) > 1}

    def stop(self) -> None:
        """Raise SpecError if anything was found."""
        if self._diagnostics:
            raise SpecError(self._diagnostics)


def dotted(path: Path) -> str:
    """``layers[3].conv.padding``: a path as one says it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
