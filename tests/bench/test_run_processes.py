"""``convcalc run resnet50 --fast`` as its users start it: ``pytest -m bench -s tests/bench/test_run_processes.py``.

Beside a script that imports torch, builds the net and runs it once; and the plan beside onnx's reference evaluator.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import pytest
from side_by_side import Processes, milliseconds, paired, row

pytestmark = pytest.mark.bench

HERE = Path(__file__).parent
RUN = (sys.executable, "-m", "convcalc", "run", "resnet50", "--fast", "--forward-only")
TORCH = (sys.executable, str(HERE / "resnet50_in_torch.py"))

RUNS = 5
FEWEST = 5
"""Pairs that nothing else disturbed, for a median to be worth anything."""
SHARE = 1 / 4
MEGABYTES = 220
TIMES = 8


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Processes:
    return Processes(tmp_path_factory.mktemp("bytecode"), HERE.parents[1])


def skip_without(what: str, *needed: str) -> None:
    if missing := [name for name in needed if find_spec(name) is None]:
        row(what, f"skipped: no {' and no '.join(missing)}")
        pytest.skip(f"needs {' and '.join(missing)}: pip install {' '.join(missing)}")


def test_takes_a_quarter_of_the_time_of_a_script_with_torch(processes: Processes) -> None:
    skip_without("ResNet-50 once in PyTorch", "torch")
    found = paired(processes.piped(*RUN), processes.piped(*TORCH), RUNS)
    row("import torch, build ResNet-50, run it once", milliseconds(found.other))
    row("convcalc run resnet50 --fast --forward-only", milliseconds(found.one))
    row("    over the script", f"{found.ratio:8.2f}", f"below {SHARE}")
    row("    peak memory of the script", f"{processes.peak(*TORCH):8.0f} MB")
    assert found.ratio < SHARE


@pytest.mark.skipif(sys.platform == "win32", reason="the system does not say what a process used")
def test_memory(processes: Processes) -> None:
    peak = processes.peak(*RUN)
    row("convcalc run resnet50 --fast --forward-only, peak memory", f"{peak:8.0f} MB", f"below {MEGABYTES}")
    assert peak < MEGABYTES


def test_is_faster_than_the_reference_evaluator(tmp_path: Path) -> None:
    skip_without("onnx's reference evaluator", "torch", "onnx", "onnxscript")
    told = subprocess.run(
        [sys.executable, HERE / "run_beside_onnx.py", tmp_path],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(told.stdout.splitlines()[-1])
    assert found["apart"] < 1e-4
    tried = len(found["pairs"]) + len(found["disturbed"])
    if len(found["pairs"]) < FEWEST:
        row("onnx's reference evaluator", "skipped: other processes computed all the time")
        pytest.skip(f"other processes computed during {len(found['disturbed'])} of {tried} pairs")
    ours, theirs = zip(*found["pairs"], strict=True)
    ratio = median(b / a for a, b in found["pairs"])
    row("onnx's reference evaluator on ResNet-50", milliseconds(theirs))
    row("the plan on ResNet-50", milliseconds(ours))
    row("    the evaluator over the plan", f"{ratio:8.1f} ({len(ours)} of {tried} pairs)", f"at least {TIMES}")
    assert ratio >= TIMES
