"""Who computes: the calling thread with one worker beside it, or the calling thread and BLAS on all cores.

The two never mix: threads that wait inside BLAS while others compute cost more than they bring (1.2 to 1.4 times).
"""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

LIMITS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What tells a BLAS, before numpy is imported, to keep to the thread that calls it."""


def blas_keeps_to_one() -> bool:
    """Whether BLAS was told to use one thread, so that another core is free for a worker."""
    return any(os.environ.get(name) == "1" for name in LIMITS)


def usable_cores() -> int:
    """The cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Worker:
    """One thread that runs what it is handed, in order; it never keeps the process alive."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._work, name="convcalc-worker", daemon=True).start()

    def _work(self) -> None:
        while True:
            job = self.jobs.get()
            job()
            del job


_worker: _Worker | None = None
_starting = threading.Lock()


def _the_worker() -> _Worker:
    """The process's one worker, started when it is first needed."""
    global _worker
    with _starting:
        if _worker is None:
            _worker = _Worker()
        return _worker


def _forget() -> None:
    """After a fork the child has no worker, whatever the parent had."""
    global _worker, _starting
    _worker, _starting = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class Handed:
    """A job that the worker runs; ``wait`` returns when it has, and raises what it raised."""

    def __init__(self, job: Callable[[], object]) -> None:
        self._job: Callable[[], object] | None = job
        self._error: BaseException | None = None
        self._done = threading.Lock()
        self._done.acquire()
        _the_worker().jobs.put(self._run)

    def _run(self) -> None:
        job, self._job = self._job, None
        try:
            if job is not None:
                job()
        except BaseException as error:  # the waiting thread raises it
            self._error = error
        finally:
            self._done.release()

    def wait(self) -> None:
        """Until the job is done."""
        self._done.acquire()
        if self._error is not None:
            raise self._error


class Team:
    """The threads that share a piece of work: the calling one alone, or with the worker."""

    def __init__(self, size: int) -> None:
        self.size = size

    def each(self, job: Callable[[T], object], parts: Iterable[T]) -> None:
        """Run ``job`` on every part, each thread taking the next one as it becomes free."""
        waiting = list(parts)
        if self.size == 1 or len(waiting) == 1:
            for part in waiting:
                job(part)
            return
        waiting.reverse()

        def take() -> None:
            while True:
                try:
                    part = waiting.pop()
                except IndexError:
                    return
                job(part)

        handed = Handed(take)
        try:
            take()
        finally:
            waiting.clear()
            handed.wait()


ALONE = Team(1)


class Later:
    """Work that nobody waits for until the end: the worker's while the calling thread goes on.

    At the end the calling thread takes what is left, from the same list.
    """

    def __init__(self, team: Team) -> None:
        self._team = team
        self._waiting: list[Callable[[], object]] = []
        self._handed: list[Handed] = []

    def add(self, job: Callable[[], object]) -> None:
        """Have a job run, now where there is no worker."""
        if self._team.size == 1:
            job()
            return
        self._waiting.append(job)
        self._handed.append(Handed(self._take))

    def _take(self) -> bool:
        try:
            job = self._waiting.pop(0)
        except IndexError:
            return False
        job()
        return True

    def finish(self) -> None:
        """Until all of it is done."""
        try:
            while self._take():
                pass
        finally:
            self._waiting.clear()
            for handed in self._handed:
                handed.wait()
