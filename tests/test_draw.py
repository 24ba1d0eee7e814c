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
from convcalc.diagnostics import Misuse
from convcalc.draw import grid, net
from convcalc.draw.arrangement import arrange
from convcalc.draw.boxes import Arrow, Picture, picture
from convcalc.draw.dot import dot
from convcalc.draw.mermaid import mermaid
from convcalc.draw.windows import Axis, axes, frames, ranges, text
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
    assert len(dot(told).splitlines()) == 2 + len(told.boxes) + len(told.arrows) + 1


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
        "height and width: 300 positions, padding 1 in front and 0 behind; 150 windows\n  .0123"
    )
    assert square[0].endswith("  ... 115 windows more")
    assert len(list(text(axes_of("conv", (1, 9, 8), out_channels=1, kernel_size=3)))) == 2


def test_ranges_are_short() -> None:
    assert ranges([0, 3, 4, 5, 9]) == "0, 3-5, 9"
    assert ranges(range(0, 40, 2)) == "0, 2, 4, 6, ..., 38"


def test_frames_mark_window_padding_and_unread_cells() -> None:
    shown = axes_of("conv", (1, 4, 5), out_channels=1, kernel_size=2, stride=2, padding=((1, 0), (0, 0)))
    first, *rest = frames(shown)
    assert first.splitlines() == ["  # # . . .", "  # # o o x", "  o o o o x", "  o o o o x", "  x x x x x"]
    assert len(rest) == 3
    with pytest.raises(Misuse, match="one or two axes"):
        next(frames(axes_of("conv", (1, 4, 4, 4), out_channels=1, kernel_size=2)))
    with pytest.raises(Misuse, match="do not fit"):
        next(frames(axes_of("conv", (1, 99), out_channels=1, kernel_size=2)))


def test_grid_has_a_cell_for_every_position_and_a_frame_for_every_window() -> None:
    shown = axes_of("conv", (1, 4, 5), out_channels=1, kernel_size=2, stride=2, padding=((1, 0), (0, 0)))
    still = parsed(grid.svg("<t>", shown))
    rectangles = list(still.iter("{http://www.w3.org/2000/svg}rect"))
    assert len(rectangles) == 1 + 5 * 5 + 2 * 2 + (2 * 2 + 1)
    assert sum(r.get("fill") == grid.UNREAD for r in rectangles) == 4 + 4
    assert sum(r.get("stroke-dasharray") is not None for r in rectangles) == 5
    moving = parsed(grid.svg("t", shown, animate=True))
    changes = list(moving.iter("{http://www.w3.org/2000/svg}animate"))
    assert [change.get("values") for change in changes] == [
        "visible;hidden", "hidden;visible;hidden", "hidden;visible;hidden", "hidden;visible",
    ]  # fmt: skip
    assert changes[1].get("keyTimes") == "0;0.25;0.5"
    for wrong in (
        axes_of("conv", (1, 4, 4, 4), out_channels=1, kernel_size=2),
        axes_of("max_pool", (1, 99), kernel_size=2),
    ):
        with pytest.raises(Misuse):
            grid.svg("t", wrong)


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
    assert run("lenet5", "S2", "--animate")[1].count("#") == 14 * 14 * 4


def test_command_refuses_what_cannot_be_drawn(tmp_path: Path) -> None:
    assert "names no format" in run("lenet5", "-o", str(tmp_path / "x.png"))[2]
    assert "there is no format 'sgv' here: did you mean 'svg'?" in run("lenet5", "-f", "sgv")[2]
    assert "has no windows" in run("lenet5", "logits")[2]
    assert "there is no layer 'C9'" in run("lenet5", "C9")[2]
    assert "name one" in run("lenet5", "--animate")[2]
    assert list(tmp_path.iterdir()) == []


def test_without_grandalf_the_other_formats_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "grandalf.graphs", None)
    assert "pip install 'convcalc[draw]'" in run("lenet5", "-f", "svg")[2]
