"""The plan beside PyTorch: ``pytest -m bench -s tests/bench/test_run_speed.py``.

Each net in a process of its own, both in it in turn: two threads, single precision. What is held is the median of the
ratios, pair by pair; pairs during which other processes computed do not count.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest
from side_by_side import Processes, milliseconds, row

pytest.importorskip("torch", reason="PyTorch is what is measured beside; pip install convcalc[oracle]")

pytestmark = pytest.mark.bench

HERE = Path(__file__).parent
FEWEST = 5
"""Pairs that nothing else disturbed, for a median to be worth anything."""
WAYS = [
    ("resnet50", 1, "forward", 1.2, 1e-5),
    ("resnet50", 8, "forward", 1.0, 1e-5),
    ("resnet50", 1, "both", 1.1, 3e-2),
    ("mobilenet_v2", 1, "forward", 1.5, 1e-4),
    ("mobilenet_v2", 1, "both", 1.5, 3e-2),
    ("vgg16", 1, "forward", 0.9, 1e-4),
]
"""Net, batch, way, the most of PyTorch's time, and how far apart results may be: gradients differ where a relu's
operand is 0 but for rounding."""


@pytest.mark.parametrize(("net", "batch", "way", "most", "apart"), WAYS, ids=[f"{n}-{b}-{w}" for n, b, w, *_ in WAYS])
def test_run_takes_no_longer_than(net: str, batch: int, way: str, most: float, apart: float) -> None:
    told = subprocess.run(
        [sys.executable, HERE / "run_beside_torch.py", net, str(batch), way],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(told.stdout)
    assert found["apart"] < apart
    tried = len(found["pairs"]) + len(found["disturbed"])
    if len(found["pairs"]) < FEWEST:
        row(f"{net}, batch {batch}", "skipped: other processes computed all the time")
        pytest.skip(f"other processes computed during {len(found['disturbed'])} of {tried} pairs")
    ours, theirs = zip(*found["pairs"], strict=True)
    ratio = median(a / b for a, b in found["pairs"])
    passes = "forward" if way == "forward" else "forward and backward"
    row(f"{net}, batch {batch}, {passes}: ours", milliseconds(ours))
    row("  PyTorch", milliseconds(theirs))
    row("  the median of the ratios", f"{ratio:8.2f} ({len(ours)} of {tried} pairs)", f"at most {most}")
    assert ratio <= most


def test_forward_pass_takes_little_memory(tmp_path: Path) -> None:
    """ResNet-50 with its 102 MB of weights, drawn as they are used."""
    script = (
        "from convcalc import load; from convcalc.plan import Plan; from convcalc.witness import random_inputs; "
        "net = load('resnet50'); Plan(net).run(random_inputs(net), forward_only=True)"
    )
    peak = Processes(tmp_path, HERE.parents[1]).peak(sys.executable, "-c", script)
    row("resnet50, forward: peak memory", f"{peak:8.0f} MB", "under 220 MB")
    assert peak < 220
