"""The lectures' worked examples: each runs and gives what it says, and the figures are those that were recomputed."""

from __future__ import annotations

import copy
import re
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

import convcalc
from convcalc.checks import check_claims
from convcalc.checks.specs import check_spec
from convcalc.graph import Graph
from convcalc.kernels import correlation
from convcalc.kernels.correlation import toeplitz
from convcalc.spec.shipped import folder
from convcalc.tensors.samples import array_of
from convcalc.witness import Run
from convcalc.witness.examples import work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.analysis import Analysis

LECTURES = {path.stem: path for path in sorted(Path(folder(), "lectures").glob("*.yaml"))}
WITH_SAMPLES = [name for name, path in LECTURES.items() if re.search("^sample:", path.read_text(), re.M)]

# What the lectures define, compute or show, and the specs that do.
ROWS = {
    "cross-correlation, valid and same": "cross_correlation",
    "true convolution": "true_convolution",
    "convolution, rectifier, max pool of a 4x4 image": "convolve_rectify_pool",
    "convolution in one dimension": "signal_in_one_dimension",
    "lines by rows of (-1/2, 1, -1/2)": "edge_filters",
    "a kernel of 4x5 on 300x400": "kernel_by_axis",
    "stride 2 on 28x28": "stride_of_two",
    "32 filters, 896 parameters, 21,632 units, dense 50,878,464": "filters_and_units",
    "256x256x3 dense to the same size": "dense_on_pixels",
    "k = 3, dilation 4": "dilated",
    "28x28x1 to 5x5x64, or 6x6x64": "features_28x28",
    "Cx3x5, padding (2, 1), stride 2": "padding_by_axis",
    "384 to 384 channels": "weights_of_384_filters",
    "13x13x384 to 4096 dense": "dense_after_features",
    "three stacked 3x3": "three_small_kernels",
    "LeNet-5": "lenet5 lenet5_1998",
    "7x7x32 to 100 classes as convolutions": "dense_as_convolution classifier_head",
    "dense 5x5 against a kernel of 3": "dense_or_sparse",
    "Gaussian (1, 4, 6, 4, 1)/16": "gaussian gaussian_in_two_dimensions",
    "signals of one to four axes": "signals_of_one_to_four_axes",
    "unshared, shared and tiled": "shared_tiled_unshared",
    "what padding holds": "borders",
    "transposed convolution": "transposed_convolution",
    "the Toeplitz matrix and its transpose": "convolution_as_matrix",
    "im2col": "im2col",
    "FFT": "fourier",
    "Winograd": "winograd",
    "max, average and soft-maximum pooling": "pooling",
    "the gradient of max": "gradient_of_max",
    "invariance to translation": "translation_invariance",
    "a maximum over a group": "maximum_over_shifts",
    "nearest neighbours": "nearest_neighbours",
    "bed of nails, stored indices": "unpooling",
    "1x1 convolution": "one_by_one",
    "inception modules": "inception_module inception_module_naive inception_module_reduced",
    "auxiliary classifiers": "googlenet_aux",
    "residual modules": "residual_module residual_bottleneck",
    "AlexNet, VGG-16, GoogLeNet, ResNet": "alexnet_2012 vgg16 googlenet_2014 resnet50",
    "the neocognitron": "neocognitron",
    "edge and line filters": "line_filters",
    "the backward pass of a 3x3 input and a 2x2 kernel": "backward_pass",
}

CORRELATED = [[1, 4, 11], [4, 11, 5], [7, 7, 1]]
PADDED = [[2, 0, 0, 5, 7], [0, 1, 4, 11, 2], [1, 4, 11, 5, 2], [6, 7, 7, 1, 1], [7, 3, 0, 0, 2]]

FLIPPED = [[0, 2, 11], [3, 8, 8], [8, 9, 2]]
BINOMIAL = [0, 0, 1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16, 0, 0]

# The table of the references: what comes out of each example, by the name of the output.
RESULTS: dict[str, dict[str, Any]] = {
    "cross_correlation": {"valid": CORRELATED, "same": PADDED},
    "true_convolution": {
        "convolution": FLIPPED,
        "written_out": FLIPPED,
        "cross_correlation": CORRELATED,
    },
    "convolve_rectify_pool": {"relu_1": [[6, 8, 2], [6, 8, 2], [6, 8, 0]], "pooled": [[6, 8], [14, 16]]},
    "signal_in_one_dimension": {"cross_correlation": [7, 12, 17], "convolution": [8, 13, 18]},
    "edge_filters": {"vertical": [[2, -2], [-1, 1]], "horizontal": [[-1, -0.5], [3.5, 4]]},
    "gaussian": {"smoothed": BINOMIAL, "by_weights": BINOMIAL},
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
    ("shared_tiled_unshared", "dense"): 20,
    ("shared_tiled_unshared", "unshared"): 8,
    ("shared_tiled_unshared", "tiled"): 4,
    ("shared_tiled_unshared", "shared"): 2,
    ("edge_filters", "vertical"): 0,
    ("convolution_as_matrix", "by_matrix"): 36,
    ("convolution_as_matrix", "convolution"): 4,
}

