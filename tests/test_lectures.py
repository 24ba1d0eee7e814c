"""The lectures' worked examples: each runs and gives what it says, and the figures are those that were recomputed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import convcalc
from convcalc.checks import check_claims
from convcalc.checks.specs import check_spec
from convcalc.examples import work
from convcalc.spec.shipped import folder

if TYPE_CHECKING:
    from convcalc.analysis import Analysis

LECTURES = {path.stem: path for path in sorted(Path(folder(), "lectures").glob("*.yaml"))}
WITH_SAMPLES = [name for name, path in LECTURES.items() if re.search("^sample:", path.read_text(), re.M)]

CORRELATED = [[1, 4, 11], [4, 11, 5], [7, 7, 1]]
PADDED = [[2, 0, 0, 5, 7], [0, 1, 4, 11, 2], [1, 4, 11, 5, 2], [6, 7, 7, 1, 1], [7, 3, 0, 0, 2]]

# The table of the references: what comes out of each example, by the name of the output.
RESULTS: dict[str, dict[str, Any]] = {
    "cross_correlation": {"valid": CORRELATED, "same": PADDED},
    "true_convolution": {"conv_1": [[0, 2, 11], [3, 8, 8], [8, 9, 2]]},
    "convolve_rectify_pool": {"relu_1": [[6, 8, 2], [6, 8, 2], [6, 8, 0]], "pooled": [[6, 8], [14, 16]]},
    "signal_in_one_dimension": {"cross_correlation": [7, 12, 17], "convolution": [8, 13, 18]},
    "edge_filters": {"vertical": [[2, -2], [-1, 1]], "horizontal": [[-1, -0.5], [3.5, 4]]},
    "gaussian": {"smoothed": [0, 0, 1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16, 0, 0]},
}

SHAPES: dict[str, list[tuple[int, ...]]] = {
    "kernel_by_axis": [(1, 301, 400)],
    "stride_of_two": [(32, 13, 13)],
    "padding_by_axis": [(1, 3, 3)],
    "features_28x28": [(16, 26, 26), (16, 13, 13), (64, 11, 11), (64, 5, 5)],
    "features_28x28_ceil": [(16, 26, 26), (16, 13, 13), (64, 11, 11), (64, 6, 6)],
    "dense_as_convolution": [(64, 1, 1), (64, 1, 1), (100, 1, 1)],
    "dilated": [(1, 3)],
}

PARAMS = {
    ("filters_and_units", "features"): 896,
    ("filters_and_units", "dense"): 50_878_464,
    ("dense_on_pixels", "linear_1"): 38_654_705_664,
    ("weights_of_384_filters", "conv_1"): 1_327_104,
    ("dense_after_features", "linear_1"): 265_814_016,
    ("dense_or_sparse", "dense"): 25,
    ("dense_or_sparse", "sparse"): 3,
    ("three_small_kernels", "one"): 49,
}

# What is too large for a test runs as a smaller net.
SMALLER = {"dense_on_pixels": {"side": 8}, "dense_after_features": {"units": 8}, "filters_and_units": {"filters": 2}}


def rows(analysis: Analysis) -> dict[str, Any]:
    return {row.name: row for row in analysis.rows}


def test_every_example_of_the_table_is_there() -> None:
    held = {*RESULTS, *SHAPES, *(name for name, _ in PARAMS)} - {"features_28x28_ceil"}
    assert held <= LECTURES.keys()
    assert len(LECTURES) >= 20


@pytest.mark.parametrize("name", LECTURES)
def test_what_it_claims_holds_in_every_variant_and_its_source_is_told(name: str) -> None:
    assert check_spec(str(LECTURES[name])).findings == ()
    text = LECTURES[name].read_text()
    assert re.search(r"^source: lecture .*; (recomputed|numbers by hand)$", text, re.M)
    assert text.startswith("# "), "each says in a comment what it shows"


@pytest.mark.parametrize("name", LECTURES)
def test_it_claims_something(name: str) -> None:
    analysis = convcalc.load(name).analyze()
    assert name in WITH_SAMPLES or check_claims(analysis).hold


@pytest.mark.parametrize("name", WITH_SAMPLES)
def test_its_samples_run_and_give_what_it_says(name: str) -> None:
    graph = convcalc.load(name)
    worked = work(graph, graph.analyze().stored())
    assert [finding.message for example in worked for finding in example.findings] == []
    assert worked
    assert all(example.compared for example in worked)


@pytest.mark.parametrize("name", RESULTS)
def test_results_are_those_of_the_references(name: str) -> None:
    graph = convcalc.load(name)
    first = work(graph, graph.analyze().stored())[0]
    assert {key: np.squeeze(y).tolist() for key, y in first.outputs.items()} == RESULTS[name]


@pytest.mark.parametrize("name", SHAPES)
def test_sizes_are_those_of_the_references(name: str) -> None:
    assert [row.shape for row in convcalc.load(name).analyze().rows] == SHAPES[name]


@pytest.mark.parametrize(("name", "layer"), PARAMS)
def test_parameters_are_those_of_the_references(name: str, layer: str) -> None:
    assert rows(convcalc.load(name).analyze())[layer].params == PARAMS[name, layer]


def test_other_figures_of_the_references() -> None:
    assert rows(convcalc.load("filters_and_units").analyze())["units"].shape == (21_632,)
    assert convcalc.load("filters_and_units").analyze(filters=1).rows[0].params == 28
    assert convcalc.load("dense_on_pixels").analyze().totals.parameter_bytes == 154_618_822_656
    assert convcalc.load("dilated").analyze().totals.receptive_field == (9,)
    three = convcalc.load("three_small_kernels").analyze().rows
    assert [row.fields[0].size for row in three] == [3, 5, 7, 7]
    assert sum(row.params for row in three[:3]) == 27
    sparse = rows(convcalc.load("dense_or_sparse").analyze())
    assert (sparse["dense"].macs, sparse["sparse"].macs) == (25, 15)
    units = {name: row.shape for name, row in rows(convcalc.load("lenet5").analyze()).items()}
    assert [np.prod(units[name]) for name in ("C1", "S2", "C3", "S4", "C5", "F6")] == [4704, 1176, 1600, 400, 120, 84]


@pytest.mark.parametrize("name", LECTURES)
def test_convcalc_run_finds_everything_as_predicted(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    from convcalc.cli import app

    settings = [f"{key}={value}" for key, value in SMALLER.get(name, {}).items()]
    options = [option for setting in settings for option in ("--set", setting)]
    # typer's return value of a command that raises Exit is its code.
    assert not app(["run", name, "--gradcheck", "--receptive-field", *options], standalone_mode=False)
    out = capsys.readouterr().out
    assert "verified: " in out
    assert "differs: " not in out
    assert ("of the spec's samples came out" in out) == (name in WITH_SAMPLES)


# What is planted is caught.


def planted(text: str) -> list[str]:
    """The text once for each array of its samples that is no input, with that array's first number one larger."""
    start = text.index("sample:")
    texts = []
    for key in re.finditer(r"^ +(?:- )?(\w[\w.]*): *(\[.*\])", text[start:], re.M):
        if key[1] == "input":
            continue
        place = start + key.start(2)
        number = re.search(r"(?<![\d/])-?\d+", text[place:])
        assert number
        wrong = str(int(number[0]) + 1)
        texts.append(text[: place + number.start()] + wrong + text[place + number.end() :])
    return texts


