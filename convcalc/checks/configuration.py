"""``[tool.convcalc]`` of pyproject.toml, or convcalc.toml: what a project wants of a check.

paths = ["specs"]                       exclude = ["specs/old/*"]
select = [], ignore = []                severity = {no-effect = "info"}
budget = {params = "<= 30M"}            run = false
lock = "convcalc.lock"
[tool.convcalc.targets.phone]           a budget for some of the specs
specs = ["specs/mobile*.yaml"]
budget = {params = "<= 5M"}
"""

from __future__ import annotations

import os
import re
import tomllib
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.checks.metrics import NET_NAMES
from convcalc.checks.rules import known_rule
from convcalc.diagnostics import SEVERITIES, Diagnostic, Problem, SpecError, Unreadable, did_you_mean
from convcalc.source import Source, Span
from convcalc.spec.bounds import bound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convcalc.spec import Bound

OWN = "convcalc.toml"
SHARED = "pyproject.toml"
LOCK = "convcalc.lock"


class ConfigurationError(SpecError):
    """The configuration has mistakes: nothing was checked."""

    exit_code = 2


class Budget(NamedTuple):
    """A bound on a metric of every net, and where it was set: ``pyproject.toml:12``; for a target, its name."""

    metric: str
    bound: Bound
    where: str
    target: str = ""


class Target(NamedTuple):
    """A named budget, and the specs that it is for: patterns of paths."""

    name: str
    specs: tuple[str, ...]
    budget: tuple[Budget, ...]


class Configuration(NamedTuple):
    """What a project wants; ``folder`` is the one that its paths are relative to."""

    folder: str = "."
    paths: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: tuple[tuple[str, str], ...] = ()
    budget: tuple[Budget, ...] = ()
    targets: tuple[Target, ...] = ()
    run: bool = False
    lock: str = LOCK

    def relative(self, path: str) -> str:
        """A path as the configuration says it: from its folder, with slashes."""
        return os.path.relpath(path, self.folder).replace(os.sep, "/")

    @property
    def lock_path(self) -> str:
        """Where the baseline is, from here."""
        return os.path.normpath(os.path.join(self.folder, self.lock))

    def default_paths(self) -> list[str]:
        """What is checked where nothing else is said."""
        return [os.path.normpath(os.path.join(self.folder, path)) for path in self.paths]

    def excludes(self, path: str) -> bool:
        """Whether a file that a folder or a pattern brought is left out."""
        return any(fnmatch(self.relative(path), pattern) for pattern in self.exclude)

    def budgets(self, path: str, chosen: tuple[str, ...] = ()) -> tuple[Budget, ...]:
        """All budgets of a spec: those for every one, and of the targets that are chosen or that name it."""
        found = list(self.budget)
        for target in self.targets:
            if target.name in chosen or (not chosen and any(fnmatch(self.relative(path), p) for p in target.specs)):
                found += target.budget
        return tuple(found)


def find(folder: str = ".") -> str:
    """The configuration of a folder or of the nearest one above it; empty where there is none."""
    for at in _upwards(folder):
        own, shared = os.path.join(at, OWN), os.path.join(at, SHARED)
        for path in (own, shared):
            if os.path.isfile(path) and (path == own or _mentions(path)):
                return os.path.relpath(path)
    return ""


def unconfigured(folder: str = ".") -> Configuration:
    """What holds without a configuration: the nearest baseline, of this folder or of one above it."""
    locked = (at for at in _upwards(folder) if os.path.isfile(os.path.join(at, LOCK)))
    return Configuration(os.path.relpath(next(locked, folder)))


def _upwards(folder: str) -> Iterator[str]:
    """A folder and those above it, up to the root of the repository."""
    at = os.path.abspath(folder)
    yield at
    while os.path.dirname(at) != at and not os.path.exists(os.path.join(at, ".git")):
        at = os.path.dirname(at)
        yield at


def _mentions(path: str) -> bool:
    """Whether a pyproject.toml configures convcalc, in any of the ways to write a table; one with a mistake may."""
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    try:
        return "convcalc" in text and _ours(tomllib.loads(text)) is not None
    except tomllib.TOMLDecodeError:
        return re.search(r"^\s*\[+\s*tool\s*\.\s*[\"']?convcalc\b", text, re.M) is not None


def _ours(data: dict[str, Any]) -> Any:
    """What a pyproject.toml says of convcalc; None where it says nothing."""
    tool = data.get("tool")
    return tool.get("convcalc") if isinstance(tool, dict) else None


def configuration(path: str) -> Configuration:
    """What a file says; raises ConfigurationError with every mistake in it, each with its place.

    Raises Unreadable for a pyproject.toml that says nothing of convcalc.
    """
    from convcalc.spec.text import read

    source = read(path)
    try:
        data: Any = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        span = Span(int(place[1]), int(place[2])) if place else Span(source.text.count("\n") + 1, 1)
        cause = str(error).partition(" (at ")[0]
        told = f"this is not TOML: {cause[:1].lower() + cause[1:]}"
        raise ConfigurationError([Diagnostic("toml", told, "mend it as TOML wants it", source, span)]) from None
    prefix: tuple[str, ...] = ()
    if os.path.basename(path) == SHARED:
        prefix, data = ("tool", "convcalc"), _ours(data)
        if data is None:
            raise Unreadable(f"{path}: there is no [tool.convcalc] in it")
    reader = _Reader(source, prefix)
    found = reader.whole(data, os.path.dirname(path) or ".")
    if reader.found:
        raise ConfigurationError(reader.found)
    return found


