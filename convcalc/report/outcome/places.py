"""Where findings are, as other programs name it: files from the root of the repository."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING

from convcalc.diagnostics import listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from convcalc.diagnostics import Diagnostic


def root() -> str:
    """The nearest folder from here upwards that git keeps its data in, else the current one."""
    here = folder = os.getcwd()
    while not os.path.exists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return here
        folder = above
    return folder


def placed(path: str) -> str:
    """A path from the root of the repository, with slashes, a whole path outside of it; what is no file as it is."""
    folder, name = os.path.split(path)
    if os.path.exists(path) or (path.endswith((".yaml", ".yml")) and os.path.isdir(folder or ".")):
        whole = os.path.join(os.path.realpath(folder or "."), name)
        inside = os.path.relpath(whole, os.path.realpath(root()))
        path = (whole if inside.startswith(os.pardir) else inside).replace(os.sep, "/")
    return path if path.isprintable() else ascii(path)[1:-1]


def file_of(finding: Diagnostic) -> str:
    """The file of a finding, from the root of the repository."""
    return placed(finding.source.path) if finding.source else ""


def fingerprints(findings: Iterable[Diagnostic]) -> Iterator[tuple[Diagnostic, str]]:
    """Each finding with a name that is its own, and stays when lines are moved or another finding is mended."""
    seen: dict[tuple[str, ...], int] = {}
    for finding in findings:
        line = finding.source.line(finding.span.line).strip() if finding.source and finding.span else ""
        key = (file_of(finding), finding.code, line, *finding.variants)
        seen[key] = seen.get(key, 0) + 1
        yield finding, sha256("\0".join((*key, str(seen[key]))).encode(errors="replace")).hexdigest()


def sentences(finding: Diagnostic, *, placed_notes: bool = True) -> list[str]:
    """Cause, notes and fix, one line each; ``placed_notes`` are those that have a place of their own."""
    lines = [finding.message]
    for message, span in finding.notes:
        if span is None or placed_notes:
            lines.append(f"{message} (line {span.line})" if span else message)
    if finding.variants:
        lines.append(f"in the variant {listing(finding.variants)}")
    return [*lines, f"fix: {finding.fix}"] if finding.fix else lines
