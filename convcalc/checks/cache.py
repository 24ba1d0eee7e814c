"""What was found in specs before: an answer is used again only where all that it depends on is the same.

The key of an answer is the SHA-256 of the text and its path, of what is wanted, of every file of convcalc, and of the
versions of Python and of the YAML parser. A file that is not just as it was written is no cache, and is written anew.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from convcalc.checks.outcome import Checked
from convcalc.diagnostics import Diagnostic, Note
from convcalc.replacing import replacing
from convcalc.source import Span

if TYPE_CHECKING:
    from convcalc.checks.specs import Task
    from convcalc.source import Source

MOST = 4096
"""Answers that are kept, the latest ones."""


def folder() -> str:
    """Where caches of this user are: ``$XDG_CACHE_HOME/convcalc``, by default below ``~/.cache``."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(home, "convcalc")


class Cache:
    """Answers by key, in one file; whatever fails in reading or writing it costs time and nothing else."""

    def __init__(self, path: str = "") -> None:
        self.path = path or os.path.join(folder(), "checked.json")
        self._versions = _versions()
        self._answers: dict[str, Any] = _read(self.path)
        self._used: dict[str, Any] = {}

    def get(self, task: Task) -> Checked | None:
        """What was found before, or None."""
        key = self._key(task)
        answer = self._answers.get(key)
        if answer is None:
            return None
        self._used[key] = answer
        return _checked(answer, task.source)

    def put(self, task: Task, checked: Checked) -> None:
        """Keep what was found; not of a run, which depends on the machine too."""
        if not task.wants.run:
            self._used[self._key(task)] = _plain(checked)

    def save(self) -> None:
        """Write the answers where there are new ones, all at once."""
        if self._used.keys() <= self._answers.keys():
            return
        older = {key: answer for key, answer in self._answers.items() if key not in self._used}
        kept = dict([*older.items(), *self._used.items()][-MOST:])
        body = json.dumps(kept, separators=(",", ":")).encode()
        with suppress(OSError):
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            with replacing(self.path) as file:
                file.write(_digest(body) + b"\n" + body)

    def _key(self, task: Task) -> str:
        parts = (self._versions, task.source.path, task.source.text, task.named, repr(task.wants))
        return _digest(json.dumps(parts).encode()).decode()


def _versions() -> str:
    """A digest of whatever reads and checks specs."""
    import convcalc
    from convcalc.spec.document import PARSER

    total = sha256(f"{sys.version} {PARSER}".encode())
    for path, folders, files in os.walk(os.path.dirname(convcalc.__file__)):
        folders[:] = sorted(name for name in folders if name not in ("__pycache__", "specs"))
        for name in sorted(files):
            with open(os.path.join(path, name), "rb") as file:
                total.update(f"{path}/{name}\0".encode() + file.read() + b"\0")
    return total.hexdigest()


def _digest(data: bytes) -> bytes:
    return sha256(data).hexdigest().encode()


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            digest, _, body = file.read().partition(b"\n")
        return dict(json.loads(body)) if _digest(body) == digest else {}
    except (OSError, ValueError):
        return {}


def _plain(checked: Checked) -> Any:
    """A result without its text, which is in the file that was read."""
    found = [[*finding._replace(source=None)] for finding in checked.findings]
    return [checked.path, found, checked.nets, checked.ignored]


def _checked(answer: Any, source: Source) -> Checked:
    path, found, nets, ignored = answer
    return Checked(path, tuple(_finding(fields, source) for fields in found), nets, ignored)


def _finding(fields: Any, source: Source) -> Diagnostic:
    code, message, fix, _, span, notes, severity, variants = fields
    told = tuple(Note(said, Span(*at) if at else None) for said, at in notes)
    return Diagnostic(code, message, fix, source, Span(*span) if span else None, told, severity, tuple(variants))
