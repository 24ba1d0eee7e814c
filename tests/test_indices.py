"""Pools and the way back by their indices; kernels that are shared by all places, by some, or by none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convcalc import kernels
from convcalc.checks.verification import compare_fields
from convcalc.cli import main
from convcalc.diagnostics import SpecError
from convcalc.graph import Graph, Ref
from convcalc.witness import Run, random_inputs
from convcalc.witness.dependence import observed_fields


def auto_encoder() -> Graph:
    """A pool, a convolution on what is left, and back."""
    graph = Graph()
    pool = graph.add("max_pool", graph.input((2, 16, 16)), kernel_size=2)
    body = graph.add("conv", pool, out_channels=2, kernel_size=3, padding=1)
    graph.output(graph.add("conv", graph.add("max_unpool", body, Ref(pool.node, 1), kernel_size=2),
                           out_channels=1, kernel_size=3))  # fmt: skip
    return graph


def test_a_pool_after_the_way_back_is_what_went_in() -> None:
    """Of what was put back the largest values are those that were pooled, where they stood."""
    x = np.abs(np.random.default_rng(1).standard_normal((2, 3, 8, 6)))
    (pooled, indices), _ = kernels.find("max_pool")(x, kernel_size=2)
    back, _ = kernels.find("max_unpool")(pooled, indices, kernel_size=2)
    (again, places), _ = kernels.find("max_pool")(back, kernel_size=2)
    np.testing.assert_array_equal(again, pooled)
    np.testing.assert_array_equal(places, indices)
    np.testing.assert_array_equal(back[back > 0], x[back > 0])
    assert (back > 0).sum() == pooled.size


HELD = """\
format: 1
input:
  x: {x}
  held: {held}
layers:
  - {op}
    from: [x, held]
"""


@pytest.mark.parametrize("fast", [(), ("--fast",)])
@pytest.mark.parametrize(("op", "x", "held", "values", "told"), [
    ("max_unpool: {kernel_size: 2}", "[1, 1, 2]", "{shape: [1, 1, 2], dtype: int64}", [[[3, 8]]],
     ("max_unpool_1: held holds 8 at [0, 0, 0, 1], the layer takes indices in 2x4, whole numbers from -1 to 7",
      "give the input held indices in 2x4, whole numbers from -1 to 7")),
    ("max_unpool: {kernel_size: 2}", "[1, 1, 2]", "{shape: [1, 1, 2], dtype: int64}", [[[-2, 7]]],
     ("max_unpool_1: held holds -2 at [0, 0, 0, 0], the layer takes indices in 2x4, whole numbers from -1 to 7",
      "give the input held indices in 2x4, whole numbers from -1 to 7")),
    ("cross_entropy:", "[3]", "{shape: [1], dtype: int64}", [3],
     ("cross_entropy_1: held holds 3 at [0, 0], the layer takes classes, whole numbers from 0 to 2",
      "give the input held classes, whole numbers from 0 to 2")),
    ("cross_entropy:", "[3]", "[1]", [1.0],
     ("cross_entropy_1: held holds numbers of float32, the layer takes classes, whole numbers from 0 to 2",
      "give the input held the dtype int64")),
])  # fmt: skip
def test_what_is_no_place_and_no_class_is_one_error(
    op: str, x: str, held: str, values: list[float], told: tuple[str, str], fast: tuple[str, ...],
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(HELD.format(x=x, held=held, op=op))
    np.save("held.npy", values)
    np.save("x.npy", np.ones([1, 1, 2] if "pool" in op else [3]))
    monkeypatch.setattr(
        "sys.argv", ["convcalc", "run", "net.yaml", "--input", "x=x.npy", "--input", "held=held.npy", *fast]
    )
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith(f"net.yaml:6:5: out-of-range: {told[0]}\n") and f"  fix: {told[1]}\n" in said
    assert said.endswith("1 finding\n")


def test_no_field_is_seen_of_an_input_of_indices() -> None:
    graph = Graph()
    x, held = graph.input((1, 2, 2), "x"), graph.input((1, 2, 2), "held", dtype="int64")
    graph.add("max_unpool", x, held, kernel_size=2)
    seen = {source: observed_fields(graph, random_inputs(graph), {}, source) for source in ("x", "held")}
    assert list(seen["x"]) == ["max_unpool_1"] and seen["held"] == {}


def test_fields_through_indices_are_bounds() -> None:
    graph = auto_encoder()
    analysis, inputs = graph.analyze(), random_inputs(graph)
    weights: dict[str, dict[str, np.ndarray]] = {}
    Run(graph, inputs, weights, forward_only=True)
    observed = observed_fields(graph, inputs, weights, "input")
    right, _, wrong = compare_fields(analysis, "input", observed)
    assert not wrong
    assert right == 2 * len(analysis.rows)
    outside = {"max_unpool_1": [reach and reach._replace(first=0, last=15) for reach in observed["max_pool_1"]]}
    assert compare_fields(analysis, "input", outside)[2]


def test_indices_are_not_values() -> None:
    graph = Graph()
    x = graph.input((2, 8, 8))
    graph.output(graph.add("max_unpool", x, x, kernel_size=2))
    with pytest.raises(SpecError, match="the second operand holds indices"):
        graph.analyze()


@pytest.mark.parametrize("shape", [(3, 7), (3, 6, 7), (2, 4, 5, 3)])
def test_from_shared_to_unshared_kernels(shape: tuple[int, ...]) -> None:
    """One tile is a convolution; as many tiles as positions are a local convolution."""
    rng, rank = np.random.default_rng(2), len(shape) - 1
    x = rng.standard_normal((2, *shape))
    args = {"padding": 1, "stride": 2, "flip": True, "padding_mode": "replicate"}
    kernel = (3, 2, 3)[:rank]
    weight, bias = rng.standard_normal((4, shape[0], *kernel)), rng.standard_normal(4)
    shared, _ = kernels.find("conv")(x, weight=weight, bias=bias, **args)
    ones = (1,) * rank
    tile = {"weight": weight.reshape(4, *ones, shape[0], *kernel), "bias": bias.reshape(4, *ones)}
    np.testing.assert_allclose(kernels.find("tiled_conv")(x, tiles=1, **tile, **args)[0], shared, atol=1e-12)
    places = shared.shape[2:]
    own = rng.standard_normal((4, *places, shape[0], *kernel))
    local, back = kernels.find("local_conv")(x, weight=own, bias=False, **args)
    tiled, tiled_back = kernels.find("tiled_conv")(x, tiles=places, weight=own, bias=False, **args)
    np.testing.assert_allclose(tiled, local, atol=1e-12)
    dy = rng.standard_normal(local.shape)
    for key, gradient in back(dy).items():
        np.testing.assert_allclose(tiled_back(dy)[key], gradient, atol=1e-12)
