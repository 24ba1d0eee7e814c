"""Requests that cannot be met: one line says why, and the exit code is 2. Findings leave with 1, the rest with 0."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from convcalc.cli import main

NET = "vars: {H: 8, W: 8}\ninput: [3, H, W]\nlayers:\n  - relu\n"
WRONG = "input: [3, 8, 8]\nlayers:\n  - rule\n"

# what is asked: what is answered
REQUESTS = {
    "shape net.yaml --set H": "--set takes name=value, not 'H'",
    "shape net.yaml --set =3": "--set takes name=value, not '=3'",
    "shape net.yaml --set H=": "--set H=: an expression is empty",
    "shape net.yaml --set H=W": "--set H=W: there is no variable 'W' here",
    "shape net.yaml --set H=2**3": "--set H=2**3: in '2**3': '**' is not an operator here",
    "shape net.yaml --set H=1//0": "--set H=1//0: division by zero",
    "shape net.yaml --set H=10000000000000000000": "--set H=10000000000000000000: the value does not fit in 63 bits",
    "shape net.yaml --set h=3": "the spec has no variable 'h': did you mean 'H'?",
    "shape net.yaml --input 3xx8": "--input takes sizes like 3x224x224, not '3xx8'",
    "shape net.yaml --input 3x0x8": "--input takes sizes like 3x224x224, not '3x0x8'",
    "shape net.yaml --input 3x8": "input 'input' has 3 axes, 2 were given",
    "shape net.yaml --input 1x3x8x8": "input 'input' has 3 axes, 4 were given: without a batch axis write 3x8x8",
    "shape net.yaml --input imput=3x8x8": "there is no input 'imput': did you mean 'input'?",
    "shape two.yaml --input 3x8x8": "--input needs a name before its shape: one of left, right",
    "shape net.yaml --format tabel": "there is no format 'tabel': did you mean 'table'?",
    "shape net.yaml --columns macz": "there is no column 'macz': did you mean 'macs'?",
    "shape net.yaml --variant wide": "there is no variant 'wide'",
    "shape nowhere.yaml": "nowhere.yaml: no such file or directory",
    "check nowhere.yaml": "nowhere.yaml: no such file or directory",
    "shape folder/": "folder/: a directory, not a file",
    "check folder": "folder: no .yaml or .yml file in this folder",
    "shape googlenett": "there is no shipped spec 'googlenett': did you mean 'googlenet'?",
    "shape net": "there is no shipped spec 'net': did you mean 'unet'?",
    "shape resnet19": "there is no shipped spec 'resnet19': did you mean 'resnet18'?",
}


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    (tmp_path / "net.yaml").write_text(NET)
    (tmp_path / "two.yaml").write_text(
        "input: {left: [3, 8, 8], right: [3, 8, 8]}\nlayers:\n  - add:\n    from: [left, right]\n"
    )
    (tmp_path / "wrong.yaml").write_text(WRONG)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("request_", REQUESTS)
def test_what_cannot_be_met_is_said_in_one_line(request_: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "argv", ["convcalc", *request_.split()])
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert out.getvalue() == ""
    assert err.getvalue().startswith(f"convcalc: {REQUESTS[request_]}")
    assert err.getvalue().count("\n") == 1


COMMANDS = {
    "shape net.yaml": 0,
    "check net.yaml": 0,
    "shape wrong.yaml": 1,
    "check wrong.yaml net.yaml": 1,
    "check wrong.yaml nowhere.yaml": 2,
    "shape nowhere.yaml": 2,
    "frobnicate": 2,
    "shape net.yaml --frobnicate": 2,
    "shape net.yaml --batch 0": 2,
    "shape net.yaml --depth deep": 2,
    "shape": 2,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_exit_codes(command: str, folder: Path) -> None:
    arguments = [sys.executable, "-m", "convcalc", *command.split()]
    environment = {"PYTHONPATH": str(Path(__file__).parent.parent), "NO_COLOR": "1"}
    ran = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert ran.returncode == COMMANDS[command], ran.stderr
    assert "Traceback" not in ran.stderr
    assert bool(ran.stderr) == (command != "check wrong.yaml net.yaml" and COMMANDS[command] > 0)
