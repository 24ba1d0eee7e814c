"""Options of the commands that look at all specs of a project."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from convcalc.diagnostics import Misuse, Problem

if TYPE_CHECKING:
    from convcalc.checks.configuration import Configuration
    from convcalc.checks.outcome import Outcome

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PATH]...",
        help="Specs, folders of specs, patterns, or names of shipped specs; else the paths of the configuration.",
        show_default=False,
    ),
]
ConfigurationFile = Annotated[
    str,
    typer.Option(
        metavar="FILE",
        help="The configuration; else convcalc.toml or pyproject.toml, here or above.",
        show_default=False,
    ),
]


def configured(path: str) -> Configuration:
    """The configuration at a path, or the one found, or that of none; raises ConfigurationError and Unreadable."""
    from convcalc.checks.configuration import configuration, find, unconfigured

    path = path or find()
    return configuration(path) if path else unconfigured()


def given(paths: list[str] | None, configuration: Configuration) -> list[str]:
    """The paths of the command line, else those of the configuration; raises Misuse where there are none."""
    found = paths or configuration.default_paths()
    if not found:
        raise Misuse("say what to look at: a spec, a folder of specs, or paths in the configuration")
    return found


def codes(option: str, text: str) -> tuple[str, ...]:
    """Rules by name, with commas between; raises Misuse."""
    from convcalc.checks.rules import known_rule

    try:
        return tuple(known_rule(code.strip()) for code in text.split(",") if code.strip())
    except Problem as problem:
        raise Misuse(f"{option}: {problem.message}: {problem.fix}") from None


def tell_unread(outcome: Outcome) -> None:
    """Say on the standard error what could not be read, a line each."""
    for _, message in outcome.unread:
        print(f"convcalc: {message}", file=sys.stderr)
