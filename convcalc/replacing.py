"""Writing a file of bytes so that nobody ever finds half of it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """A file beside ``path`` that takes its place when all went well, and is removed when not; raises OSError.

    What is no ordinary file (a pipe, ``/dev/stdout``) is written to as it is, a link is followed.
    """
    target = os.path.realpath(path)
    beside = f"{target}.{os.getpid()}.tmp"
    made = False
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "wb") as file:
                yield file
            return
        with open(beside, "xb") as file:
            made = True
            yield file
        if os.path.exists(target):
            os.chmod(beside, os.stat(target).st_mode & 0o7777)
        os.replace(beside, target)
    except BaseException as error:
        if made and os.path.exists(beside):
            os.remove(beside)
        if isinstance(error, OSError):
            error.filename, error.filename2 = path, None  # the file that was asked for, in whatever is told of it
        raise
