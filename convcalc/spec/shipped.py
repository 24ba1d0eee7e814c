"""The specs that come with convcalc, known by name."""

from __future__ import annotations

import os

from convcalc.diagnostics import Unreadable, did_you_mean

FOLDERS = ("models", "lectures", "ops")


def folder() -> str:
    """Where the shipped specs are: inside the package, or beside it in a checkout."""
    package = os.path.dirname(os.path.dirname(__file__))
    inside = os.path.join(package, "specs")
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), "specs")


def files() -> dict[str, str]:
    """The path of every shipped spec by its stem; the first folder that has a stem wins."""
    found: dict[str, str] = {}
    for name in FOLDERS:
        path = os.path.join(folder(), name)
        for file in sorted(os.listdir(path)) if os.path.isdir(path) else ():
            if file.endswith(".yaml"):
                found.setdefault(file[:-5], os.path.join(path, file))
    return found


def is_path(argument: str) -> bool:
    """Whether an argument means a file: it has a slash, a backslash, a colon (a git revision) or a YAML ending, or
    is ``-``.
    """
    separated = any(separator in argument for separator in ("/", os.sep, ":"))
    return argument == "-" or separated or argument.endswith((".yaml", ".yml"))


def locate(argument: str) -> tuple[str, str]:
    """The path to read and the variant to take, for a path or a shipped name.

    A name is a file's stem, or a variant in the file whose stem it starts with. Raises Unreadable for a
    name that is neither.
    """
    if is_path(argument):
        return argument, ""
    known = files()
    if argument in known:
        return known[argument], ""
    stems = [stem for stem in known if argument.startswith(stem)]
    if stems:
        return known[max(stems, key=len)], argument
    raise Unreadable(no_such_name(argument, [*known, *_variants(known)]))


def _variants(known: dict[str, str]) -> list[str]:
    """The names of all variants, for somebody who has misspelt one."""
    from convcalc.spec.reader import read_spec
    from convcalc.spec.text import read

    return [name for path in known.values() for name in read_spec(read(path)).variants]


def no_such_name(argument: str, known: list[str]) -> str:
    """The message for a name that no shipped spec has."""
    hint = f"for the file here write ./{argument}" if os.path.exists(argument) else did_you_mean(argument, known)
    if os.path.isdir(argument):
        hint = "what is here is a directory"
    return f"there is no shipped spec '{argument}': {hint}"
