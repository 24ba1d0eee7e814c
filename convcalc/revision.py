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
    with _git("cat-file", "blob", argument) as asked:
        if asked.stdout is None or asked.stderr is None:
            raise ValueError("git cannot be asked")
        data = read(asked.stdout)
        asked.stdout.close()
        said = asked.stderr.read().decode(errors="replace")
    if asked.returncode and not data:
        revision, _, path = argument.partition(":")
        here = f"{revision}:./{path}"
        raise ValueError(_reason(said) + (f"; from this folder it is {here}" if _known(here) else ""))
    return data


def names_revision(text: str) -> bool:
    """Whether git knows a revision by this name; False too where there is no git, or no repository."""
    return _known(f"{text}^{{commit}}")


def _known(name: str) -> bool:
    try:
        with _git("rev-parse", "--quiet", "--verify", name) as asked:
            asked.communicate()
    except (OSError, ValueError):
        return False
    return asked.returncode == 0


def _git(*command: str) -> subprocess.Popen[bytes]:
    git = shutil.which("git")
    if git is None:
        raise ValueError("a file at a revision is read by git, which is not installed")
    if command[-1].startswith("-"):
        raise ValueError("no revision starts with -")
    environment = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    return subprocess.Popen(  # noqa: S603  # no shell; what is asked for cannot be taken for an option
        [git, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )


def _reason(said: str) -> str:
    """The first line of what git says went wrong."""
    line = next((line for line in said.splitlines() if line.startswith("fatal: ")), "git found no such file")
    return "a directory, not a file" if line.endswith("bad file") else line.removeprefix("fatal: ")
