"""A spec as it was at a git revision: ``main:nets/model.yaml``, read through the git program."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO


def at_revision(argument: str, read: Callable[[IO[bytes]], bytes]) -> bytes:
    """The bytes of ``revision:path``, the path from the top of the repository, or with ``./`` from here.

    Raises ValueError with git's own reason where there is no such revision or file, no repository or no git.
    """
    git = shutil.which("git")
    if git is None:
        raise ValueError("a file at a revision is read by git, which is not installed")
    if argument.startswith("-"):
        raise ValueError("no revision starts with -")
    environment = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    with subprocess.Popen(  # noqa: S603  # no shell; what is asked for cannot be taken for an option
        [git, "cat-file", "blob", argument],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
    ) as asked:  # fmt: skip
        if asked.stdout is None or asked.stderr is None:
            raise ValueError("git cannot be asked")
        data = read(asked.stdout)
        asked.stdout.close()
        said = asked.stderr.read().decode(errors="replace")
    if asked.returncode and not data:
        raise ValueError(_reason(said))
    return data


def _reason(said: str) -> str:
    """The first line of what git says went wrong."""
    line = next((line for line in said.splitlines() if line.startswith("fatal: ")), "git found no such file")
    return "a directory, not a file" if line.endswith("bad file") else line.removeprefix("fatal: ")