class _Reader:
    """Reads the tables of one file, and collects what is wrong in them."""

    def __init__(self, source: Source, prefix: tuple[str, ...]) -> None:
        self.source = source
        self.prefix = prefix
        self.found: list[Diagnostic] = []

    def whole(self, data: Any, folder: str) -> Configuration:
        given = self.table(data, (), tuple(_READERS))
        return Configuration(folder, **{key: _READERS[key](self, value, (key,)) for key, value in given.items()})

    def wrong(self, path: tuple[str, ...], message: str, fix: str) -> None:
        span = place(self.source.text, (*self.prefix, *path))
        self.found.append(Diagnostic("configuration", message, fix, self.source, span))

    def table(self, value: Any, path: tuple[str, ...], known: tuple[str, ...] | None = None) -> dict[str, Any]:
        """A table whose unknown keys are told and left out."""
        if not isinstance(value, dict):
            told = f"{_holder(path)} is a table, and this is {value!r}"
            self.wrong(path, told, f"write [{'.'.join((*self.prefix, *path))}] above it")
            return {}
        for key in value:
            if known is not None and key not in known:
                self.wrong((*path, key), f"{_holder(path)} has no key '{key}'", did_you_mean(key, known))
        return {key: entry for key, entry in value.items() if known is None or key in known}

    def texts(self, value: Any, path: tuple[str, ...]) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            self.wrong(path, f"{path[-1]} is a list of texts, and this is {value!r}", f'write {path[-1]} = ["..."]')
            return ()
        return tuple(value)

    def text(self, value: Any, path: tuple[str, ...]) -> str:
        if not isinstance(value, str) or not value:
            self.wrong(path, f"{path[-1]} is a text, and this is {value!r}", f'write {path[-1]} = "..."')
            return LOCK
        return value

    def flag(self, value: Any, path: tuple[str, ...]) -> bool:
        if not isinstance(value, bool):
            self.wrong(path, f"{path[-1]} is true or false, and this is {value!r}", f"write {path[-1]} = true")
        return value is True

    def rules(self, value: Any, path: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(code for code in self.texts(value, path) if self.rule(code, path))

    def rule(self, code: str, path: tuple[str, ...]) -> bool:
        try:
            return bool(known_rule(code))
        except Problem as problem:
            self.wrong(path, problem.message, problem.fix)
            return False

    def severity(self, value: Any, path: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        kept = []
        for code, severity in self.table(value, path).items():
            if severity not in SEVERITIES:
                told = f"a severity is {', '.join(SEVERITIES)}, and this is {severity!r}"
                self.wrong((*path, code), told, did_you_mean(str(severity), SEVERITIES))
            elif self.rule(code, (*path, code)):
                kept.append((code, severity))
        return tuple(kept)

    def budget(self, value: Any, path: tuple[str, ...], target: str = "") -> tuple[Budget, ...]:
        kept = []
        for metric, said in self.table(value, path).items():
            here = (*path, metric)
            if metric not in NET_NAMES:
                self.wrong(here, f"there is nothing called '{metric}' to budget", did_you_mean(metric, NET_NAMES))
                continue
            try:
                if not isinstance(said, str):
                    raise Problem("bound", f"a bound is a text, and this is {said!r}", f'write {metric} = "<= {said}"')
                span = place(self.source.text, (*self.prefix, *here))
                kept.append(Budget(metric, bound(said), f"{self.source.path}:{span.line}", target))
            except Problem as problem:
                self.wrong(here, problem.message, problem.fix)
        return tuple(kept)

    def targets(self, value: Any, path: tuple[str, ...]) -> tuple[Target, ...]:
        return tuple(self.target(name, entry, (*path, name)) for name, entry in self.table(value, path).items())

    def target(self, name: str, value: Any, path: tuple[str, ...]) -> Target:
        given = self.table(value, path, ("specs", "budget"))
        if isinstance(value, dict) and "budget" not in value:
            self.wrong(path, f"the target {name} has no budget", 'add one, as in budget = {params = "<= 5M"}')
        specs = self.texts(given.get("specs", []), (*path, "specs"))
        return Target(name, specs, self.budget(given.get("budget", {}), (*path, "budget"), name))


_READERS: dict[str, Callable[[_Reader, Any, tuple[str, ...]], Any]] = {
    "paths": _Reader.texts,
    "exclude": _Reader.texts,
    "select": _Reader.rules,
    "ignore": _Reader.rules,
    "severity": _Reader.severity,
    "budget": _Reader.budget,
    "targets": _Reader.targets,
    "run": _Reader.flag,
    "lock": _Reader.text,
}


def _holder(path: tuple[str, ...]) -> str:
    return ".".join(path) or "the configuration"


def place(text: str, path: tuple[str, ...]) -> Span:
    """Where a key of a TOML text stands: in the first statement whose prefix of the text has it.

    The reader of TOML keeps no places, so it is asked again about longer and longer prefixes.
    """
    lines = text.split("\n")
    start = 0
    for end in range(1, len(lines) + 1):
        try:
            data: Any = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue  # inside an array or a text of several lines
        for key in path:
            data = data.get(key) if isinstance(data, dict) else None
        if data is not None:
            return _within(lines, start, end, path[-1]) or Span(end, 1, max(1, len(lines[end - 1])))
        start = end
    return Span(1, 1)


def _within(lines: list[str], start: int, end: int, key: str) -> Span | None:
    """The key among the lines ``start .. end - 1``."""

    def places() -> Iterator[Span]:
        for number in range(start, end):
            for match in re.finditer(rf"(?<![\w-])[\"']?({re.escape(key)})[\"']?(?![\w-])", lines[number]):
                yield Span(number + 1, match.start(1) + 1, len(key))

    return next(places(), None)
