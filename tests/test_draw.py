"""Pictures: nets as boxes and arrows, windows on their cells; well-formed whatever names they hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from typer.testing import CliRunner

from convcalc import kernels, load
from convcalc.cli import app
from convcalc.cli.draw import _block as block_of
from convcalc.cli.draw import _play as play
from convcalc.diagnostics import Misuse
from convcalc.draw import grid, net
from convcalc.draw.arrangement import arrange
from convcalc.draw.boxes import Arrow, Picture, picture
from convcalc.draw.dot import dot
from convcalc.draw.mermaid import mermaid
from convcalc.draw.windows import LEGEND, Axis, axes, frames, ranges, text
from convcalc.graph import Graph
from convcalc.spec.shipped import files

if TYPE_CHECKING:
    from pathlib import Path

NAMES = sorted(files())


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314  # our own text


def axes_of(kind: str, shape: tuple[int, ...], **attributes: object) -> tuple[Axis, ...]:
    graph = Graph()
    graph.output(graph.add(kind, graph.input(shape), **attributes))
    (row,) = graph.analyze().rows
    return axes(row, graph.nodes[1].op, shape)


# nets


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_is_in_one_box_and_every_arrow_runs_forward(name: str) -> None:
    analysis = load(files()[name]).analyze()
    for depth in (0, 1):
        told = picture(analysis, depth)
        assert all(arrow.source < arrow.target < len(told.boxes) for arrow in told.arrows)
        assert {arrow.target for arrow in told.arrows} == {
            place for place, box in enumerate(told.boxes) if box.kind != "input"
        }
        inside = [
            int(box.lines[0].split()[-2])
            if box.kind == "block"
            else 1 + sum(len(line.split(", ")) for line in box.lines[1:])
            for box in told.boxes
            if box.kind in ("layer", "join", "block")
        ]
        assert sum(inside) == len(analysis.rows)


def test_boxes_hold_what_works_value_by_value_and_arrows_the_shapes() -> None:
    told = picture(load("resnet18").analyze(), 2)
    assert told.boxes[1].lines == ("conv 7x7, stride 2", "batch_norm, relu")
    assert told.arrows[1].shape == "64x112x112"
    assert told.boxes[0].kind == "input"
    assert told.boxes[-1] == ("output", (), "output")


def test_a_block_of_one_layer_and_what_works_value_by_value_is_told_as_they_are() -> None:
    boxes = {box.name: box for box in picture(load("googlenet").analyze(), 1).boxes}
    assert boxes["inception_3a/Conv_3"] == ("inception_3a/Conv_3", ("conv 3x3", "batch_norm, relu"), "layer")
    whole = {box.name: box for box in picture(load("googlenet").analyze()).boxes}
    assert whole["inception_3a"] == ("inception_3a", ("Inception, 20 layers",), "block")
    signal = {box.name: box for box in picture(load("wavenet").analyze(), 2).boxes}
    assert signal["dilated/1/Layer_2/conv_1"].lines == ("conv, kernel 2, dilation 2", "tanh")


def test_what_others_read_too_is_a_box_of_its_own() -> None:
    graph = Graph()
    conv = graph.add("conv", graph.input((3, 8, 8)), out_channels=3, kernel_size=1)
    graph.output(graph.add("add", conv, graph.add("relu", conv)))
    assert [box.name for box in picture(graph.analyze()).boxes] == ["input", "conv_1", "relu_1", "add_1", "output"]
    chained = Graph()
    conv = chained.add("conv", chained.input((3, 8, 8)), out_channels=3, kernel_size=1)
    chained.output(conv, name="before")
    chained.output(chained.add("relu", conv), name="after")
    assert [box.name for box in picture(chained.analyze()).boxes][1:3] == ["conv_1", "relu_1"]


@pytest.mark.parametrize(
    ("net", "name", "kind", "arrows"),
    [
        ("googlenet", "inception_3a", "Inception", {("pool2", "inception_3a/Conv_2", "192x28x28"),
                                                    ("inception_3a/Conv_2", "inception_3a/Conv_3", "96x28x28"),
                                                    ("inception_3a/concat_1", "output", "256x28x28")}),
        ("unet", "up2", "Up", {("up3/TwoConvs_1/relu_2", "up2/up", "256x128x128"),
                               ("down2/relu_2", "up2/concat_1", "128x256x256"),
                               ("up2/TwoConvs_1", "output", "128x256x256")}),
        ("shufflenet_v2", "stage2/Unit_1", "Unit", {("stage2/Unit_1/2/channel_shuffle_1", "stage2/Unit_1/3/slice_1",
                                                     "116x28x28")}),
    ],
)  # fmt: skip
def test_a_block_is_drawn_with_what_flows_into_it_and_out(
    net: str, name: str, kind: str, arrows: set[tuple[str, str, str]]
) -> None:
    analysis = load(net).analyze()
    group = block_of(analysis.graph, name)
    assert group is not None
    assert (group.kind, group.copy) == (kind, group.copies)
    told = picture(analysis, 0, group)
    names = [box.name for box in told.boxes]
    assert {(names[a.source], names[a.target], a.shape) for a in told.arrows} >= arrows
    assert all(arrow.source < arrow.target for arrow in told.arrows)
    assert {arrow.target for arrow in told.arrows} == {
        place for place, box in enumerate(told.boxes) if box.kind != "input"
    }


@pytest.mark.parametrize("name", ["googlenet", "unet", "densenet", "inception_v3", "lenet5"])
def test_no_two_boxes_touch_and_arrows_begin_and_end_at_theirs(name: str) -> None:
    told = picture(load(name).analyze(), 1)
    sizes = [(80.0, 40.0 + 7 * (place % 3)) for place in range(len(told.boxes))]
    placed = arrange(sizes, told.arrows)
    corners = [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for (x, y), (w, h) in zip(placed.boxes, sizes, strict=True)]
    for i, (left, top, right, bottom) in enumerate(corners):
        assert left >= 0
        assert top >= 0
        assert right <= placed.width
        assert bottom <= placed.height
        for other in corners[:i]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
    for arrow, points in zip(told.arrows, placed.arrows, strict=True):
        for (x, y), (left, top, right, bottom) in (
            (points[0], corners[arrow.source]),
            (points[-1], corners[arrow.target]),
        ):
            assert left - 1 <= x <= right + 1
            assert top - 1 <= y <= bottom + 1
        assert placed.boxes[arrow.source][1] < placed.boxes[arrow.target][1]


def test_parts_that_are_not_connected_stand_side_by_side() -> None:
    placed = arrange([(50.0, 20.0)] * 4, [Arrow(0, 1, ""), Arrow(2, 3, "")])
    assert placed.boxes[2][0] - placed.boxes[0][0] > 50
    assert placed.boxes[0][1] == placed.boxes[2][1]


def test_odd_names_are_escaped_in_every_format() -> None:
    odd = 'a<b>&"c"\\]; end --> \n x'
    graph = Graph(odd)
    graph.output(graph.add("relu", graph.input((3, 4, 4), name=odd), name=f"{odd}2"))
    told = picture(graph.analyze())
    texts = [element.text for element in parsed(net.svg(told)).iter("{http://www.w3.org/2000/svg}text")]
    assert odd in texts
    lines = mermaid(told).splitlines()
    assert lines[0] == "flowchart TD"
    assert all(re.fullmatch(r'  n\d+(\(\[|\[)"[^"<>&\\]*(<br/>[^"<>&\\]*)*"(\]\)|\])', line) for line in lines[1:4])
    assert len(dot(told).splitlines()) == 3 + len(told.boxes) + len(told.arrows) + 1


def test_dot_and_mermaid_tell_every_box_and_arrow() -> None:
    told = picture(load("googlenet").analyze(), 1)
    assert len(mermaid(told).splitlines()) == 1 + len(told.boxes) + len(told.arrows)
    assert dot(told).count(" -> ") == len(told.arrows)
    assert dot(Picture("x", (), ())).startswith('digraph "x" {')


# windows


WINDOWED = [
    (
        "conv",
        (1, 9, 8),
        {"out_channels": 1, "kernel_size": 3, "stride": 2, "dilation": 2, "padding": (1, 2), "bias": False},
    ),
    ("conv", (1, 7), {"out_channels": 1, "kernel_size": 2, "stride": 3, "bias": False}),
    ("conv_transpose", (1, 4, 3), {"out_channels": 1, "kernel_size": 3, "stride": 2, "padding": 1, "bias": False}),
    ("avg_pool", (1, 7, 9), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    ("adaptive_avg_pool", (1, 7, 9), {"output_size": (3, 4)}),
]


@pytest.mark.parametrize(("kind", "shape", "attributes"), WINDOWED)
def test_windows_are_what_the_kernel_reads(kind: str, shape: tuple[int, ...], attributes: dict[str, object]) -> None:
    shown = axes_of(kind, shape, **attributes)
    weight = {
        "weight": np.ones((1, 1, *(3 if a == 3 else 2 for a in [attributes.get("kernel_size")] * (len(shape) - 1))))
    }
    parameters = weight if "out_channels" in attributes else {}
    for place in np.ndindex(shape[1:]):
        x = np.zeros((1, *shape))
        x[(0, 0, *place)] = 1
        y, _ = kernels.find(kind)(x, **attributes, **parameters)
        for output in np.ndindex(y.shape[2:]):
            reads = all(at in axis.window(o) for at, axis, o in zip(place, shown, output, strict=True))
            assert reads == (y[(0, 0, *output)] != 0), (place, output)


def test_text_shows_each_axis_once_with_padding_and_what_is_not_read() -> None:
    (told,) = text(axes_of("conv", (1, 8), out_channels=1, kernel_size=3, stride=3))
    assert told.splitlines() == [
        "length: 8 positions; 2 windows",
        "  01234567",
        "  ###       0",
        "     ###    1",
        "  read by no window: 6-7",
    ]
    square = list(text(axes_of("max_pool", (1, 300, 300), kernel_size=3, stride=2, padding=1)))
    assert len(square) == 1
    assert square[0].startswith(
        "height and width: 300 positions, padding 1 in front and 1 behind; 150 windows\n  .0123"
    )
    assert square[0].endswith("  ... 115 windows more\n  read by no window: 1 of the padding behind")
    assert len(list(text(axes_of("conv", (1, 9, 8), out_channels=1, kernel_size=3)))) == 2


def test_ranges_are_short() -> None:
    assert ranges([0, 3, 4, 5, 9]) == "0, 3-5, 9"
    assert ranges(range(0, 40, 2)) == "0, 2, 4, 6, ..., 38"


def test_frames_mark_window_padding_and_unread_cells() -> None:
    shown = axes_of("conv", (1, 4, 5), out_channels=1, kernel_size=2, stride=2, padding=((1, 0), (0, 0)))
    first, *rest = frames(shown)
    assert first.splitlines() == ["  # # . . .", "  # # o o x", "  o o o o x", "  o o o o x", "  x x x x x"]
    assert len(rest) == 3
    volume = list(frames(axes_of("conv", (1, 3, 4, 2), out_channels=1, kernel_size=2)))
    assert len(volume) == 2 * 3 * 1
    assert volume[4].splitlines() == ["  o # #  depth", "  o # # o  height", "  # #  width"]
    with pytest.raises(Misuse, match="do not fit"):
        next(frames(axes_of("conv", (1, 99), out_channels=1, kernel_size=2)))
    with pytest.raises(Misuse, match="more than 1,000 windows"):
        next(frames(axes_of("conv", (1, 33, 33), out_channels=1, kernel_size=2)))


PADDED = [
    ("conv", (1, 9), {"out_channels": 1, "kernel_size": 3, "stride": 4, "padding": 1}, (1, 1), [2, 6], 0),
    ("conv", (1, 8), {"out_channels": 1, "kernel_size": 3, "stride": 3, "padding": 1}, (1, 1), [], 1),
    ("conv", (1, 8), {"out_channels": 1, "kernel_size": 7, "stride": 2, "padding": 3}, (3, 3), [], 1),
    ("conv", (1, 6), {"out_channels": 1, "kernel_size": 2, "padding": "same"}, (0, 1), [], 0),
    ("conv", (1, 7), {"out_channels": 1, "kernel_size": 3, "stride": 2, "padding": "same_upper"}, (1, 1), [], 0),
    ("conv", (1, 6), {"out_channels": 1, "kernel_size": 3, "padding": 1, "padding_mode": "reflect"}, (1, 1), [], 0),
    ("max_pool", (1, 8), {"kernel_size": 3, "stride": 2, "ceil_mode": True}, (0, 1), [], 0),
    ("pad", (1, 5), {"padding": ((2, -1),)}, (2, 0), [4], 0),
    ("conv_transpose", (1, 3), {"out_channels": 1, "kernel_size": 3, "stride": 2}, (0, 0), [], 0),
    ("upsample", (1, 4), {"scale_factor": 2, "mode": "linear"}, (0, 0), [], 0),
]


@pytest.mark.parametrize(("kind", "shape", "attributes", "padding", "unread", "beyond"), PADDED)
def test_padding_is_what_the_layer_adds_read_or_not(
    kind: str,
    shape: tuple[int, ...],
    attributes: dict[str, object],
    padding: tuple[int, int],
    unread: list[int],
    beyond: int,
) -> None:
    (axis,) = axes_of(kind, shape, **attributes)
    assert ((axis.before, axis.behind), axis.unread(), axis.unread_padding()) == (padding, unread, beyond)
    inside = range(-axis.before, axis.size + axis.behind)
    assert all(at in inside for output in range(axis.outputs) for at in axis.window(output))


def test_text_tells_of_padding_that_is_not_read_or_copied_and_of_windows_that_reach_further() -> None:
    (strided,) = text(axes_of("conv", (1, 8), out_channels=1, kernel_size=7, stride=2, padding=3))
    assert strided.startswith("length: 8 positions, padding 3 in front and 3 behind; 4 windows\n  ...01234567...\n")
    assert strided.endswith("\n  read by no window: 1 of the padding behind")
    (copied,) = text(axes_of("conv", (1, 5), out_channels=1, kernel_size=5, padding=2, padding_mode="circular"))
    assert copied.splitlines()[1:4] == ["  ..01234..", "  34     01  copies (circular)", "  #####      0"]
    (strides,) = text(axes_of("conv", (1, 5), out_channels=1, kernel_size=1, stride=5, padding=1,
                              padding_mode="reflect"))  # fmt: skip
    assert strides.endswith("read by no window: 0, 2-3 and 1 of the padding behind")
    (partial,) = text(axes_of("max_pool", (1, 3), kernel_size=2, ceil_mode=True))
    assert partial.startswith("length: 3 positions, and 1 more that the last window reaches; 2 windows\n  012.\n")
    (one,) = text(axes_of("global_avg_pool", (1, 1)))
    assert one.startswith("length: 1 position; 1 window\n")
    (narrow,) = text(axes_of("max_pool", (1, 40), kernel_size=2), 10)
    assert narrow.splitlines()[1:] == ["  0123456789", "  ##          0", "    ##        1", "      ##      2",
                                       "        ##    3", "          ##  4", "  ... 15 windows more"]  # fmt: skip


def cells_of(svg: str) -> dict[str, set[tuple[int, int]]]:
    """The cells of the operand, the first one of the padding at 0, 0, and the result by how they are painted."""
    painted: dict[str, set[tuple[int, int]]] = {}
    for rectangle in parsed(svg).iter("{http://www.w3.org/2000/svg}rect"):
        if rectangle.get("width") != "100%":
            x, y, width, height = (float(rectangle.get(key, "")) for key in ("x", "y", "width", "height"))
            columns, rows = ((x - grid.MARGIN) / 18, width / 18), ((y - grid.TOP) / 18, height / 18)
            assert all(part.is_integer() for part in (*columns, *rows))
            (left, wide), (top, high) = ((int(a), int(b)) for a, b in (columns, rows))
            fill = rectangle.get("fill", "")
            key = fill if fill != "none" or rectangle.get("stroke") != grid.NEXT else grid.NEXT
            painted.setdefault(key, set()).update((top + i, left + j) for i in range(high) for j in range(wide))
    return painted


def block(rows: range, columns: range) -> set[tuple[int, int]]:
    return {(row, column) for row in rows for column in columns}


def test_grid_has_a_cell_for_every_position_and_a_frame_for_every_window() -> None:
    shown = axes_of("conv", (1, 4, 5), out_channels=1, kernel_size=2, stride=2, padding=((1, 0), (0, 0)))
    painted = cells_of(grid.svg("<t>", shown))
    result = block(range(2), range(7, 9))
    assert painted[grid.PADDING] == block(range(5), range(5))
    assert painted[grid.INPUT] == block(range(1, 5), range(5))
    assert painted[grid.UNREAD] == block(range(4, 5), range(5)) | block(range(1, 5), range(4, 5))
    assert painted[grid.RESULT] == result
    assert painted[grid.WINDOW] == block(range(2), range(2)) | {(0, 7)}
    assert painted[grid.NEXT] == block(range(2, 4), range(2, 4)) | {(1, 8)}
    moving = grid.svg("t", shown, animate=True)
    assert grid.NEXT not in cells_of(moving)
    assert cells_of(moving)[grid.WINDOW] == block(range(4), range(4)) | result
    changes = list(parsed(moving).iter("{http://www.w3.org/2000/svg}animate"))
    assert [change.get("values") for change in changes] == [
        "visible;hidden", "hidden;visible;hidden", "hidden;visible;hidden", "hidden;visible",
    ]  # fmt: skip
    assert changes[1].get("keyTimes") == "0;0.25;0.5"


def test_grid_shows_more_than_two_axes_as_strips_and_many_cells_smaller() -> None:
    volume = grid.svg("t", axes_of("conv", (1, 2, 3, 4), out_channels=1, kernel_size=2, stride=(1, 1, 2)))
    painted = cells_of(volume)
    assert painted[grid.INPUT] == block(range(1, 2), range(2)) | block(range(4, 5), range(3)) | block(
        range(7, 8), range(4)
    )
    assert painted[grid.NEXT] >= block(range(7, 8), range(2, 4))
    assert [word for word in ("depth", "height", "width") if f">{word}<" in volume] == ["depth", "height", "width"]
    large = grid.svg("t", axes_of("conv", (1, 224, 224), out_channels=1, kernel_size=7, stride=2, padding=3))
    assert float(parsed(large).get("width", "")) < 1200
    assert len(large) < 40_000
    for wrong, animate in (
        (axes_of("max_pool", (1, 301), kernel_size=2), False),
        (axes_of("upsample", (1, 200), scale_factor=2), False),
        (axes_of("conv", (1, 40, 40), out_channels=1, kernel_size=2), True),
    ):
        with pytest.raises(Misuse, match="take a smaller input"):
            grid.svg("t", wrong, animate=animate)


# the command


def run(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["draw", *args])
    return result.exit_code, result.stdout, str(result.exception or "")


def test_command_writes_the_format_that_the_ending_names(tmp_path: Path) -> None:
    for ending, start in ((".svg", "<svg "), (".dot", "digraph "), (".mmd", "flowchart TD")):
        file = tmp_path / f"net{ending}"
        assert run("lenet5", "-o", str(file))[0] == 0
        assert file.read_text().startswith(start)
    assert run("lenet5")[1].startswith("flowchart TD")
    assert run("lenet5", "C1")[1].startswith("C1: conv(out_channels=6, kernel_size=5) of 1x32x32 makes 6x28x28")
    assert run("lenet5", "C1", "-f", "svg")[1].startswith("<svg ")
    assert run("googlenet", "inception_3a")[1].startswith('flowchart TD\n  n0(["pool2"])\n')
    title, legend, *windows = run("lenet5", "S2", "--animate")[1].split("\n\n")
    assert title == "S2: avg_pool(kernel_size=2) of 6x28x28 makes 6x14x14"
    assert legend.startswith("# is read")
    assert [window.count("#") for window in windows] == [4] * 14 * 14


@pytest.mark.parametrize(("lines", "columns", "between"), [(6, 80, "\x1b[5A"), (5, 80, "\n"), (6, 8, "\n")])
def test_windows_take_the_same_place_of_a_terminal_that_holds_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lines: int, columns: int, between: str
) -> None:
    shown = axes_of("conv", (1, 5, 4), out_channels=1, kernel_size=2, stride=3)
    monkeypatch.setattr("convcalc.cli.draw.get_terminal_size", lambda: (columns, lines))
    monkeypatch.setattr("convcalc.cli.draw.PAUSE", 0)
    play("title", shown)
    first, second = frames(shown)
    assert capsys.readouterr().out == f"title\n\n{LEGEND}\n\n{first}\n{between}{second}\n"


def test_command_refuses_what_cannot_be_drawn(tmp_path: Path) -> None:
    assert "names no format" in run("lenet5", "-o", str(tmp_path / "x.png"))[2]
    assert "there is no format 'sgv' for a net: did you mean 'svg'?" in run("lenet5", "-f", "sgv")[2]
    assert (
        "there is no format 'dot' for the windows of a layer: one of text, svg" in run("lenet5", "C1", "-f", "dot")[2]
    )
    assert "has no windows" in run("lenet5", "logits")[2]
    assert "has no windows" in run("convnext", "stage1/1/permute_1")[2]
    assert "there is no layer 'C9'" in run("lenet5", "C9")[2]
    assert "name one" in run("lenet5", "--animate")[2]
    assert "name one" in run("googlenet", "inception_3a", "--animate")[2]
    assert (
        "there is no format 'text' for a net: one of mermaid, dot, svg"
        in run("googlenet", "inception_3a", "-f", "text")[2]
    )
    assert list(tmp_path.iterdir()) == []


def test_without_grandalf_the_other_formats_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "grandalf.graphs", None)
    assert "pip install 'convcalc[draw]'" in run("lenet5", "-f", "svg")[2]
