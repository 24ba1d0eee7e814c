"""A command line argument to a Source: the only place where a spec meets the file system."""

from __future__ import annotations

import os
import re
import stat
import sys
from typing import IO

from convcalc.diagnostics import Unreadable
from convcalc.source import Source

MAX_BYTES = 4 << 20
"""A spec that is larger than this is no spec: it is not even read to its end."""

STDIN = "<stdin>"

# The line separators that only YAML knows would make its line numbers differ from every editor's.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def read(argument: str) -> Source:
    """The text at a path, of standard input for ``-``, or of a file as it was at a git revision: ``main:net.yaml``.

    Files and pipes are read, never more than one byte past ``MAX_BYTES``. A byte order mark is dropped
    and every line ends in ``\\n``. Raises Unreadable for whatever is not a readable UTF-8 text.
    """
    path = STDIN if argument == "-" else _shown(argument)
    try:
        data = _stdin() if argument == "-" else _at_revision(argument) if _is_revision(argument) else _file(argument)
    except OSError as error:
        raise Unreadable(f"{path}: {_reason(error)}") from None
    except ValueError as error:  # a NUL inside the path; our own refusals
        raise Unreadable(f"{path}: {error}") from None
    if len(data) > MAX_BYTES:
        raise Unreadable(f"{path}: larger than {MAX_BYTES >> 20} MiB, which no spec is")
    return Source(path, _decoded(path, data))


def _shown(path: str) -> str:
    return path if path.isprintable() else ascii(path)


def _reason(error: OSError) -> str:
    return (error.strerror or "cannot be read").lower()


def _stdin() -> bytes:
    if sys.stdin is None:
        raise ValueError("standard input is closed")
    return _at_most(sys.stdin.buffer)


def _file(path: str) -> bytes:
    mode = os.stat(path).st_mode
    # Asked before opening: opening a device can block or do something.
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise ValueError(f"{_kind(mode)}, not a file")
    with open(path, "rb", buffering=0) as file:
        return _at_most(file)


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"


def _is_revision(argument: str) -> bool:
    """Whether there is a colon, after more than a drive's letter, and no file of that name."""
    return argument.find(":") > 1 and not os.path.exists(argument)


def _at_revision(argument: str) -> bytes:
    from convcalc.revision import at_revision

    return at_revision(argument, _at_most)


def _at_most(file: IO[bytes]) -> bytes:
    parts = []
    left = MAX_BYTES + 1
    while left and (part := file.read(min(left, 1 << 16))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _decoded(path: str, data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable(f"{path}: UTF-16; save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec counts from after a byte order mark.
        offset = error.start + len(data) - len(error.object)
        line = data.count(b"\n", 0, offset) + 1
        raise Unreadable(f"{path}: not UTF-8 at byte {offset}, line {line}") from None
    if wrong := _CONTROL.search(text):
        line = text.count("\n", 0, wrong.start()) + 1
        name = "a NUL byte" if wrong.group() == "\0" else f"the control character U+{ord(wrong.group()):04X}"
        raise Unreadable(f"{path}: {name} in line {line}, so this is not a text")
    return text.replace("\r\n", "\n").replace("\r", "\n")
