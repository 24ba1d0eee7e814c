"""Closed forms of whole nets: the figures of the references, and the concrete analysis at many values."""

from __future__ import annotations

import json
import math
import sys
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import convcalc
from convcalc import closed_forms, load
from convcalc.analysis import examine
from convcalc.cli import main
from convcalc.diagnostics import Misuse, SpecError
from convcalc.expressions import evaluate
from convcalc.symbolic import closed as module
from convcalc.symbolic.closed import UNKNOWN, check
from convcalc.symbolic.forms import Form, evaluator
from convcalc.symbolic.writing import text

if TYPE_CHECKING:
    from collections.abc import Callable


class Ran(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["convcalc", *arguments])
        code = 0
        try:
            main()
        except SystemExit as left:
            code = int(left.code or 0)
        told = capsys.readouterr()
        return Ran(code, told.out, told.err)

    return run


SPECS = Path(convcalc.__file__).parent.parent / "specs"
MODELS = sorted(path.stem for path in (SPECS / "models").glob("*.yaml"))


def free_sizes(name: str) -> tuple[str, ...]:
    return tuple(one for one in ("H", "W") if one in load(name).values)


# name, free variables, and what the references say of it
FIGURES = {
    ("resnet50", "H,W"): {
        "macs": "9408*ceil(H/2)*ceil(W/2) + 245760*ceil(H/4)*ceil(W/4) + 1310720*ceil(H/8)*ceil(W/8) + "
        "7471104*ceil(H/16)*ceil(W/16) + 14417920*ceil(H/32)*ceil(W/32) + 2048000",
        "valid": ("H >= 1", "W >= 1"),
        "shape": {"conv5": ("2048", "ceil(H/32)", "ceil(W/32)")},
    },
    ("resnet50", "width"): {"params": "5724*width^2 + 32977*width + 1000"},
    ("unet_2015", "H"): {"valid": ("H >= 188",), "shape": {"mask": ("2", "16*floor((H + 4)/16) - 188", "388")}},
    ("inception_v3", "H"): {"valid": ("H >= 75",)},
    ("alexnet", "H"): {"valid": ("H >= 63",)},
    ("vgg16", "H"): {"valid": ("H >= 32",)},
    ("unet", "H,W"): {"valid": ("H >= 16", "H % 16 == 0", "W >= 16", "W % 16 == 0")},
    ("fpn", "W"): {"valid": ("W >= 29", "W % 32 in {0, 29, 30, 31}")},
    ("vgg16_2014", "H,W"): {"valid": ("H >= 32", "W >= 32", "floor(H/32)*floor(W/32) == 49")},
    ("vgg16_2014", "H"): {"valid": ("H in 224..255",)},
}


@pytest.mark.parametrize("case", FIGURES, ids="-".join)
def test_the_references(case: tuple[str, str]) -> None:
    name, free = case
    closed = closed_forms(load(name), *free.split(","))
    wanted: dict[str, Any] = FIGURES[case]
    for key in ("params", "macs"):
        if key in wanted:
            assert text(getattr(closed.totals, key)) == wanted[key]
    assert closed.domain.told == wanted.get("valid", closed.domain.told)
    for layer, shape in wanted.get("shape", {}).items():
        rows = [row for row in closed.rows if row.name.split("/")[0] == layer]
        assert tuple(map(text, rows[-1].shape)) == shape


def test_resnet152_has_the_same_terms() -> None:
    told = text(closed_forms(load("resnet152"), "H", "W").totals.macs)
    products = [f"ceil(H/{2**i})*ceil(W/{2**i})" for i in range(1, 6)]
    assert told.count("+") == 5
    assert all(product in told for product in products)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_at_many_sizes(name: str) -> None:
    graph = load(name)
    closed = closed_forms(graph, *free_sizes(name)) if free_sizes(name) else None
    if closed is None:
        assert not {"H", "W"} & graph.values.keys(), "only a net without H and W has no free size"
        return
    for size in (1, 20, 31, 32, 33, 63, 90, 127, 188, 224, 225, 299, 572):
        point = {"H": size, "W": size + 5}
        values = {one: point[one] for one in closed.free}
        of = evaluator(values)
        analysis, _ = examine(graph.bind(values))
        assert closed.domain.holds(of) == (analysis is not None), (size, closed.domain.told)
        if analysis is None:
            continue
        assert module._told(closed, of) == module._known(closed, analysis)
        assert {key: tuple(map(of, shape)) for key, shape in closed.outputs.items()} == analysis.outputs


