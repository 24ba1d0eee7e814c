"""``convcalc rf`` as users meet it: text, JSON, pictures, mistakes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from test_fields import random_net

import convcalc
from convcalc.analysis.fields import Trace
from convcalc.analysis.view import View, field_of, last_map, middle, view
from convcalc.cli import app
from convcalc.draw.field import FINE, Part, heat, in_svg, in_text, picture
from convcalc.graph import Graph, Ref
from convcalc.witness.effective import effective

if TYPE_CHECKING:
    from pathlib import Path

DILATED = """\
vars: {n: 21}
input: [1, n, n]
layers:
  - conv: {out_channels: 1, kernel_size: 3, dilation: 2, padding: 2}
  - conv: {out_channels: 1, kernel_size: 3, dilation: 4, padding: 4}
    name: last
  - global_avg_pool
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(DILATED, encoding="utf-8")
    return tmp_path


def rf(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert not app(["rf", *arguments], standalone_mode=False)
    return capsys.readouterr().out


def refused(*arguments: str) -> str:
    with pytest.raises(convcalc.Misuse) as caught:
        app(["rf", *arguments], standalone_mode=False)
    return str(caught.value)


@pytest.mark.usefixtures("folder")
def test_the_last_map_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    lines = rf(capsys, "net.yaml").splitlines()
    assert lines[0] == "net: last (conv), 1x21x21, on input 21x21"
    assert lines[4].split() == ["H", "13", "1", "-6", "0", "7", "of", "13", "1", "12", "of", "21", "outputs"]
    assert lines[7] == "field: 49 of 13x13 positions, 29.0%"
    assert lines[8] == "unit 10,10 sees 49 of the input's 441 positions, 11.1%"
    raster = lines[11:32]
    seen = {(row, column) for row, line in enumerate(raster) for column in range(21) if line[2 * column] in "█#"}
    assert seen == {(row, column) for row in range(4, 17, 2) for column in range(4, 17, 2)}


@pytest.mark.usefixtures("folder")
def test_a_unit_at_the_border(capsys: pytest.CaptureFixture[str]) -> None:
    text = rf(capsys, "net.yaml", "conv_1", "--at", "0,20", "--set", "n=23")
    assert "unit 0,20 sees 6 of the input's 529 positions, 1.1%; 3 of its field are lost to the border" in text
    assert "in the padding" in text


@pytest.mark.usefixtures("folder")
def test_behind_a_global_op(capsys: pytest.CaptureFixture[str]) -> None:
    text = rf(capsys, "net.yaml", "global_avg_pool_1")
    assert "the whole input is seen through global_avg_pool_1; --local leaves global operations out" in text
    assert "unit 0,0 sees 441 of the input's 441 positions" in text


@pytest.mark.usefixtures("folder")
def test_all_layers(capsys: pytest.CaptureFixture[str]) -> None:
    cells = [line.split() for line in rf(capsys, "net.yaml", "--all").splitlines()[4:]]
    assert [row[0] for row in cells] == ["conv_1", "last", "global_avg_pool_1"]
    assert [row[3] for row in cells] == ["5", "13", "all"]
    assert cells[1][3:] == ["13", "1", "-6", "0", "29.0%", "1"]


@pytest.mark.usefixtures("folder")
def test_json_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    (told,) = json.loads(rf(capsys, "net.yaml", "-f", "json"))["fields"]
    assert (told["layer"], told["positions"], told["window"], told["exact"]) == ("last", 49, 169, True)
    side = [[place, place] for place in range(4, 17, 2)]
    assert told["boxes"] == [[side, side]]
    assert told["seen"] == {"positions": 49, "exact": True, "cut_by_border": False, "boxes": [[side, side]]}
    assert told["dead"] == {"positions": 0, "exact": True, "across": [[], [], []]}
    assert told["axes"][0] == {
        "size": 13, "used": 7, "stride": 1, "start": -6, "centre": 0, "phases": 1, "beyond": 12,
    }  # fmt: skip
    layers = json.loads(rf(capsys, "net.yaml", "--all", "-f", "json"))["layers"]
    assert [layer["positions"] for layer in layers] == [9, 49, 0]


def test_local_leaves_out_a_gate(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "gated.yaml").write_text(
        "input: [4, 16, 16]\nlayers:\n  - conv: {out_channels: 4, kernel_size: 3, padding: 1}\n"
        "  - mul: [[], [global_avg_pool, sigmoid]]\n",
        encoding="utf-8",
    )
    assert "the whole input is seen through global_avg_pool_1" in rf(capsys, "gated.yaml")
    assert "field: 9 of 3x3 positions, 100.0%" in rf(capsys, "gated.yaml", "--local")


@pytest.mark.parametrize("more", [(), ("--all",)])
def test_what_no_path_leads_around_is_seen_whole_by_local_too(
    more: tuple[str, ...], capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    (folder / "gated.yaml").write_text(
        "input: [4, 16, 16]\nlayers:\n  - conv: {out_channels: 4, kernel_size: 3, padding: 1}\n"
        "  - mul: [[], [global_avg_pool, sigmoid]]\n  - global_avg_pool\n  - flatten\n"
        "  - linear: {out_features: 2}\n",
        encoding="utf-8",
    )
    text = rf(capsys, "gated.yaml", "linear_1", "--local", *more)
    if more:
        sizes = {cells[0]: cells[3] for line in text.splitlines()[4:] if (cells := line.split())}
        assert sizes["mul_1"] == "3"
        assert {sizes[name] for name in ("sigmoid_1", "global_avg_pool_2", "flatten_1", "linear_1")} == {"all"}
    else:
        assert "it sees 256 of the input's 256 positions" in text
        assert "the whole input is seen through global_avg_pool_2; no path leads around" in text
        told = [json.loads(rf(capsys, "gated.yaml", "mul_1", *local, "-f", "json")) for local in ([], ["--local"])]
        assert [net["fields"][0]["through"] for net in told] == [["global_avg_pool_1"], []]


def test_what_a_dense_layer_sees_it_sees_through_what_flattens(capsys: pytest.CaptureFixture[str]) -> None:
    assert "the whole input is seen through flatten_1; --local" in rf(capsys, "vgg16", "logits")


def test_a_stride_longer_than_the_map(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "far.yaml").write_text(
        "input: [1, 30]\nlayers: [conv: {out_channels: 1, kernel_size: 3, stride: 9000000000000, padding: 2}]\n",
        encoding="utf-8",
    )
    text = rf(capsys, "far.yaml")
    assert "unit 0 sees 1 of the input's 30 positions, 3.3%; 2 of its field are lost to the border" in text
    assert "dead: 29 positions of the input are seen by no unit (1-29)" in text


def test_a_field_too_long_to_keep_is_a_bound(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "far.yaml").write_text(
        "input: [1, 30]\nlayers:\n"
        "  - conv: {out_channels: 1, kernel_size: 10000000000001, padding: 5000000000000, stride: 1000000000000}\n"
        "  - conv: {out_channels: 1, kernel_size: 3, padding: 1}\n",
        encoding="utf-8",
    )
    text = rf(capsys, "far.yaml")
    assert "unit 0 sees 30 of the input's 30 positions, 100.0%\n" in text
    assert "at most the whole input is seen\n" in text


def test_phases_that_a_map_is_too_small_for_do_not_count(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """Bins 0-2, 2-4 and 4-6 of 7, doubled in two phases: 6 phases, and only 5 outputs."""
    (folder / "bins.yaml").write_text(
        "input: [1, 7]\nlayers:\n  - adaptive_avg_pool: {output_size: 3}\n"
        "  - conv: {out_channels: 1, kernel_size: 3, padding: 1, padding_mode: reflect}\n"
        "  - upsample: {size: 5, mode: linear, align_corners: true}\n",
        encoding="utf-8",
    )
    assert rf(capsys, "bins.yaml").splitlines()[4].split()[:4] == ["L", "7", "7/6", "0"]
    assert convcalc.load("bins.yaml").analyze().totals.receptive_field == (7,)


def test_phases_are_those_of_their_axis_behind_a_permute() -> None:
    """Where the channel has gone, the map has one place; the axis of two phases is now the channels."""
    net = Graph()
    x = net.add("conv_transpose", net.input((1, 3, 8)), out_channels=1, kernel_size=3, stride=2, padding=1)
    net.add("permute", x, dims=[0, 2, 1, 3])
    assert net.analyze().totals.receptive_field == (2, 2)


def test_outputs_that_see_nothing_are_all_that_a_map_has(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """Of three phases the second and the third see nothing, and the crop has no other."""
    (folder / "gaps.yaml").write_text(
        "input: [1, 8]\nlayers:\n  - conv_transpose: {out_channels: 1, kernel_size: 1, stride: 3}\n"
        "  - crop: {size: 2, offset: 1}\n",
        encoding="utf-8",
    )
    assert "it sees nothing of this input" in rf(capsys, "gaps.yaml")


SEVERAL = """\
input: {left: [2, 8, 8], right: [2, 8, 16], code: [2]}
layers:
  - conv: {out_channels: 2, kernel_size: 3, padding: 1}
    from: left
  - conv: {out_channels: 2, kernel_size: 5, padding: 2, stride: [1, 2]}
    from: right
  - add:
    from: [conv_1, conv_2]
  - reshape: {shape: [2, 1, 1]}
    from: code
  - mul:
    from: [add_1, reshape_1]
"""


def test_several_inputs(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "several.yaml").write_text(SEVERAL, encoding="utf-8")
    text = rf(capsys, "several.yaml", "--effective", "1", "-o", "field.svg")
    named = [line for line in text.splitlines() if line.startswith("net: ")]
    assert named == [f"net: mul_1 (mul), 2x8x8, on {name}" for name in ("left 8x8", "right 8x16", "code")]
    assert "code has no spatial axes" in text
    drawn = (folder / "field.svg").read_text(encoding="utf-8")
    assert [len(re.findall(what, drawn)) for what in ("<svg x=", "<circle", "on left", "on right")] == [2, 2, 1, 1]
    rows = [line.split() for line in rf(capsys, "several.yaml", "--all").splitlines()[4:]]
    assert [(row[0], *row[3:5]) for row in rows if row[0] == "mul_1"] == [
        ("mul_1", "left", "3"), ("mul_1", "right", "5"), ("mul_1", "code", "all"),
    ]  # fmt: skip
    layers = json.loads(rf(capsys, "several.yaml", "--all", "-f", "json"))["layers"]
    assert [(layer["input"], len(layer["axes"])) for layer in layers[-3:]] == [("left", 2), ("right", 2), ("code", 0)]
    told = json.loads(rf(capsys, "several.yaml", "-f", "json", "--effective", "1"))["effective"]
    assert [each and sorted(each) for each in told] == [["area", "centre", "held", "radius"]] * 2 + [None]


def test_without_spatial_axes_there_is_nothing_to_draw(folder: Path) -> None:
    (folder / "dense.yaml").write_text("input: [4]\nlayers: [linear: {out_features: 2}]\n", encoding="utf-8")
    assert refused("dense.yaml", "-o", "x.svg") == "there is nothing to draw of linear_1: input has no spatial axes"


def test_joins_out_of_step_take_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    told = [line for line in rf(capsys, "fpn").splitlines() if line.startswith("misaligned: ")]
    assert [line.split()[1:6] for line in told] == [
        [f"merged{level}/add_1:", "on", "axes", "0", "and"] for level in (4, 3, 2)
    ]
    assert max(map(len, told)) < 250
    told = [line for line in rf(capsys, "wavenet").splitlines() if line.startswith("misaligned: ")]
    assert told[8:] == ["misaligned: 22 more, --format json has all of them"]


def test_findings_are_told(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "skewed.yaml").write_text(
        "input: [1, 16, 16]\nlayers:\n  - add:\n"
        "    - - conv: {out_channels: 1, kernel_size: 3, stride: 2, padding: same_upper}\n"
        "    - - max_pool: {kernel_size: 1, stride: 2}\n",
        encoding="utf-8",
    )
    text = rf(capsys, "skewed.yaml")
    assert "misaligned: add_1: on axes 0 and 1 its branches input > conv_1 and input > max_pool_1" in text
    assert "windows of conv_1 depend on the size of the map: all of this holds at this size" in text


def test_dead_positions_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    text = rf(capsys, "squeezenet1_0")
    assert "dead: 447 positions of the input are seen by no unit (all of row 223; all of column 223)" in text


SVG = "{http://www.w3.org/2000/svg}"


def test_svg(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    rf(capsys, "net.yaml", "-o", "field.svg")
    tree = ET.fromstring((folder / "field.svg").read_text(encoding="utf-8"))  # noqa: S314  # our own
    assert tree.findtext(f"{SVG}title") == "net: receptive field of last"
    seen = [r for r in tree.iter(f"{SVG}rect") if r.get("fill") == "#2563eb"]
    assert {(r.get("width"), r.get("height"), r.get("fill-opacity")) for r in seen} == {("1", "1", "1.0")}
    found = {(int(r.get("y", -1)), int(r.get("x", -1))) for r in seen}
    assert found == {(row, column) for row in range(4, 17, 2) for column in range(4, 17, 2)}
    assert list(folder.glob("*.tmp")) == []


def test_a_hostile_name_stays_text() -> None:
    net = Graph("<script>&")
    net.add("relu", net.input((1, 4, 4)), name='"<b>')
    trace = Trace(net)
    seen = view(trace, last_map(trace), "input")
    text = in_svg(f"{net.name}: {seen.name}", Part(picture(seen, FINE), [seen.name]))
    assert ET.fromstring(text).findtext(f"{SVG}title") == '<script>&: "<b>'  # noqa: S314  # our own


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lenet5", "conv_1"), "there is no layer 'conv_1': one of input, C1, tanh_1, S2"),
        (("lenet5", "C1", "--at", "28,0"), "'28,0' is no unit of a map of 6x28x28: --at takes a position up to 27,27"),
        (("lenet5", "C1", "--at", "x"), "'x' is no unit of a map of 6x28x28: --at takes a position up to 27,27"),
        (("lenet5", "-f", "yaml"), "there is no format 'yaml': "),
        (("lenet5", "-o", "field.png"), "a picture is written as SVG: "),
    ],
)
def test_mistakes_are_told(arguments: tuple[str, ...], message: str) -> None:
    assert message in refused(*arguments)


@pytest.mark.parametrize("seed", range(40))
def test_outputs_beyond_the_border_are_counted(seed: int) -> None:
    net = random_net(seed)
    trace = Trace(net, local=True)
    for place, step in enumerate(trace.steps):
        region = trace.region(Ref(place), 0)
        if region is None or region.frozen:
            continue
        sizes, shape = trace.sizes(0), step.outputs[0]
        for axis, extent in enumerate(field_of(region, sizes, shape, middle(shape)).extents):
            wanted = set()
            for output in range(shape[axis + 1]):
                for box in region.boxes:
                    low, bits = box[axis].at(output)
                    if bits and (low < 0 or low + bits.bit_length() > sizes[axis]):
                        wanted.add(output)
            assert extent is not None
            assert extent.beyond == len(wanted)


def test_a_huge_input_is_refused_at_once() -> None:
    assert "set a smaller size" in refused("lenet5", "C1", "--input", "1x99999999999x32")


def test_names_of_blocks_and_results(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert "conv5/Bottleneck_2/2/relu_3 (relu)" in rf(capsys, "resnet50", "conv5")
    (folder / "split.yaml").write_text(
        "input: [1, 12]\nlayers:\n  - split: {chunks: 3, dim: 2}\n  - relu:\n    from: split_1.1\n", encoding="utf-8"
    )
    assert "unit 3 sees 1 of the input's 12 positions" in rf(capsys, "split.yaml", "split_1.1", "--at", "3")
    (told,) = json.loads(rf(capsys, "split.yaml", "split_1.2", "--at", "3", "-f", "json"))["fields"]
    assert (told["layer"], told["boxes"]) == ("split_1.2", [[[[11, 11]]]]), "nobody uses this part"


def drawn(net: Graph, *, unicode: bool = True, most: tuple[int, int] = (32, 80)) -> list[str]:
    trace = Trace(net, local=True)
    return in_text(picture(view(trace, last_map(trace), "input"), most, aspect=2), unicode=unicode)


@pytest.mark.parametrize("shape", [(1, 9), (1, 9, 9), (1, 3, 9, 9), (1, 2, 3, 9, 9)])
def test_pictures_of_every_rank(shape: tuple[int, ...]) -> None:
    net = Graph()
    net.add("conv", net.input(shape), out_channels=1, kernel_size=3, padding=1)
    *raster, _, legend = drawn(net)
    assert len(raster) == (1 if len(shape) == 2 else 9)
    assert max(line.count("█") for line in raster) == 6
    assert legend == "█ seen  · not seen"
    assert max(line.count("#") for line in drawn(net, unicode=False)[: len(raster)]) == 6


def test_large_inputs_are_drawn_in_cells_and_small_fields_from_near_by() -> None:
    net = Graph()
    x = net.input((1, 500, 700))
    net.add("conv", x, out_channels=1, kernel_size=5, padding=2)
    assert [len(line) for line in drawn(net)[:5]] == [2 * 11] * 5
    net.add("conv", x, out_channels=1, kernel_size=301, padding=150)
    *raster, _, legend = drawn(net)
    assert len(raster) <= 32
    assert max(map(len, raster)) <= 80
    assert "a character is" in legend


def looked_at(net: Graph) -> tuple[Trace, View]:
    trace = Trace(net, local=True)
    return trace, view(trace, last_map(trace), "input")


def test_the_effective_field_lies_in_the_field() -> None:
    net = Graph()
    x = net.input((2, 25, 25))
    for _ in range(5):
        x = net.add("conv", x, out_channels=6, kernel_size=3, padding=1)
    found = effective(net, x, "input", (slice(None), 12, 12), 4)
    outside = np.ones((25, 25), bool)
    outside[7:18, 7:18] = False
    assert not found.gradient[outside].any()
    assert found.gradient.max() == 1
    assert np.hypot(found.centre[0] - 12, found.centre[1] - 12) < 1
    assert 2 < found.radius < 6
    assert found.area < 11 * 11
    share = found.gradient / found.gradient.sum()
    rows, columns = np.indices(share.shape)
    distance = np.hypot(rows - found.centre[0], columns - found.centre[1])
    assert share[distance <= found.radius + 1e-9].sum() >= 0.95 > share[distance < found.radius - 1e-9].sum()
    assert max(map(len, in_text(heat(found.rows(), (32, 80), aspect=2), unicode=True))) >= 50


def test_a_uniform_kernel_spreads_as_far_as_is_known() -> None:
    """One kernel of ones, no activation: the gradient is 1 on the square, so 95 % is known by counting."""
    net = Graph()
    x = net.add("avg_pool", net.input((1, 31, 31)), kernel_size=21, stride=1, padding=10)
    found = effective(net, x, "input", (slice(None), 15, 15), 1)
    assert found.centre == (15, 15)
    distances = sorted(np.hypot(r, c) for r in range(-10, 11) for c in range(-10, 11))
    assert found.radius == pytest.approx(distances[int(np.ceil(0.95 * 441)) - 1])
    assert found.area == np.ceil(0.95 * 441)


def test_no_gradient_is_told(folder: Path) -> None:
    (folder / "gaps.yaml").write_text(
        "input: [1, 8]\nlayers: [conv_transpose: {out_channels: 1, kernel_size: 1, stride: 3}]\n", encoding="utf-8"
    )
    told = refused("gaps.yaml", "--at", "4", "--effective", "1")
    assert told == "conv_transpose_1: no gradient arrives at the input"


def test_effective_is_told(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    text = rf(capsys, "net.yaml", "--effective", "2", "-o", "field.svg")
    assert re.search(r"effective: 95 % of the gradient lies within \d+\.\d positions of \d+\.\d, \d+\.\d", text)
    assert "<circle" in (folder / "field.svg").read_text(encoding="utf-8")
    told: Any = json.loads(rf(capsys, "net.yaml", "--effective", "2", "-f", "json"))["effective"]
    assert 0 < told[0]["radius"] < 13