# What is too large for a test runs as a smaller net.
SMALLER = {"dense_on_pixels": {"side": 8}, "dense_after_features": {"units": 8}, "filters_and_units": {"filters": 2}}


def rows(analysis: Analysis) -> dict[str, Any]:
    return {row.name: row for row in analysis.rows}


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_a_spec_whose_claims_hold(row: str) -> None:
    for name in ROWS[row].split():
        analysis = convcalc.load(name).analyze()
        claims = check_claims(analysis)
        assert claims.failed == ()
        assert claims.hold or name in WITH_SAMPLES, f"{name} claims nothing"


def test_every_example_belongs_to_a_row_and_every_figure_to_an_example() -> None:
    assert LECTURES.keys() <= {name for names in ROWS.values() for name in names.split()}
    held = {*RESULTS, *SHAPES, *(name for name, _ in PARAMS)} - {"features_28x28_ceil"}
    assert held <= LECTURES.keys()


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


def worked(name: str, algorithm: str = "im2col") -> list[dict[str, Any]]:
    """What goes in and comes out of each sample."""
    graph = convcalc.load(name)
    found = work(graph, graph.analyze().stored(), algorithm=algorithm)
    assert not any(one.findings for one in found)
    return [{**one.inputs, **one.outputs} for one in found]


@pytest.mark.parametrize("algorithm", correlation.names())
@pytest.mark.parametrize("name", ["cross_correlation", "convolve_rectify_pool", "gaussian", "convolution_as_matrix"])
def test_every_algorithm_gives_what_the_lecture_says(name: str, algorithm: str) -> None:
    assert worked(name, algorithm)


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("true_convolution", ["convolution written_out"]),
        ("gaussian", ["smoothed by_weights"]),
        ("gaussian_in_two_dimensions", ["at_once one_by_one"]),
        ("dense_or_sparse", ["dense sparse"]),
        ("shared_tiled_unshared", ["dense unshared"]),
        ("convolution_as_matrix", ["convolution by_matrix", "transposed by_transposed_matrix"]),
        ("im2col", ["product convolution"]),
        ("winograd", ["minimal convolution"]),
        ("fourier", ["back convolution"]),
        ("classifier_head", ["dense_scores scores"]),
    ],
)
def test_two_ways_give_the_same(name: str, pairs: list[str]) -> None:
    for arrays in worked(name):
        for pair in pairs:
            one, other = (arrays[output].reshape(-1) for output in pair.split())
            np.testing.assert_allclose(one, other, atol=1e-12)


def test_the_toeplitz_matrix_is_the_one_that_the_spec_writes_down() -> None:
    spec = convcalc.load("convolution_as_matrix").spec
    assert spec
    for kind, name, matrix, shape in (
        ("conv", "convolution.weight", "by_matrix.weight", (1, 3, 3)),
        ("conv_transpose", "transposed.weight", "by_transposed_matrix.weight", (1, 2, 2)),
    ):
        weight = array_of(spec.weights[name], (1, 1, 2, 2))
        assert toeplitz.layer_matrix(kind, shape, weight, {}).tolist() == spec.weights[matrix]


def test_a_shift_changes_all_units_and_half_of_the_maxima() -> None:
    (found,) = worked("translation_invariance")
    units, shifted = found["units"].ravel(), found["shifted"].ravel()
    assert shifted[1:].tolist() == units[:-1].tolist()
    maxima = [[max(x[max(0, i - 1) : i + 2]) for i in range(len(x))] for x in (units, shifted)]
    counts = [int(np.not_equal(*pair).sum()) for pair in ((units, shifted), maxima)]
    assert counts == [found["changed_units"].item(), found["changed_maxima"].item()] == [8, 4]


def test_a_maximum_over_all_shifts_is_the_same_for_each() -> None:
    found = worked("maximum_over_shifts")
    first = found[0]["signal"]
    assert [one["signal"].tolist() for one in found] == [np.roll(first, by, -1).tolist() for by in range(5)]
    assert {one["largest"].item() for one in found} == {12}