@pytest.mark.parametrize(
    ("free", "told"),
    [
        ("k", ("k in 1..33",)),
        ("s", ("s >= 1", "s <= 31")),
        ("d", ("d >= 1", "d <= 16")),
        ("H,s", ("H >= 1", "s >= 1", "s <= 31", "H >= s + 1")),
        ("k,d", ("k >= 1", "d >= 1", "d + 33 >= d*k", "floor((d*k + d)/2) + 16 >= d*k")),
    ],
)
def test_where_kernels_and_strides_fit(free: str, told: tuple[str, ...]) -> None:
    graph = load(
        "vars: {H: 32, k: 3, s: 1, d: 1}\ninput: [4, H, 32]\nlayers:\n"
        "  - conv: {out_channels: 8, kernel_size: k, stride: s, padding: 1, dilation: d}\n"
        "  - max_pool: {kernel_size: 2}\n"
    )
    closed = closed_forms(graph, *free.split(","))
    assert closed.domain.told == told
    values = product(range(1, 40), repeat=len(closed.free))
    for point in (dict(zip(closed.free, each, strict=True)) for each in values):
        holds = examine(graph.bind(point))[0] is not None
        assert holds == closed.domain.holds(evaluator(point)), point
        if not any(" in " in condition for condition in told):
            assert holds == all(evaluate(condition, point) for condition in told), point


@pytest.mark.parametrize(
    ("mode", "told"), [("reflect", ("H >= 2", "W >= 2")), ("replicate", ("H >= 1", "W >= 1", "H*W >= 2"))]
)
def test_what_follows_from_the_least_sizes_is_not_told(mode: str, told: tuple[str, ...]) -> None:
    layers = (
        f"  - pad: {{padding: 1, mode: {mode}}}\n  - conv: {{out_channels: 4, kernel_size: 3}}\n  - instance_norm\n"
    )
    graph = load(f"vars: {{H: 8, W: 8}}\ninput: [3, H, W]\nlayers:\n{layers}")
    assert closed_forms(graph, "H", "W").domain.told == told


def test_what_a_domain_says_is_what_holds() -> None:
    closed = closed_forms(load("unet"), "H")
    for size in range(1, 200):
        told = all(evaluate(condition, {"H": size}) for condition in closed.domain.told)
        assert told == (size >= 16 and size % 16 == 0) == closed.domain.holds(evaluator({"H": size}))


NET = """
vars: {H: 64, W: 48, k: 3, s: 2, w: 16, p: 1, g: 2, n: 1}
input: [4, H, W]
layers:
  - conv: {out_channels: w, kernel_size: k, stride: s, padding: k//2}
  - add:
      - - conv: {out_channels: w, kernel_size: 3, padding: 1}
      - []
  - conv: {out_channels: "make_divisible(2*w, 8)", kernel_size: 3, padding: p, dilation: p}
  - max_pool: {kernel_size: 2, ceil_mode: true}
  - conv: {out_channels: 2*w, kernel_size: 1, groups: g}
  - relu:
    repeat: n
  - global_avg_pool
"""


@pytest.mark.parametrize("free", ["k", "s", "w", "p", "g", "H,k", "H,W,k,s,w,p", "w,g", "N,w", "H,s"])
def test_any_variable_may_be_free(free: str) -> None:
    graph = load(NET)
    closed = closed_forms(graph, *free.split(","))
    points = check(closed, graph)
    assert len({tuple(point.items()) for point in points}) == len(points) >= 2
    assert all(row.fields != UNKNOWN for row in closed.rows)


def test_receptive_fields_have_forms() -> None:
    totals = closed_forms(load(NET), "k", "s").totals
    assert totals.fields is not None
    assert totals.strides is not None
    assert (text(totals.fields[0]), text(totals.strides[0])) == ("k + 5*s", "2*s")


def test_the_batch_may_be_free() -> None:
    closed = closed_forms(load("lenet5"), "N")
    assert text(closed.totals.macs) == "416520*N"
    assert closed.totals.params == 61_706


def test_a_free_attribute_that_decides_the_layers_is_refused() -> None:
    with pytest.raises(SpecError, match="'repeat' depends on the free variable n") as refused:
        closed_forms(load(NET), "n")
    assert refused.value.diagnostics[0].fix == "set it: --set n=1"


def test_sizes_that_decide_a_field_leave_it_unknown_and_say_so() -> None:
    net = "vars: {H: 9}\ninput: [3, H]\nlayers:\n  - adaptive_avg_pool: {output_size: 4}\n  - relu\n"
    closed = closed_forms(load(net), "H")
    assert [row.fields for row in closed.rows] == [UNKNOWN, UNKNOWN]
    assert closed.totals.fields is None


