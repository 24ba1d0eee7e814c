"""Measuring things beside each other: in turn, in one run, so that a ratio holds where the machine's speed does not."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

PAIRS, PATIENCE = 15, 60
"""Pairs that count, and pairs that are tried for them."""
FOREIGN = 0.1
"""Cores that other processes may take while a pair that counts is measured."""
LULL = 0.3
"""Seconds to wait when others compute."""
REST = 0.02
"""Seconds until PyTorch's threads have stopped to wait actively."""

Pairs = list[tuple[float, float]]

# The peak of a child holds that of the process it was forked from, so a small one stands between.
_PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


class Paired(NamedTuple):
    """Seconds of each of two things, run in turn."""

    one: list[float]
    other: list[float]

    @property
    def ratio(self) -> float:
        """The median of one over the other, pair by pair."""
        return median(a / b for a, b in zip(self.one, self.other, strict=True))

    @property
    def fastest(self) -> float:
        """The fastest of one over the fastest of the other: what ``timeit`` advises for work within a process."""
        return min(self.one) / min(self.other)


def paired(one: Callable[[], float], other: Callable[[], float], runs: int) -> Paired:
    """Both in turn, ``runs`` times after one warm-up; each returns the seconds it took."""
    one(), other()
    pairs = [(one(), other()) for _ in range(runs)]
    return Paired([a for a, _ in pairs], [b for _, b in pairs])


def seconds(work: Callable[[], object]) -> Callable[[], float]:
    """The function that does the work and says how long that took, the collector off as in ``timeit``."""

    def timed() -> float:
        with collector_off():
            start = perf_counter()
            work()
            return perf_counter() - start

    return timed


@contextmanager
def collector_off() -> Iterator[None]:
    """No garbage collection within."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def quiet_pairs(one: Callable[[], object], other: Callable[[], object]) -> tuple[Pairs, Pairs]:
    """Seconds of both in turn: pairs during which the machine was ours, and those during which others computed."""
    pairs: Pairs = []
    disturbed: Pairs = []
    while len(pairs) < PAIRS and len(pairs) + len(disturbed) < PATIENCE:
        (a, quiet_a), (b, quiet_b) = _timed(one), _timed(other)
        if quiet_a and quiet_b:
            pairs.append((a, b))
        else:
            disturbed.append((a, b))
            time.sleep(LULL)
    return pairs, disturbed


def _busy() -> float:
    """Seconds that all cores together have computed; 0 where the system does not tell."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _, _, *rest = map(int, file.readline().split()[1:9])
    except OSError:
        return 0.0
    return (user + nice + system + sum(rest)) / 100


def _timed(work: Callable[[], object]) -> tuple[float, bool]:
    """The seconds that it took, and whether the machine was ours for that long."""
    time.sleep(REST)
    with collector_off():
        others, own, start = _busy(), time.process_time(), time.perf_counter()
        work()
        took = time.perf_counter() - start
        foreign = _busy() - others - (time.process_time() - own)
    return took, foreign < FOREIGN * took + 0.005


class Processes:
    """Whole processes with the bytecode of everything they import in one folder, written by the warm-up."""

    def __init__(self, bytecode: Path, directory: Path) -> None:
        unwanted = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "NO_COLOR", "COLUMNS", "TERM")
        kept = {name: value for name, value in os.environ.items() if name not in unwanted}
        self.environment = {**kept, "PYTHONPYCACHEPREFIX": str(bytecode), "TERM": "xterm-256color"}
        self.directory = directory

    def piped(self, *command: str) -> Callable[[], float]:
        """Run a command whose output nobody sees."""

        def run() -> float:
            start = perf_counter()
            # No timeout: with one, Python polls for the end, every 50 ms before long.
            subprocess.run(command, stdout=subprocess.DEVNULL, cwd=self.directory, env=self.environment, check=True)
            return perf_counter() - start

        return run

    def on_terminal(self, *command: str) -> Callable[[], float]:
        """Run a command on a pseudo-terminal, reading what it writes."""

        def run() -> float:
            ours, theirs = os.openpty()
            start = perf_counter()
            with subprocess.Popen(
                command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=self.directory, env=self.environment
            ) as process:
                os.close(theirs)
                written = _all_of(ours)
            took = perf_counter() - start
            os.close(ours)
            assert process.returncode == 0, written.decode(errors="replace")
            assert b"\x1b[" in written, "nothing was coloured: this was not taken for a terminal"
            return took

        return run

    def peak(self, *command: str) -> float:
        """The most memory a command had, in MB."""
        told = subprocess.run(
            [sys.executable, "-c", _PEAK, *command],
            cwd=self.directory, env=self.environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return int(told.stdout) * (1 if sys.platform == "darwin" else 1024) / 1e6


def _all_of(terminal: int) -> bytes:
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:  # Linux says so that the other side is closed
            part = b""
        if not part:
            return b"".join(parts)
        parts.append(part)


def milliseconds(times: Sequence[float]) -> str:
    """The median and the fastest."""
    return f"{1e3 * median(times):8.2f} ms (fastest {1e3 * min(times):.2f})"


def row(what: str, measured: str, target: str = "") -> None:
    """One line of the table that ``-s`` shows."""
    print(f"\n{what:<58} {measured:<34} {target}", end="")