def test_the_convolutional_head_is_the_dense_one_in_every_window() -> None:
    """At the lecture's sizes, on one map and on a larger one, with the same weights."""
    rng = np.random.default_rng(0)
    net = convcalc.load("dense_as_convolution")
    stored = net.analyze().stored()
    weights: dict[str, dict[str, Any]] = {}
    for name, shape in stored.items():
        layer, leaf = name.split(".")
        weights.setdefault(layer, {})[leaf] = rng.standard_normal(shape)
    dense = Graph()
    x = dense.add("flatten", dense.input((32, 7, 7), name="x"))
    for layer, width in (("hidden_units", 64), ("scores", 100)):
        x = dense.add("linear", x, out_features=width, name=layer)
        x = dense.add("relu", x) if layer == "hidden_units" else x
    dense.output(x)
    rows = {
        layer: {"weight": own["weight"].reshape(len(own["weight"]), -1), "bias": own["bias"]}
        for layer, own in weights.items()
    }
    for height, width in ((7, 7), (9, 8)):
        map_ = rng.standard_normal((1, 32, height, width))
        (scores,) = Run(net.bind({"H": height, "W": width}), {"input": map_}, weights).outputs.values()
        assert scores.shape == (1, 100, height - 6, width - 6)
        for i, j in product(range(height - 6), range(width - 6)):
            (expected,) = Run(dense, {"x": map_[..., i : i + 7, j : j + 7]}, rows).outputs.values()
            np.testing.assert_allclose(scores[..., i, j], expected, rtol=1e-9, atol=1e-9)


# What is planted is caught.


def planted(text: str) -> Iterator[str]:
    """The text once for each array of its samples that is no input, with that array's first number one larger."""
    start = text.index("\nsample:") + 1
    samples = yaml.safe_load(text[start:])["sample"]
    samples = samples if isinstance(samples, list) else [samples]
    for place, sample in enumerate(samples):
        for key in sample.keys() - {"input"}:
            for name in sample[key] if isinstance(sample[key], dict) else [None]:
                wrong = copy.deepcopy(samples)
                own = wrong[place]
                if name is None:
                    own[key] = one_more(own[key])
                else:
                    own[key][name] = one_more(own[key][name])
                yield text[:start] + yaml.safe_dump({"sample": wrong})


def one_more(array: Any) -> Any:
    """The array, its first number one larger."""
    if isinstance(array, list):
        return [one_more(array[0]), *array[1:]]
    return str(Fraction(array) + 1) if isinstance(array, str) else array + 1


def wrong_claims(text: str) -> Iterator[str]:
    """The text once for each claim, with what it says, or the first size that it says, one larger."""
    for claims in re.finditer(r"\bexpect: \{(.*)\}", text):
        for claim in re.finditer(r"\w+: (?:\[([^],]+)|([^],{[}]+))", claims[1]):
            place = claims.start(1) + claim.end(claim.lastindex or 0)
            yield f"{text[:place]} + 1{text[place:]}"


@pytest.mark.parametrize("name", WITH_SAMPLES)
def test_a_wrong_number_in_any_array_is_caught(name: str, tmp_path: Path) -> None:
    texts = list(planted(LECTURES[name].read_text()))
    assert texts
    for place, text in enumerate(texts):
        path = tmp_path / f"wrong_{place}.yaml"
        path.write_text(text)
        graph = convcalc.load(str(path))
        worked = work(graph, graph.analyze().stored())
        assert [f.code for example in worked for f in example.findings], text


@pytest.mark.parametrize("name", LECTURES)
def test_any_wrong_claim_is_caught(name: str, tmp_path: Path) -> None:
    text = LECTURES[name].read_text()
    texts = list(wrong_claims(text))
    assert len(texts) >= text.count("expect: ")
    path = tmp_path / f"{name}.yaml"
    for wrong in texts:
        path.write_text(wrong)
        assert {finding.code for finding in check_spec(str(path)).findings} == {"expectation"}, wrong


def test_the_misprint_of_the_slide_is_caught(tmp_path: Path) -> None:
    text = LECTURES["cross_correlation"].read_text()
    assert "[7, 7, 1]]" in text
    path = tmp_path / "slide.yaml"
    path.write_text(text.replace("[7, 7, 1]]", "[7, 7, 7]]"))
    graph = convcalc.load(str(path))
    (worked,) = work(graph, graph.analyze().stored())
    assert [f.message for f in worked.findings] == ["valid at [0, 2, 2]: expected 7, computed 1"]
