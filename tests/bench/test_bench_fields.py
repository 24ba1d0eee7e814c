"""Exact receptive fields beside the analysis that ``shape`` pays for: ``pytest -m bench -s tests/bench``."""

from __future__ import annotations

import pytest
from side_by_side import milliseconds, paired, row, seconds
from test_bench_prediction import graph

from convcalc.analysis import analyze
from convcalc.analysis.fields import Trace
from convcalc.analysis.shapes import inferred
from convcalc.loading import load

pytestmark = pytest.mark.bench

RUNS = 15
MOST = 5
"""Times as long as the analysis, shapes not counted again."""


@pytest.mark.parametrize(
    ("name", "target"), [("inception_v3", "10 ms"), ("densenet121", ""), ("1,000 layers", "200 ms")]
)
def test_exact_fields(name: str, target: str) -> None:
    net = graph(1_000) if name == "1,000 layers" else load(name)
    steps = inferred(net)
    found = paired(seconds(lambda: Trace(net, steps)), seconds(lambda: analyze(net)), RUNS)
    row(f"exact fields of {name}", milliseconds(found.one), target)
    row(f"analysis of {name}", milliseconds(found.other))
    row("    fields over analysis", f"{found.fastest:8.2f}", f"at most {MOST}")
    assert found.fastest <= MOST
