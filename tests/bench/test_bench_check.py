"""A thousand specs checked: ``pytest -m bench -s tests/bench/test_bench_check.py``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from side_by_side import Processes, milliseconds, paired, row

from convcalc.spec.shipped import files

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.bench

SPECS = 1000


def test_a_thousand_specs(tmp_path: Path) -> None:
    """Copies of the shipped specs that differ in a comment, so that none is another's."""
    folder = tmp_path / "specs"
    shipped = list(files().items())
    for number in range(SPECS):
        stem, path = shipped[number % len(shipped)]
        copy = folder / str(number) / f"{stem}.yaml"  # variants are named after their file
        copy.parent.mkdir(parents=True)
        with open(path, encoding="utf-8") as spec:
            copy.write_text(f"# {number}\n{spec.read()}", encoding="utf-8")
    processes = Processes(tmp_path / "bytecode", tmp_path)
    check = (sys.executable, "-m", "convcalc", "check", str(folder))
    found = paired(processes.piped(*check, "--no-cache", "--jobs", "2"), processes.piped(*check, "--jobs", "2"), 2)
    row(f"{SPECS} specs checked with two processes", milliseconds(found.one), "20,000 ms")
    row("    the same when none has changed", milliseconds(found.other))
    row("    changed over unchanged", f"{found.ratio:8.1f}", "at least 5")
    assert found.ratio > 5
