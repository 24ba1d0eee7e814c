"""Sweeps: every point as the analysis has it, what is invalid counted, and the rules alike in four domains."""

from __future__ import annotations

import csv
import io
import json
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import convcalc
from convcalc import load
from convcalc.analysis import examine
from convcalc.cli.sweep import axes, part
from convcalc.diagnostics import Misuse
from convcalc.expand import expand
from convcalc.loading import open_spec
from convcalc.report import sweep as report
from convcalc.report.numbers import short
from convcalc.report.sweep import Request, write_sweep
from convcalc.symbolic import sweeping
from convcalc.symbolic.carrying import carry
from convcalc.symbolic.forms import evaluator, symbol
from convcalc.symbolic.points import valid
from convcalc.symbolic.sweeping import METRICS, Cells, Grid, Sweep

if TYPE_CHECKING:
    from convcalc.graph import Graph

SPECS = Path(convcalc.__file__).parent.parent / "specs"


def compare(graph: Graph, grid: Grid) -> Counter[bool]:
    """Every point of a small grid against the analysis."""
    chunk = Sweep(graph, grid).chunk(0, grid.size, METRICS)
    seen: Counter[bool] = Counter()
    shapes = valid(chunk).shapes()
    for place in range(grid.size):
        values = {name: int(column[place]) for name, column in chunk.variables.items()}
        analysis, _ = examine(graph.bind(values))
        assert (analysis is not None) == chunk.valid[place], values
        seen[analysis is not None] += 1
        if analysis is None:
            continue
        totals = analysis.totals
        expected = (totals.params, totals.macs, totals.flops, totals.parameter_bytes + totals.memory.peak)
        assert tuple(int(chunk.metrics[name][place]) for name in METRICS) == expected, values
        assert [shape for shape in next(shapes) if shape] == [*analysis.outputs.values()], values
    assert sum(chunk.why.values()) == seen[False]
    return seen


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("resnet50", {"H": [1, 31, 224], "W": [33, 64], "width": [1, 16, 64]}),
        ("unet", {"H": range(14, 50, 3), "W": [32, 48], "width": [2]}),
        ("unet_2015", {"H": [150, 187, 188, 572]}),
        ("inception_v3", {"H": range(70, 80), "classes": [10]}),
        ("mobilenet_v2", {"alpha": [35, 100, 140], "H": [1, 64]}),
        ("alexnet", {"H": [62, 63, 300], "W": [227]}),
        ("densenet121", {"H": [28, 29, 64], "growth": [8, 12]}),
        ("lenet5", {"H": [31, 32, 33], "W": [28, 36]}),
    ],
)
def test_every_point_is_as_the_analysis_has_it(name: str, values: dict[str, Any]) -> None:
    assert compare(load(name), Grid(values))[True] > 1


NET = """
vars: {H: 16, k: 3, s: 2, p: 1, g: 1, n: 1, w: 4}
input: [4, H, H]
layers:
  - conv: {out_channels: w, kernel_size: k, stride: s, padding: p, groups: g}
  - relu:
    repeat: n
  - max_pool: {kernel_size: 2, ceil_mode: true, stride: s}
  - conv: {out_channels: "make_divisible(3*w, 8)", kernel_size: 1}
    when: n > 1
  - conv: {out_channels: 2*w, kernel_size: "min(k, 3)", padding: p}
"""


@pytest.mark.parametrize("seed", range(12))
def test_any_variables(seed: int) -> None:
    choose = random.Random(seed)
    choices = {
        "H": [1, 2, 7, 16], "k": [1, 2, 3, 5], "s": [0, 1, 2, 3], "p": [-1, 0, 1, 2], "g": [1, 2, 4],
        "n": [0, 1, 2, 3], "w": [1, 4, 6],
    }  # fmt: skip
    names = choose.sample(sorted(choices), 4)
    assert compare(load(NET), Grid({name: choices[name] for name in names})).total() > 80


def test_large_values_become_python_integers() -> None:
    graph = load("resnet50")
    grid = Grid({"H": [224, 3_000_000_000], "width": [64, 1 << 20]})
    assert compare(graph, grid)[True] == 4
    chunk = Sweep(graph, grid).chunk(0, 4, ["params", "macs"])
    assert chunk.metrics["macs"].dtype == object
    assert chunk.metrics["params"].dtype == np.int64
    assert max(chunk.metrics["macs"]) > 1 << 63