def test_the_number_of_bins_may_be_free() -> None:
    graph = load("vars: {H: 30, n: 4}\ninput: [3, H, H]\nlayers:\n  - adaptive_avg_pool: {output_size: n}\n")
    for free, values in (("n", range(1, 40)), ("H", range(1, 40))):
        closed = closed_forms(graph, free)
        for value in values:
            wanted = graph.analyze(**{free: value}).totals.flops
            assert closed.totals.flops.evaluate({free: value}) == wanted, (free, value)
    with pytest.raises(SpecError, match="greatest common divisor of n and H cannot be decided"):
        closed_forms(graph, "H", "n")


def test_a_name_that_is_no_variable() -> None:
    with pytest.raises(Misuse, match="no variable 'X' to free"):
        closed_forms(load("lenet5"), "X")


def test_a_wrong_form_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = load("lenet5")
    closed = closed_forms(graph, "H")
    wrong = closed._replace(totals=closed.totals._replace(macs=closed.totals.macs + 1))
    with pytest.raises(AssertionError, match="the closed forms of LeNet-5 are wrong at H = 32"):
        check(wrong, graph)
    right = Form.__floordiv__
    monkeypatch.setattr(Form, "__floordiv__", lambda self, other: right(self + 1, other))
    with pytest.raises(AssertionError):
        check(closed_forms(graph, "H"), graph)


def test_sympy_expressions_can_be_carried_on_with() -> None:
    sp = pytest.importorskip("sympy")
    closed = closed_forms(load("resnet50"), "width")
    params = closed.sympy(closed.totals.params)
    (width,) = params.free_symbols
    assert width.is_integer
    assert max(n for n in range(1, 40) if params.subs(width, n) <= 5_000_000) == 26
    assert sp.degree(params, width) == 2
    assert closed.sympy(1000) == 1000


# The command.


def test_the_table(command: Callable[..., Ran]) -> None:
    done = command("shape", "lenet5", "--free", "H,W")
    assert done.returncode == 0, done.stderr
    assert "58080*(floor(H/4) - 7)*(floor(W/4) - 7) + 840" in done.stdout
    assert "valid where      H >= 32 and W >= 32\n" in done.stdout
    assert "checked against the net at H = 32, W = 32; " in done.stdout


def test_json_reads_back(command: Callable[..., Ran]) -> None:
    done = command("shape", "resnet50", "--free", "H,width", "--format", "json")
    (net,) = json.loads(done.stdout)["nets"]
    analysis = load("resnet50").analyze(H=320, width=32)
    values = {"H": 320, "width": 32}
    for key in ("params", "macs", "flops"):
        parts = net["totals"][key].split(" + ")
        assert sum(evaluate(part, values) for part in parts) == getattr(analysis.totals, key)
    for told, row in zip(net["layers"], analysis.rows, strict=True):
        assert tuple(evaluate(str(size), values) for size in told["shape"]) == row.shape
    assert net["valid"] == ["H >= 1", "width >= 1"]


def evaluated(told: int | str, values: dict[str, int]) -> int:
    """A form by Python's own reading; the grammar of specs takes 200 characters."""
    return eval(str(told).replace("^", "**"), {"ceil": math.ceil, "floor": math.floor, **values})  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", [name for name in MODELS if free_sizes(name)])
def test_every_model_in_every_format(name: str, command: Callable[..., Ran]) -> None:
    free = free_sizes(name)
    told = {
        format_: command("shape", name, "--free", ",".join(free), "--format", format_, "--columns", "+flops,compares")
        for format_ in ("table", "latex", "json", "python")
    }
    assert [done.stderr for done in told.values()] == [""] * 4
    (net,) = json.loads(told["json"].stdout)["nets"]
    analysis = load(name).analyze()
    values = {one: load(name).values[one] for one in free}
    space: dict[str, Any] = {}
    exec(told["python"].stdout, space)  # noqa: S102  # the text is ours
    made = next(value for key, value in space.items() if key != "__builtins__")(**values)
    for key in ("params", "macs", "flops"):
        wanted = getattr(analysis.totals, key)
        assert made[key] == wanted
        assert evaluated(net["totals"][key], values) == wanted
    assert made["shapes"] == {row.name: row.shape for row in analysis.rows}


def test_a_map_of_one_channel_is_written() -> None:
    net = "vars: {H: 9}\ninput: [1, H]\nlayers:\n  - max_pool: {kernel_size: 3, stride: 1}\n  - relu\n"
    closed = closed_forms(load(net), "H")
    assert [text(row.cost.compares) for row in closed.rows] == ["2*H - 4", "H - 2"]


def test_python_runs(command: Callable[..., Ran]) -> None:
    done = command("shape", "resnet50", "--free", "H,W", "--format", "python")
    space: dict[str, Any] = {}
    exec(done.stdout, space)  # noqa: S102  # the text is ours
    found = space["resnet50"](320, 321)
    analysis = load("resnet50").analyze(H=320, W=321)
    assert found["macs"] == analysis.totals.macs
    assert found["shapes"] == {row.name: row.shape for row in analysis.rows}


