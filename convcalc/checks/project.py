"""All specs of a project checked, in one process or several, in a stable order; no spec hides another."""

from __future__ import annotations

import os
from contextlib import contextmanager
from glob import glob, has_magic
from typing import TYPE_CHECKING, NamedTuple

from convcalc.checks.configuration import Configuration
from convcalc.checks.lock import baseline, read_lock, write_lock
from convcalc.checks.outcome import Checked, Outcome, Unread
from convcalc.checks.rules import Rules
from convcalc.checks.specs import Task, Wants, check_task
from convcalc.diagnostics import Misuse, Unreadable, did_you_mean
from convcalc.loading import open_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from convcalc.checks.cache import Cache
    from convcalc.source import Source

CHUNK = 16
"""Specs that go to a process at a time."""


def check_project(
    arguments: Iterable[str],
    configuration: Configuration | None = None,
    *,
    rules: Rules | None = None,
    targets: Iterable[str] = (),
    run: bool = False,
    jobs: int = 1,
    cache: Cache | None = None,
) -> Outcome:
    """Check specs, folders and patterns of both.

    Raises Misuse for a target that the configuration does not have, and for a baseline that cannot be read.
    """
    configuration = configuration or Configuration()
    rules = rules or Rules(configuration.select, configuration.ignore, configuration.severity)
    chosen = tuple(targets)
    known = [target.name for target in configuration.targets]
    for name in chosen:
        if name not in known:
            raise Misuse(f"there is no target '{name}': {did_you_mean(name, known) or 'the configuration has none'}")
    locked = read_lock(configuration.lock_path)
    unread: list[Unread] = []
    tasks: list[Task] = []
    for argument in spec_files(arguments, configuration, unread):
        try:
            source, named = open_source(argument)
        except Unreadable as error:
            unread.append(Unread(argument, str(error)))
            continue
        wants = Wants(rules, configuration.budgets(source.path, chosen), run=run or configuration.run)
        if locked is not None and _is_file(argument, source):
            wants = wants._replace(lock=configuration.lock, locked=locked.get(configuration.relative(argument)))
        tasks.append(Task(source, named, wants))
    checked = [cache.get(task) if cache else None for task in tasks]
    missing = [place for place, known_ in enumerate(checked) if known_ is None]
    for place, result in zip(missing, _results([tasks[place] for place in missing], jobs), strict=True):
        if isinstance(result, Unread):
            unread.append(result)
        else:
            checked[place] = result
            if cache:
                cache.put(tasks[place], result)
    if cache:
        cache.save()
    return Outcome(tuple(result for result in checked if result is not None), tuple(unread))


class Locked(NamedTuple):
    """A baseline that was written, unless something is wrong with the specs; ``told`` says what has become of it."""

    path: str
    outcome: Outcome
    nets: int = 0
    told: str = ""


def lock_project(arguments: Iterable[str], configuration: Configuration, *, update: bool = False) -> Locked:
    """Write the baseline of all specs: new ones are added, changed ones are findings unless ``update`` takes them over.

    Raises Misuse for a baseline that cannot be read, unless it is to be updated.
    """
    path = configuration.lock_path
    try:
        old = read_lock(path)
    except Misuse:
        if not update:
            raise
        old = {}
    specs = dict(old or {})
    unread: list[Unread] = []
    files: list[Checked] = []
    for argument in spec_files(arguments, configuration, unread):
        try:
            source, _ = open_source(argument)
            if not _is_file(argument, source):
                raise Unreadable(f"{argument}: a baseline is of files, not of shipped specs or of revisions")
            entry, found = baseline(source)
        except Unreadable as error:
            unread.append(Unread(argument, str(error)))
            continue
        if entry is None:
            files.append(Checked(source.path, found, 0))
            continue
        name = configuration.relative(argument)
        if not update and name in specs and specs[name] != entry:
            held = Wants(Rules(("drift",)), (), configuration.lock, specs[name])
            files.append(check_task(Task(source, "", held)))
        specs[name] = entry
    if update:
        specs = {
            name: entry for name, entry in specs.items() if os.path.isfile(os.path.join(configuration.folder, name))
        }
    outcome = Outcome(tuple(files), tuple(unread))
    if not outcome.exit_code and specs != old:
        write_lock(path, specs)
    told = "as it was" if specs == old else "new" if old is None else "updated"
    return Locked(path, outcome, sum(1 + len(entry["variants"]) for entry in specs.values()), told)


def _is_file(argument: str, source: Source) -> bool:
    """Whether a baseline can be of it: neither a shipped spec by its name, nor a revision, nor what was piped."""
    return source.path == argument and os.path.isfile(argument)


def spec_files(arguments: Iterable[str], configuration: Configuration, unread: list[Unread]) -> list[str]:
    """The specs that paths, patterns and names mean, each once, folders searched for YAML files in a stable order.

    What is missing is added to ``unread``.
    """
    found: dict[str, str] = {}
    for argument in arguments:
        paths = [argument]
        if os.path.isdir(argument):
            paths = [path for path in sorted(_below(argument)) if not configuration.excludes(path)]
            missing = "no .yaml or .yml file in this folder"
        elif has_magic(argument) and not os.path.exists(argument):
            paths = [path for path in sorted(glob(argument, recursive=True)) if not configuration.excludes(path)]
            missing = "no file matches this pattern"
        if not paths:
            unread.append(Unread(argument, f"{argument}: {missing}"))
        for path in paths:
            found.setdefault(os.path.realpath(path) if os.path.exists(path) else path, path)
    return list(found.values())


def _below(folder: str) -> Iterator[str]:
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.normpath(os.path.join(path, name)) for name in files if name.endswith((".yaml", ".yml")))


def _results(tasks: list[Task], jobs: int) -> Iterator[Checked | Unread]:
    """What comes of each task, in their order; with several jobs in as many processes."""
    if jobs < 2 or len(tasks) <= CHUNK:
        yield from map(_attempt, tasks)
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(jobs) as pool:
        try:
            with _stops_wait():
                results = pool.map(_attempt, tasks, chunksize=CHUNK)
            yield from results
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _stops_wait() -> Iterator[None]:
    """Hold a Ctrl-C back until the end: processes that are started meanwhile never see one, this one drops the rest."""
    import signal

    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _attempt(task: Task) -> Checked | Unread:
    """One spec checked; a defect of ours in one spec does not keep the others from being checked."""
    try:
        return check_task(task)
    except Unreadable as error:
        return Unread(task.source.path, str(error))
    except Exception as error:
        if os.environ.get("CONVCALC_DEBUG"):
            raise
        told = f"a defect in convcalc: {type(error).__name__}: {error} (set CONVCALC_DEBUG=1 for the trace)"
        return Unread(task.source.path, f"{task.source.path}: {told}")