def test_a_bound_that_is_too_low_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "LARGEST", 1 << 200)
    with pytest.raises((AssertionError, OverflowError)):
        compare(load("resnet50"), Grid({"H": [3_000_000_000], "width": [1 << 20]}))


def test_chunks_and_shards_are_the_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "CHUNK", 7)
    sweep = Sweep(load("lenet5"), Grid({"H": range(28, 60), "W": [32, 33]}))
    whole = sweep.chunk(0, sweep.grid.size, METRICS)
    pieces = [
        chunk for shard in (1, 2, 3) for chunk in sweep.chunks(*sweep.grid.part(shard, 3), METRICS)
    ]  # fmt: skip
    for name in METRICS:
        joined = np.concatenate([piece.metrics[name][piece.valid] for piece in pieces])
        assert (joined == whole.metrics[name][whole.valid]).all()
    assert sum((piece.why for piece in pieces), Counter()) == whole.why
    assert len(pieces) > 8


# What is written.


def written(*options: str, grid: dict[str, Any], name: str = "lenet5") -> tuple[str, str]:
    request = Request.of(*options, list(grid))
    out, err = io.StringIO(), io.StringIO()
    sweep = Sweep(load(name), Grid(grid))
    write_sweep(sweep, 0, sweep.grid.size, request, out, err)
    return out.getvalue(), err.getvalue()


def test_formats_agree() -> None:
    grid = {"H": [30, 32, 40], "W": [32]}
    table, err = written("table", "params,macs", "", "", grid=grid)
    rows = list(csv.DictReader(io.StringIO(written("csv", "params,macs", "", "", grid=grid)[0])))
    lines = [json.loads(line) for line in written("jsonl", "params,macs", "", "", grid=grid)[0].splitlines()]
    expected = [load("lenet5").analyze(H=size, W=32).totals.macs for size in (32, 40)]
    assert [int(row["macs"]) for row in rows] == [line["macs"] for line in lines] == expected
    assert [row["H"] for row in rows] == ["32", "40"]
    assert "416,520" in table
    assert lines[0]["outputs"] == {"logits": [10]}
    assert err == "1 of 3 points are not valid:\n          1  C5: kernel-too-large\n"


FLAT = """
vars: {H: 9, n: 1, flat: 0}
input: [3, H]
layers:
  - conv: {out_channels: 4, kernel_size: 2}
    repeat: n
  - flatten:
    when: flat
"""


@pytest.mark.parametrize("pareto", ["", "+H,+n,+flat"])
def test_outputs_are_told_where_layers_come_and_go(
    pareto: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sweeping, "CHUNK", 3)
    (tmp_path / "flat.yaml").write_text(FLAT)
    grid = {"flat": [0, 1], "n": [1, 2], "H": [3, 4]}
    rows = csv.reader(io.StringIO(written("csv", "", pareto, "", grid=grid, name=str(tmp_path / "flat.yaml"))[0]))
    told = [["0", "1", "3", "4x2"], ["0", "1", "4", "4x3"], ["0", "2", "3", "4x1"], ["0", "2", "4", "4x2"]]
    told += [["1", "1", "3", "8"], ["1", "1", "4", "12"], ["1", "2", "3", "4"], ["1", "2", "4", "8"]]
    assert list(rows) == [["flat", "n", "H", "output"], *(told[-1:] if pareto else told)]


def test_an_output_that_is_off_is_left_out() -> None:
    grid = {"heads": [0, 1]}
    table, lines, rows = (written(form, "", "", "", grid=grid, name="googlenet")[0] for form in report.FORMATS)
    assert [line.split()[1:] for line in table.splitlines()[2:]] == [["1000"], ["1000,", "1000,", "1000"]]
    assert lines.splitlines()[1:] == ["0,1000,,", "1,1000,1000,1000"]
    outputs = [list(json.loads(line)["outputs"]) for line in rows.splitlines()]
    assert outputs == [["logits"], ["logits", "aux1", "aux2"]]


