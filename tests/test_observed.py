"""``check --run``: what a run shows is held against what was predicted."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from convcalc import kernels, load
from convcalc.checks.observed import SIZES, shrunk
from convcalc.checks.project import check_project

if TYPE_CHECKING:
    from pathlib import Path

NET = """\
vars: {H: 512, W: 256}
input: [3, H, W]
layers:
  - conv: {out_channels: 4, kernel_size: 3, stride: 2}
  - relu
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    (tmp_path / "net.yaml").write_text(NET)
    return str(tmp_path / "net.yaml")


def test_a_run_on_a_small_input_agrees(spec: str) -> None:
    assert check_project([spec], run=True).findings == ()


def test_inputs_shrink_in_proportion_as_far_as_the_net_admits() -> None:
    small = shrunk(load(NET).analyze())
    assert small.graph.nodes[0].shape == (3, 32, 16)
    assert shrunk(load("inception_v3").analyze()).graph.nodes[0].shape == (3, 96, 96)
    assert SIZES[0] == 32
    own = load(NET).analyze(H=20, W=20)
    assert shrunk(own) is own


def test_a_disagreement_is_found(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = kernels.find

    def planted(name: str) -> Any:
        kernel = find(name)

        @wraps(kernel)
        def narrower(*operands: Any, **options: Any) -> Any:
            y, vjp = kernel(*operands, **options)
            return y[..., :-1], lambda dy: vjp(np.pad(dy, [(0, 0)] * (dy.ndim - 1) + [(0, 1)]))

        return narrower if name == "conv" else kernel

    monkeypatch.setattr(kernels, "find", planted)
    (finding,) = check_project([spec], run=True).findings
    assert (finding.code, finding.span and finding.span.line) == ("observed", 4)
    assert finding.message.startswith("conv_1: shape predicted ((4, 15, 7),), observed ((4, 15, 6),); ")


def test_a_failure_is_a_disagreement(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(kernels, "find", broken)
    (finding,) = check_project([spec], run=True).findings
    assert finding.code == "observed"
    assert "ZeroDivisionError: planted" in finding.message


def test_samples_are_run(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: [2]\nlayers: [relu]\nsample: {input: [-1, 2], output: [0, 3]}\n")
    assert check_project([str(path)]).findings == ()
    (finding,) = check_project([str(path)], run=True).findings
    assert (finding.code, finding.message) == ("sample", "output at [1]: expected 3, computed 2")
