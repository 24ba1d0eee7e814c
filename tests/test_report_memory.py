"""``convcalc shape --memory`` as text and data."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import convcalc
from convcalc.cli import main


class Shown(NamedTuple):
    """An exit code, and what stood on both streams."""

    code: int
    out: str
    err: str


Shape = Callable[..., Shown]


@pytest.fixture
def shape(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shape:
    """``convcalc shape`` with these arguments."""

    def shown(*arguments: str) -> Shown:
        monkeypatch.setattr("sys.argv", ["convcalc", "shape", *arguments])
        monkeypatch.setenv("COLUMNS", "80")
        with pytest.raises(SystemExit) as left:
            main()
        told = capsys.readouterr()
        return Shown(int(left.value.code or 0), told.out, told.err)

    return shown


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_live_set_sums_up(shape: Shape) -> None:
    for schedule in ("torch", "convcalc"):
        _, out, _ = shape("resnet18", "--memory", "--schedule", schedule)
        rows = out.split("---\n", 1)[1].split("\n\n")[0].splitlines()
        *parts, whole = [number(next(word for word in row.split() if "," in word)) for row in rows]
        assert sum(parts) == whole
        assert f"inference peak      {whole:>10,}" in out


def test_sums_are_those_of_the_totals(shape: Shape) -> None:
    _, out, _ = shape("lenet5", "--memory", "--batch", "4", "--dtype", "float64", "--optimizer", "momentum")
    kept = 61_706 * 8
    saved = convcalc.load("lenet5").analyze().totals.memory.saved
    for name, count in {"parameters": kept, "gradients": kept, "optimizer": kept, "kept for backward": 8 * saved,
                        "training": 3 * kept + 8 * saved}.items():  # fmt: skip
        (line,) = [line for line in out.splitlines() if line.startswith(name + "  ")]
        assert number(line[len(name) :].split()[0]) == count


def test_as_data(shape: Shape) -> None:
    _, out, _ = shape("resnet18", "lenet5", "--memory", "--format", "json", "--schedule", "convcalc")
    nets: list[dict[str, Any]] = json.loads(out)["nets"]
    assert [net["name"] for net in nets] == ["ResNet (resnet18)", "LeNet-5"]
    for net in nets:
        peak = net["peak"]
        assert peak["bytes"] == max(layer["bytes"] for layer in net["layers"])
        assert sum(one["bytes"] for one in peak["alive"]) + peak["workspace"] == peak["bytes"]
    _, out, _ = shape("resnet18", "--memory", "--format", "csv", "--schedule", "convcalc")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [int(row["bytes"]) for row in rows] == [layer["bytes"] for layer in nets[0]["layers"]]


def test_as_markdown(shape: Shape) -> None:
    _, out, _ = shape("lenet5", "--memory", "--format", "markdown")
    assert "| tanh_1 | 6x28x28 | 18,816 | S2 |" in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--memory", "--optimizer", "adan"], "there is no optimizer 'adan': did you mean 'adam'?"),
        (["--memory", "--schedule", "tensorflow"], "there is no schedule 'tensorflow'"),
        (["--dtype", "float8"], "there is no dtype 'float8'"),
        (["--optimizer", "adam"], "--optimizer is of no use without --memory"),
        (["--schedule", "convcalc"], "--schedule is of no use without --memory"),
        (["--memory", "--algorithms"], "ask for one at a time"),
    ],
)
def test_what_makes_no_sense(shape: Shape, arguments: list[str], told: str) -> None:
    code, out, err = shape("lenet5", *arguments)
    assert (code, out) == (2, "")
    assert told in err
