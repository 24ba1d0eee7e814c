"""Whole processes: ``pytest -m bench -s tests/bench``. Ratios to ``import typer`` and to torchinfo, and memory."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from side_by_side import Processes, milliseconds, paired, row

pytestmark = pytest.mark.bench

HERE = Path(__file__).parent
SHAPE = (sys.executable, "-m", "convcalc", "shape", "resnet50")
TYPER = (sys.executable, "-c", "import typer")
INSTALLED = Path(sys.executable).with_name("convcalc")

RUNS = 15
PIPED = 1.6
TERMINAL = 2.4
MEGABYTES = 40


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Processes:
    return Processes(tmp_path_factory.mktemp("bytecode"), HERE.parents[1])


def test_piped(processes: Processes) -> None:
    found = paired(processes.piped(*SHAPE), processes.piped(*TYPER), RUNS)
    row("python -c 'import typer'", milliseconds(found.other))
    row("python -m convcalc shape resnet50, in a pipe", milliseconds(found.one))
    row("    over import typer", f"{found.ratio:8.2f}", f"at most {PIPED}")
    assert found.ratio <= PIPED


def test_piped_as_installed(processes: Processes) -> None:
    if not INSTALLED.exists():
        row("convcalc shape resnet50", "skipped: convcalc is not installed")
        pytest.skip("convcalc is not installed beside this Python")
    found = paired(processes.piped(str(INSTALLED), "shape", "resnet50"), processes.piped(*TYPER), RUNS)
    row("convcalc shape resnet50, in a pipe", milliseconds(found.one))
    row("    over import typer", f"{found.ratio:8.2f}", f"at most {PIPED}")
    assert found.ratio <= PIPED


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_on_a_terminal(processes: Processes) -> None:
    found = paired(processes.on_terminal(*SHAPE), processes.piped(*TYPER), RUNS)
    row("python -m convcalc shape resnet50, on a terminal", milliseconds(found.one))
    row("    over import typer", f"{found.ratio:8.2f}", f"at most {TERMINAL}")
    assert found.ratio <= TERMINAL


def test_against_torchinfo(processes: Processes) -> None:
    missing = [name for name in ("torch", "torchinfo") if find_spec(name) is None]
    if missing:
        row("torchinfo's summary of ResNet-50", f"skipped: no {' and no '.join(missing)}")
        pytest.skip(f"needs {' and '.join(missing)}: pip install torch torchinfo")
    theirs = (sys.executable, str(HERE / "torchinfo_resnet50.py"))
    found = paired(processes.piped(*theirs), processes.piped(*SHAPE), 3)
    row("torchinfo's summary of ResNet-50", milliseconds(found.one))
    row("    over convcalc shape resnet50", f"{found.ratio:8.2f}", "the more the better")
    row("    peak memory", f"{processes.peak(*theirs):8.1f} MB")
    assert found.ratio > 1


@pytest.mark.skipif(sys.platform == "win32", reason="the system does not say what a process used")
def test_memory(processes: Processes) -> None:
    peak = processes.peak(*SHAPE)
    row("python -m convcalc shape resnet50, peak memory", f"{peak:8.1f} MB", f"below {MEGABYTES}")
    assert peak < MEGABYTES