@pytest.mark.parametrize("pareto", ["macs,+H", "macs,+width,+H", "params", "memory,+width", "params,macs,+H"])
def test_the_front_is_what_nothing_beats(pareto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "CHUNK", 11)
    grid = {"H": list(range(32, 257, 32)), "width": [8, 12, 16, 64]}
    everything = list(
        csv.DictReader(io.StringIO(written("csv", ",".join(METRICS), "", "", grid=grid, name="resnet50")[0]))
    )
    shown = list(
        csv.DictReader(io.StringIO(written("csv", ",".join(METRICS), pareto, "", grid=grid, name="resnet50")[0]))
    )

    def of(row: dict[str, str]) -> list[int]:
        return [-int(row[name[1:]]) if name[0] == "+" else int(row[name]) for name in pareto.split(",")]

    def beats(one: list[int], other: list[int]) -> bool:
        return one != other and all(a <= b for a, b in zip(one, other, strict=True))

    front = {tuple(of(row)) for row in everything if not any(beats(of(other), of(row)) for other in everything)}
    assert {tuple(of(row)) for row in shown} == front
    assert len(shown) == len(front)


def test_a_plot_has_the_extremes() -> None:
    told, _ = written("table", "macs", "", "macs", grid={"H": range(32, 200)})
    lines = told.splitlines()
    assert lines[0] == "macs over H"
    assert len(lines) == report.HEIGHT + 2
    assert lines[1].split()[:2] == short(load("lenet5").analyze(H=199).totals.macs).split()
    assert lines[-1].split() == ["32", "199"]
    assert any(0x2800 < ord(c) < 0x2900 for c in lines[1])


def test_values_are_read() -> None:
    assert axes(["H=64:512:32"])["H"][-1] == 512
    assert axes(["width=16,32,64", "H=1:3"]) == {"width": [16, 32, 64], "H": [1, 2, 3]}
    assert axes(["a=1,b=2,3"]) == {"a": [1], "b": [2, 3]}
    assert part("2/8") == (2, 8)
    for wrong in (["5"], ["H"], ["H=3:1"], ["H=1:5:0"], ["H=x"], None, ["H=1:9999999999"]):
        with pytest.raises(Misuse):
            axes(wrong)
    for wrong_part in ("0/2", "3/2", "a/b", "2"):
        with pytest.raises(Misuse):
            part(wrong_part)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("xml", "macs", "", ""), "no format 'xml'"),
        (("csv", "mac", "", ""), "no metric 'mac'"),
        (("csv", "macs", "foo", ""), "no 'foo' in this sweep"),
        (("table", "macs", "", "foo"), "no 'foo' in this sweep"),
        (("csv", "macs", "", "macs"), "--plot draws, and --format csv does not"),
    ],
)
def test_what_is_not_there(options: tuple[str, str, str, str], told: str) -> None:
    with pytest.raises(Misuse, match=told):
        Request.of(*options, ["H"])


# One rule, four domains.

OPS = sorted(path.stem for path in (SPECS / "ops").glob("*.yaml"))
SIZES = [0, 1, 2, 3, 5, 8, 12]


def moved(graph: Graph, by: Any) -> dict[str, list[Any]]:
    """Every input's shape, its spatial axes larger by a dim."""
    shapes = {name: graph.nodes[ref.node].shape or () for name, ref in graph.inputs.items()}
    return {name: [shape[0], *(size + by for size in shape[1:])] for name, shape in shapes.items()}


@pytest.mark.parametrize("name", OPS)
def test_ints_arrays_closed_forms_and_sympy_agree(name: str) -> None:
    from raw_sympy import plain, raw

    spec, _ = open_spec(name)
    known = expand(spec)
    every: dict[str, Any] = {"form": symbol("d", 0), "array": Cells(np.array(SIZES)), "sympy": raw("d")}
    carried = {domain: carry(expand(spec, inputs=moved(known, dim))) for domain, dim in every.items()}
    for place, size in enumerate(SIZES):
        analysis, _ = examine(expand(spec, inputs=moved(known, size)))
        form = evaluator({"d": size})
        valid = all(d._replace(left=form(d.left), right=form(d.right)).holds() for _, d in carried["form"].conditions)
        assert valid == (analysis is not None)
        if analysis is None:
            continue

        def of(domain: str, dim: Any, form: Any = form, place: int = place, size: int = size) -> int:
            if domain == "form":
                return int(form(dim))
            if domain == "array":
                return int(dim.values[place]) if isinstance(dim, Cells) else dim
            expression = plain(dim)
            return int(expression.subs(dict.fromkeys(expression.free_symbols, size)))

        for domain, each in carried.items():
            steps = [step for step in each.steps if step.op is not None]
            for row, step in zip(analysis.rows, steps, strict=True):
                assert tuple(tuple(of(domain, n) for n in shape) for shape in step.outputs) == row.shapes, domain
                assert tuple(of(domain, n) for n in step.cost) == row.cost, domain
                if row.params:
                    assert of(domain, step.count) == row.params, domain