def test_latex_is_whole(command: Callable[..., Ran]) -> None:
    done = command("shape", "resnet50", "--free", "H,W", "--format", "latex")
    assert r"\left\lceil \frac{H}{32} \right\rceil" in done.stdout
    for opening, closing in (("{", "}"), (r"\begin", r"\end"), (r"\left", r"\right")):
        assert done.stdout.count(opening) == done.stdout.count(closing)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--free", "X"), "no variable 'X' to free"),
        (("--free", "H", "--set", "H=3"), "H is both free and set"),
        (("--free", "H", "--format", "csv"), "--free has no format 'csv'"),
        (("--free", "H", "--columns", "bytes"), "closed forms have no column 'bytes'"),
        (("--free", ","), "--free takes names of variables, as in H,W, not ','"),
        (("--free", "H", "--dtype", "float16", "--backward"), "--dtype and --backward cannot go with --free"),
        (("--free", "H", "--algorithms"), "--free and --algorithms are reports of their own"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments: tuple[str, ...], message: str, command: Callable[..., Ran]
) -> None:
    done = command("shape", "lenet5", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_fields_have_a_form_where_channels_that_are_free_are_joined() -> None:
    graph = load("unet")
    closed = closed_forms(graph, "width")
    assert closed.totals.fields == graph.analyze().totals.receptive_field


@pytest.mark.parametrize("free", ["H,W", "classes", "N"])
def test_fields_have_a_form_where_channels_go_different_ways(free: str) -> None:
    graph = load("shufflenet_v2_x1_0")
    closed = closed_forms(graph, *free.split(","))
    assert closed.totals.fields == graph.analyze().totals.receptive_field
    assert all(row.fields != UNKNOWN for row in closed.rows)
    assert len(check(closed, graph)) == 3


def test_a_free_number_of_channels_that_are_parted_leaves_the_field_unknown() -> None:
    layers = "  - conv: {out_channels: 2*w, kernel_size: 3}\n  - split: {chunks: 2}\n  - relu\n"
    closed = closed_forms(load(f"vars: {{w: 4}}\ninput: [3, 9, 9]\nlayers:\n{layers}"), "w")
    assert [row.fields == UNKNOWN for row in closed.rows] == [False, True, True]


def test_a_condition_that_no_value_meets_is_told(command: Callable[..., Ran], tmp_path: Path) -> None:
    path = tmp_path / "never.yaml"
    path.write_text(
        "vars: {H: 9}\ninput: [1, H, 9]\nlayers:\n  - pad: {padding: [0, [0, 3]]}\n    name: wide\n"
        "  - conv: {out_channels: 1, kernel_size: [H, 1]}\n    from: input\n    name: a\n"
        "  - slice: {dim: 2, start: H, end: H + 1}\n    from: input\n    name: b\noutputs: [wide, a, b]\n"
    )
    done = command("shape", str(path), "--free", "H")
    assert "valid where      H >= 1 and 0 >= 1\nnot checked: no values nearby are valid\n" in done.stdout, done


TWO = """
input: {left: [3, 32, 32], right: [3, 16, 16]}
layers:
  - max_pool: {kernel_size: 2}
    from: left
  - concat:
    from: [max_pool_1, right]
"""


def test_axes_that_are_written_as_numbers_may_be_free(command: Callable[..., Ran], tmp_path: Path) -> None:
    plain = load("input: [3, 32, 40]\nlayers:\n  - max_pool: {kernel_size: 2}\n")
    closed = closed_forms(plain, "H", "W", "N")
    assert [tuple(map(text, shape)) for shape in closed.outputs.values()] == [("3", "floor(H/2)", "floor(W/2)")]
    assert check(closed, plain)[:2] == [{"H": 32, "W": 40, "N": 1}, {"H": 33, "W": 42, "N": 2}]
    path = tmp_path / "two.yaml"
    path.write_text(TWO)
    done = command("shape", str(path), "--free", "left.H,right.H")
    assert "valid where      left.H >= 2 and right.H >= 1 and right.H == floor(left.H/2)\n" in done.stdout
    done = command("shape", str(path), "--free", "left.H", "--format", "python")
    space: dict[str, Any] = {}
    exec(done.stdout, space)  # noqa: S102  # the text is ours
    assert space["net"](left_H=33)["outputs"] == {"concat_1": (6, 16, 16)}
    assert "one of left.H, left.W, right.H, right.W" in command("shape", str(path), "--free", "H").stderr