@pytest.mark.parametrize("name", WITH_SAMPLES)
def test_a_wrong_number_in_any_array_is_caught(name: str, tmp_path: Path) -> None:
    texts = planted(LECTURES[name].read_text())
    assert texts
    for place, text in enumerate(texts):
        path = tmp_path / f"wrong_{place}.yaml"
        path.write_text(text)
        graph = convcalc.load(str(path))
        worked = work(graph, graph.analyze().stored())
        assert [f.code for example in worked for f in example.findings], text


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("filters_and_units", "params: 28*filters", "params: 27*filters"),
        ("features_28x28", "output: [64, 5, 5]", "output: [64, 6, 6]"),
        ("three_small_kernels", "receptive_field: 7, params: 27", "receptive_field: 9, params: 27"),
        ("dense_or_sparse", "macs: 15", "macs: 13"),
    ],
)
def test_a_wrong_claim_is_caught(name: str, right: str, wrong: str, tmp_path: Path) -> None:
    text = LECTURES[name].read_text()
    assert right in text
    path = tmp_path / f"{name}.yaml"
    path.write_text(text.replace(right, wrong))
    assert [finding.code for finding in check_spec(str(path)).findings] == ["expectation"]


def test_the_misprint_of_the_slide_is_caught(tmp_path: Path) -> None:
    text = LECTURES["cross_correlation"].read_text()
    assert "[7, 7, 1]]" in text
    path = tmp_path / "slide.yaml"
    path.write_text(text.replace("[7, 7, 1]]", "[7, 7, 7]]"))
    graph = convcalc.load(str(path))
    (worked,) = work(graph, graph.analyze().stored())
    assert [f.message for f in worked.findings] == ["valid at [0, 2, 2]: expected 7, computed 1"]
