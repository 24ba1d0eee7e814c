"""Reports: what is printed adds up, fits, and says the same in every format."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

import convcalc
from convcalc.checks import check_claims
from convcalc.cli import app
from convcalc.diagnostics import times
from convcalc.graph import Graph
from convcalc.report import write
from convcalc.report.numbers import grouped, per_axis, share, short, size

if TYPE_CHECKING:
    from convcalc.analysis import Analysis

NETS = ("resnet50", "lenet5", "unet", "googlenet", "dcgan_generator")


def rendered(name: str, analysis: Analysis, **options: Any) -> str:
    file = io.StringIO()
    write(name, [(analysis, check_claims(analysis))], file, **options)
    return file.getvalue()


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("depth", [0, 1, 2, 9])
@pytest.mark.parametrize("name", NETS)
def test_the_printed_columns_add_up_to_the_printed_totals(name: str, depth: int) -> None:
    analysis = convcalc.load(name).analyze()
    text = rendered("table", analysis, columns="name,params,macs", depth=depth)
    _, _, body = text.partition("-\n")
    cells = [line.split()[1:] for line in body.split("\n\n")[0].splitlines()]
    numbers = [int(cell.replace(",", "")) for row in cells for cell in row]
    printed = {
        line.split("  ")[0]: int(re.findall(r"[\d,]+", line)[0].replace(",", ""))
        for line in body.splitlines()
        if line.startswith(("parameters", "MACs"))
    }
    assert sum(numbers) == printed["parameters"] + printed["MACs"]
    assert printed["MACs"] == analysis.totals.macs > 0


@pytest.mark.parametrize("depth", [0, 9])
@pytest.mark.parametrize("name", NETS)
def test_a_table_fits_eighty_columns(name: str, depth: int) -> None:
    for line in rendered("table", convcalc.load(name).analyze(), depth=depth).splitlines():
        assert len(line) <= 80, line


def test_folding_keeps_every_sum_and_the_last_shape() -> None:
    analysis = convcalc.load("googlenet").analyze()
    opened = read_csv(rendered("csv", analysis))
    text = rendered("table", analysis, columns="name,layers,macs", depth=0)
    assert "inception_4e" in text
    assert "inception_4e/" not in text
    assert len(opened) == len(analysis.rows)


def test_copies_that_are_alike_share_a_line() -> None:
    graph = convcalc.load(
        """\
input: [8, 16, 16]
blocks:
  Unit: {args: {width: 8}, layers: [conv: {out_channels: width, kernel_size: 3, padding: 1}, relu]}
layers:
  - Unit:
    name: stage
    repeat: 3
  - Unit: {width: 4}
"""
    )
    lines = rendered("table", graph.analyze()).splitlines()
    (stage,) = [line for line in lines if line.startswith("stage")]
    assert stage.split() == ["stage/1-3", "3x", "Unit", "8x16x16", "7", "/1", "1,752", "442,368", "85.7%"]
    opened = rendered("table", graph.analyze(), depth=1)
    assert [line.split()[0] for line in opened.splitlines() if line.startswith("stage")][:2] == [
        "stage/1/conv_1",
        "stage/1/relu_1",
    ]


def test_json_holds_the_analysis() -> None:
    analysis = convcalc.load("dcgan_generator").analyze(batch=2)
    document = json.loads(rendered("json", analysis))
    assert document["version"] == 1
    (net,) = document["nets"]
    assert net["totals"]["params"] == analysis.totals.params
    assert sum(layer["params"] for layer in net["layers"]) == net["totals"]["params"]
    assert sum(layer["macs"] for layer in net["layers"]) == net["totals"]["macs"]
    assert net["batch"] == 2
    assert [layer["name"] for layer in net["layers"]] == [row.name for row in analysis.rows]


def test_csv_has_a_row_a_layer_and_exact_numbers() -> None:
    analysis = convcalc.load("lenet5").analyze()
    rows = read_csv(rendered("csv", analysis, columns="name,params,macs,flops"))
    assert [row["name"] for row in rows] == [row.name for row in analysis.rows]
    assert sum(int(row["flops"]) for row in rows) == analysis.totals.flops


def test_markdown_escapes_what_would_be_markup() -> None:
    graph = Graph("a|b <i>*")
    graph.add("relu", graph.input((1, 4)))
    text = rendered("markdown", graph.analyze())
    assert text.startswith("### a\\|b \\<i>\\*: 1x4 -> 1x4\n")


def test_several_nets_stand_side_by_side() -> None:
    analyses = [(a, check_claims(a)) for a in (convcalc.load(name).analyze() for name in ("lenet5", "alexnet"))]
    file = io.StringIO()
    write("table", analyses, file)
    assert "61,706" in file.getvalue()
    assert "61,100,840" in file.getvalue()
    file = io.StringIO()
    write("csv", analyses, file)
    assert [row["params"] for row in read_csv(file.getvalue())] == ["61706", "61100840"]


def test_what_cannot_be_shown_is_refused() -> None:
    analysis = convcalc.load("lenet5").analyze()
    with pytest.raises(convcalc.Misuse, match=r"no column 'mac'.*did you mean 'macs'"):
        rendered("table", analysis, columns="mac")


@pytest.mark.parametrize(
    ("number", "told"),
    [(0, "0"), (999, "999"), (1000, "1.0 k"), (99_949, "99.9 k"), (999_949, "999.9 k"), (999_950, "1.0 M")]
    + [(25_557_032, "25.6 M"), (10**30, "1,000,000.0 Y")],
)
def test_short_numbers_round_to_the_nearest_tenth(number: int, told: str) -> None:
    assert short(number) == told


def test_quantities() -> None:
    assert size(102_228_128) == "102.2 MB"
    assert size(12) == "12 B"
    assert grouped(4_089_184_256) == "4,089,184,256"
    assert times((64, 7, 7)) == "64x7x7"
    assert share(1, 3) == "33.3%"
    assert share(0, 0) == "-"
    assert per_axis([3, 3]) == "3"
    assert per_axis([3, 5]) == "3x5"
    assert per_axis([]) == ""


@pytest.mark.parametrize("options", [(), ("--free", "H")])
def test_a_stride_below_1_is_in_brackets(options: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert not app(["shape", "dcgan_generator", *options], standalone_mode=False)
    assert "5 /(1/2) " in capsys.readouterr().out
