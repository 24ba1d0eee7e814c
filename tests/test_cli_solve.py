"""``convcalc solve`` as a command."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from convcalc.loading import open_graph
from convcalc.report.domain import write_json, write_solution
from convcalc.symbolic.solving import solve

if TYPE_CHECKING:
    from pathlib import Path


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    from convcalc.cli import main

    monkeypatch.setattr(sys, "argv", ["convcalc", "solve", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["unet", "--near", "570"], 0, "nearest    H=560 or 576, W=560 or 576"),
        (["unet", "--near", "H=90"], 0, "nearest    H=80 or 96\n"),
        (["unet", "--near", "576"], 0, "nearest    H=576, W=576 is valid"),
        (["vgg16_2014", "--near", "570"], 0, "nearest    H=255, W=255"),
        (["unet_2015", "--exact"], 0, "valid      H >= 188 and H % 16 == 12, W likewise"),
        (["resnet50", "--want", "conv5.H=0"], 1, "valid      none"),
        (["unet", "--set", "H=576"], 0, "U-Net: W\n\nvalid      W >= 16 and W % 16 == 0\n"),
        (["unet", "--set", "H=5,W=5"], 0, "U-Net: H and W\n"),
        (["unet", "--set", "H=570"], 1, "valid when H % 16 == 0; nearest 560, 576"),
        (
            ["c3d"],
            0,
            "C3D: T, H and W\n\nvalid      T in 16..31 and H in 16..31 and W in 480..511\n           or T in 32",
        ),
        (["lenet5_1998"], 0, "where it fails\nH in 32..35, W likewise  F6     H=36, W=32: in_features says 120"),
        (["vgg16_2014", "--link", "W=2*H"], 1, "fc6/linear_1  H=224: in_features says 25088, the operand has 50176"),
        (["resnet50", "--want", "output.H=7"], 2, "output has the axes C; the last that has H open is conv5"),
        (
            ["unet", "--near", "5.5"],
            2,
            "takes a size, as in 570, or sizes by name, as in H=570,W=300, not '5.5'",
        ),
        (["unet", "--near", "H=x"], 2, "--near H=x: there is no variable 'x' here"),
        (["conv", "28", "7", "--exact", "--near", "5"], 2, "--exact and --near cannot go with an op"),
        (["resnet50", "--over", "width=1:3", "--want", "params<=5M", "--free", "H"], 2, "--free cannot go with --over"),
        (["unet", "--near", "Q=3"], 2, "--near: Q is not open, but H, W"),
        (["unet", "--link", "W"], 2, "--link takes a name and an expression, as in W=2*H, not 'W'"),
        (["unet", "--link", "W=H/2"], 2, "convcalc: --link: in 'H/2': '/' would leave the integers"),
        (["unet", "--free", "Q"], 2, "there is no variable or axis 'Q' to open"),
        (["unet", "-f", "yaml"], 2, "there is no format 'yaml'"),
        (["resnet50", "--want", "params<=5M", "--over", "width=1:40"], 0, "width in 1..26, of 1..40\n"),
        (["resnet50", "--want", "params<=5M", "--over", "width=1:40"], 0, "width=26: params 4,727,826\n"),
        (["unet", "--want", "macs<=3G", "--over", "H=1:99", "--set", "W=32"], 0, "H in {16, 32, 48, 64, 80, 96}"),
        (["resnet50", "--want", "params<=5", "--over", "width=1:3"], 1, "no width, of 1..3"),
        (["resnet50", "--want", "params<=5M"], 2, "goes with --over width=1:128"),
        (["resnet50", "--over", "width=1:3"], 2, "--want what is wanted of them"),
        (["resnet50", "--over", "width=1", "--want", "params<=5M"], 2, "as in width=1:128, not 'width=1'"),
        (["resnet50", "--over", "depth=1:3", "--want", "params<=5M"], 2, "there is no variable 'depth'"),
        (["resnet50", "--over", "width=1:30000", "--want", "params<=5M"], 2, "1 to 10,000 values, this has 30,000"),
        (["resnet50", "--over", "width=1:3", "--want", "size<=5M"], 2, "--want size<=5M: "),
        (["resnet50", "--over", "width=1:3", "--want", "params<=5X"], 2, "'X' is not a unit"),
        (["conv", "28", "7"], 0, "87 settings, 17 of them leave nothing over"),
        (["conv_transpose", "3", "6"], 0, "kernel_size: 2, stride: 2"),
        (["max_pool", "7", "300"], 1, "none up to kernel_size 11"),
        (["conv", "28"], 2, "solve conv takes two sizes"),
        (["relu", "28", "7"], 2, "relu has no window"),
        (["unet", "--want", "mask.Z=3"], 2, "mask has the axes C, H, W"),
    ],
)
def test_what_is_said(
    arguments: list[str], code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left, out, err = run(monkeypatch, capsys, *arguments)
    assert left == code, err
    assert told in (out if out else err)


NEVER = """
input: [3, 64]
layers:
  - linear: {out_features: 50, in_features: 9}
  - relu:
    name: other
    from: input
  - avg_pool: {kernel_size: 12}
outputs: [linear_1, avg_pool_1]
"""


def test_a_contradiction_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "never.yaml"
    path.write_text(NEVER)
    code, out, err = run(monkeypatch, capsys, str(path))
    assert (code, err) == (1, "")
    lines = [line.split("  ")[0] for line in out.splitlines()]
    assert "valid" in lines[2]
    assert "L == 9" in lines
    assert "L >= 12" in lines


def test_json_holds_the_set() -> None:
    def members(own: dict[str, Any]) -> set[int]:
        found = {n for low, high in own["runs"] for n in range(low, high + 1)}
        if own["from"] is None:
            return found
        return found | {n for n in range(max(own["from"], 1), 500) if n % own["period"] in own["remainders"]}

    for name, symbol in (("fpn", "H"), ("unet_2015", "W"), ("vgg16_2014", "H")):
        solution = solve(open_graph(name))
        assert solution.domain is not None
        file = io.StringIO()
        write_json(solution, {"H": 570, "W": 570}, file)
        written = json.loads(file.getvalue())
        for which, solved in (("valid", solution.domain), ("reads_all", solution.unread)):
            assert solved is not None
            found = [members(each[symbol]) for each in written[which]["any_of"]]
            assert [{n for n in each if n < 500} for each in found] == [
                {n for n in range(500) if n in box[symbol]} for box in solved.boxes
            ]
        assert written["smallest"] == solution.domain.smallest()
        assert written["closest"] == solution.domain.closest({"H": 570, "W": 570})


def test_no_numpy_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in ("numpy", "sympy")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "numpy", None)  # type: ignore[arg-type]  # so that an import fails
    monkeypatch.setitem(sys.modules, "sympy", None)  # type: ignore[arg-type]
    out = io.StringIO()
    write_solution(solve(open_graph("unet")), None, out)
    assert "H % 16 in 0..7" in out.getvalue()


def test_nothing_is_near_where_the_set_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.yaml"
    path.write_text("vars: {H: 6, W: 6}\ninput: [1, H, W]\nlayers:\n  - reshape: {shape: [4, -1]}\n")
    assert "nearest    not decided, see below\n" in run(monkeypatch, capsys, str(path), "--near", "7")[1]
    told = json.loads(run(monkeypatch, capsys, str(path), "--near", "7", "-f", "json")[1])
    assert (told["nearest"], told["closest"], told["smallest"]) == (None, None, None)
