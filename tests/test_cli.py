"""The command line as its users meet it: options, formats, pipes and terminals."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from convcalc import __version__
from convcalc.cli import main

if TYPE_CHECKING:
    from pathlib import Path

NET = """\
vars: {H: 8, width: 4}
input: [3, H, H]
layers:
  - conv: {out_channels: width, kernel_size: 3, padding: 1}
  - relu
"""


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    (tmp_path / "net.yaml").write_text(NET)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(*arguments: str, stdin: str = "", terminal: bool = False) -> Ran:
        out, err = (Terminal(), Terminal()) if terminal else (io.StringIO(), io.StringIO())
        monkeypatch.setattr(sys, "argv", ["convcalc", *arguments])
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as stopped:
            main()
        code = stopped.value.code
        return Ran(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())

    return run


def net(ran: Ran) -> dict:  # type: ignore[type-arg]
    assert ran.code == 0, ran.err
    (found,) = json.loads(ran.out)["nets"]
    return found


def test_version(run) -> None:  # type: ignore[no-untyped-def]
    assert run("--version") == (0, f"convcalc {__version__}\n", "")


def test_a_table_in_a_pipe_has_no_colour(run) -> None:  # type: ignore[no-untyped-def]
    ran = run("shape", "net.yaml")
    assert ran.code == 0
    assert ran.err == ""
    assert "\x1b" not in ran.out
    assert "conv_1" in ran.out
    assert "4x8x8" in ran.out


def test_a_terminal_gets_colour_unless_it_says_no(run, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[" in run("shape", "net.yaml", terminal=True).out
    assert "\x1b[" in run("shape", "net.yaml", "--set", "H=0", terminal=True).err
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("shape", "net.yaml", terminal=True).out
    assert "\x1b" not in run("shape", "net.yaml", "--set", "H=0", terminal=True).err


def test_a_wide_terminal_draws_the_shares(run, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", run("shape", "net.yaml", terminal=True).out)
    assert "█" in plain
    assert max(map(len, plain.splitlines())) <= 120


def test_settings(run) -> None:  # type: ignore[no-untyped-def]
    found = net(run("shape", "net.yaml", "--set", "width=2*8", "--set", "H=16", "-f", "json"))
    assert found["variables"] == {"H": 16, "width": 16}
    assert found["outputs"] == {"relu_1": [16, 16, 16]}
    assert net(run("shape", "net.yaml", "--set", "width=16,H=16", "-f", "json")) == found


def test_input_shapes_with_x_or_commas(run) -> None:  # type: ignore[no-untyped-def]
    for text in ("1x9x9", "1,9,9", "input=1x9x9"):
        assert net(run("shape", "net.yaml", "--input", text, "-f", "json"))["inputs"]["input"]["shape"] == [1, 9, 9]


def test_a_batch(run) -> None:  # type: ignore[no-untyped-def]
    one, four = (net(run("shape", "net.yaml", "--batch", n, "-f", "json"))["totals"] for n in ("1", "4"))
    assert four["macs"] == 4 * one["macs"]
    assert four["params"] == one["params"]


def test_columns_are_chosen_or_added(run) -> None:  # type: ignore[no-untyped-def]
    head = run("shape", "net.yaml", "--columns", "name,flops").out.splitlines()[2]
    assert head.split() == ["layer", "FLOPs"]
    head = run("shape", "net.yaml", "--columns", "+compares").out.splitlines()[2]
    assert head.split() == ["layer", "op", "output", "field", "params", "MACs", "share", "compares"]


def test_standard_input(run) -> None:  # type: ignore[no-untyped-def]
    assert net(run("shape", "-", "-f", "json", stdin=NET))["file"] == "<stdin>"
    ran = run("shape", "-", stdin=NET.replace("conv:", "convv:"))
    assert ran.code == 1
    assert ran.err.startswith("<stdin>:4:5: unknown-op")


def test_variants_by_name_and_by_option(run, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "net.yaml").write_text(NET + "variants: {net_wide: {vars: {width: 32}}}\n")
    assert net(run("shape", "net.yaml", "--variant", "net_wide", "-f", "json"))["variables"]["width"] == 32
    assert net(run("shape", "resnet18", "-f", "json"))["totals"]["params"] == 11_689_512
    assert run("shape", "net.yaml", "--variant", "net_thin").code == 2


def test_several_specs_give_totals_side_by_side(run) -> None:  # type: ignore[no-untyped-def]
    ran = run("shape", "net.yaml", "lenet5")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()[2:]] == ["net", "LeNet-5"]
    assert len(json.loads(run("shape", "net.yaml", "lenet5", "-f", "json").out)["nets"]) == 2


def test_a_broken_spec_does_not_hide_the_others(run, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "broken.yaml").write_text(NET.replace("conv:", "convv:"))
    ran = run("shape", "broken.yaml", "net.yaml", "lenet5")
    assert ran.code == 1
    assert "LeNet-5" in ran.out
    assert "unknown-op" in ran.err


def test_a_failed_claim_is_a_finding_beside_the_table(run, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "net.yaml").write_text(NET + "expect: {params: 3}\n")
    ran = run("shape", "net.yaml")
    assert ran.code == 1
    assert "conv_1" in ran.out
    assert ran.err.startswith("net.yaml:6:10: expectation: params: expected 3, found 112")


def test_check_searches_folders_and_tries_every_variant(run, tmp_path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "specs" / "deep"
    folder.mkdir(parents=True)
    (tmp_path / "specs" / ".hidden").mkdir()
    (tmp_path / "specs" / ".hidden" / "no.yaml").write_text("nonsense")
    (folder / "net.yml").write_text(NET + "variants: {net_empty: {vars: {H: 1}}, net_wide: {vars: {width: 9}}}\n")
    assert run("check", "specs") == (0, "1 spec, 3 nets: no findings\n", "")
    (folder / "net.yml").write_text(NET + "variants: {net_wide: {vars: {width: 0}}}\n")
    ran = run("check", "specs", "net.yaml")
    assert ran.code == 1
    assert ran.out.startswith(f"{os.path.join('specs', 'deep', 'net.yml')}:4:12: out-of-range")
    assert "note: in the variant net_wide\n" in ran.out


def test_check_of_nothing_could_not_run(run, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "empty").mkdir()
    assert run("check", "empty").code == 2
    ran = run("check", "missing.yaml", "net.yaml")
    assert ran.code == 2
    assert "missing.yaml" in ran.err


def test_names_work_from_any_directory(run) -> None:  # type: ignore[no-untyped-def]
    assert net(run("shape", "resnet50", "-f", "json"))["totals"]["macs"] == 4_089_184_256


def test_a_defect_is_told_in_one_line(run, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    def broken(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("convcalc.ops.conv.Conv.infer", broken)
    ran = run("shape", "net.yaml")
    assert ran.code == 2
    assert ran.err.startswith("convcalc: a defect in convcalc: ZeroDivisionError: planted")
    assert ran.err.count("\n") == 1
