"""Devices, bytes moved, and the bounds they give."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

import pytest

import convcalc
from convcalc.analysis import analyze
from convcalc.analysis.memory import ITEMSIZE
from convcalc.analysis.roofline import Bound, Traffic, bounds, together, traffic
from convcalc.cli import main
from convcalc.devices import Device, measuring, names, open_device
from convcalc.diagnostics import Misuse, SpecError
from convcalc.graph import Graph
from convcalc.report.roofline import write_roofline

if TYPE_CHECKING:
    from pathlib import Path

SLOW = Device("slow", "made up", {"float32": 1000.0}, 100.0)
"""The memory is the limit below 10 FLOP/B."""


def moved(graph: Graph, **choices: object) -> dict[str, Traffic]:
    analysis = analyze(graph, **choices)  # type: ignore[arg-type]
    return {row.name: entry for row, entry in zip(analysis.rows, traffic(analysis), strict=True)}


def test_a_layer_moves_operands_parameters_and_results() -> None:
    graph = Graph()
    x = graph.add("conv", graph.input((3, 8, 8)), out_channels=4, kernel_size=3)
    x = graph.add("batch_norm", x)
    x = graph.add("max_pool", x, kernel_size=2)
    graph.add("flatten", graph.add("add", x, x))
    weights, a, b, c = 4 * (27 + 1), 3 * 64, 4 * 36, 4 * 9
    assert moved(graph) == {
        "conv_1": Traffic(4 * (a + weights), 4 * b),
        "batch_norm_1": Traffic(4 * (b + 4 * 4), 4 * b),
        "max_pool_1": Traffic(4 * b, 4 * c),
        "add_1": Traffic(4 * c, 4 * c),
        "flatten_1": Traffic(0, 0),
    }
    assert moved(graph, batch=5)["conv_1"] == Traffic(4 * (5 * a + weights), 20 * b)
    assert moved(graph, dtype="float16")["conv_1"] == Traffic(2 * (a + weights), 2 * b)


def test_what_is_moved_is_what_a_run_holds() -> None:
    """Observed: the bytes of the arrays that go in and come out, and of all that lies beside them."""
    from convcalc.witness import Run, Step, random_inputs

    graph = convcalc.load("mobilenet_v2").bind({"H": 32, "W": 33})
    held: dict[str, tuple[int, int]] = {}

    def watch(step: Step) -> None:
        operands = {id(x): x.nbytes for x in (*step.operands, *step.parameters.values())}
        held[step.node.name] = sum(operands.values()), step.results[0].nbytes

    Run(graph, random_inputs(graph, 2), forward_only=True, watch=watch)
    for name, entry in moved(graph, batch=2).items():
        if entry.bytes:
            assert tuple(entry) == held[name], name


def test_indices_are_moved_where_something_uses_them() -> None:
    graph = Graph()
    pool = graph.add("max_pool", graph.input((2, 4)), kernel_size=2)
    graph.output(pool)
    assert moved(graph)["max_pool_1"].written == 16
    graph.output(pool._replace(port=1), "indices")
    assert moved(graph)["max_pool_1"].written == 16 + 4 * ITEMSIZE["int64"]


def dense(features: int, outputs: int) -> Graph:
    graph = Graph()
    graph.add("linear", graph.input((features,)), out_features=outputs, bias=False)
    return graph


def test_the_slower_of_the_two_is_the_bound() -> None:
    (bound,) = bounds(dense(10, 10).analyze(), SLOW)
    assert bound == Bound(200, 4 * 120, 4.8, "memory")
    assert bound.intensity == 200 / 480
    (bound,) = bounds(analyze(dense(10, 10), batch=1000), SLOW)
    assert bound == Bound(200_000, 4 * (100 + 20_000), 804.0, "memory")
    fast = SLOW._replace(bandwidth=1e6)
    assert bounds(dense(10, 10).analyze(), fast)[0] == Bound(200, 480, 0.2, "compute")


def test_a_cache_may_hold_what_fits_into_it() -> None:
    net = dense(10, 10).analyze()
    assert bounds(net, SLOW._replace(cache=440))[0] == Bound(200, 480, 0.2, "cache")
    assert bounds(net, SLOW._replace(cache=40))[0] == Bound(200, 480, 4.0, "memory")
    assert bounds(net, SLOW._replace(cache=39))[0].seconds == pytest.approx((401 + 1) / 100)


def test_a_bound_falls_with_the_cache_and_the_speed() -> None:
    analysis = convcalc.load("resnet18").analyze()
    device = open_device("t4")
    times = [together(bounds(analysis, device._replace(cache=cache))).seconds for cache in (0, 1 << 20, 1 << 30)]
    assert times == sorted(times, reverse=True)
    assert times[-1] == pytest.approx(analysis.totals.flops / device.flops["float32"])
    assert together([]) == Bound(0, 0, 0, "")


def test_a_dtype_that_nothing_is_known_of() -> None:
    with pytest.raises(Misuse, match="nothing is known of int8 on slow, but of float32"):
        SLOW.peak("int8")


@pytest.mark.parametrize("name", names())
def test_shipped_devices_say_whose_figures_they_are(name: str) -> None:
    device = open_device(name)
    assert re.search(r"\b20\d\d\b", device.source)
    assert device.flops["float32"] and device.bandwidth and device.cache


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    device = Device('a "b" \\ c', "d: e # f", {"float32": 1.234e12, "float64": 5e9}, 2.5e10, 12345)
    for written in (device, device._replace(cache=0)):
        path.write_text(written.written())
        assert open_device(str(path)) == written


MISTAKES = {
    "": "empty",
    "[1]": "not-a-map",
    "flops: {float32: 1e9}": "missing-bandwidth",
    "bandwidth: 1e9": "missing-flops",
    "flops: {}\nbandwidth: 1e9": "missing-value",
    "flops: {float33: 1}\nbandwidth: 1": "unknown-dtype",
    "flops: {float32: fast}\nbandwidth: 1": "not-positive",
    "flops: {float32: 1}\nbandwidth: 0": "not-positive",
    "flops: {float32: 1}\nbandwidth: 1\ncache: true": "not-positive",
    "flops: {float32: 1}\nbandwidth: 1\nspeed: 2": "unknown-key",
    "flops: {float32: 1}\nbandwidth: 1\nname: 2": "not-text",
    "flops: [1]\nbandwidth: 1": "not-a-map",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_has_one_finding_with_its_place_and_a_fix(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(SpecError) as caught:
        open_device(str(path))
    (finding,) = caught.value.diagnostics
    assert finding.code == MISTAKES[text]
    assert finding.source and finding.source.path == str(path) and finding.fix
    assert finding.span or not text


def test_every_format() -> None:
    analysis = convcalc.load("lenet5").analyze()

    def told(format_: str) -> str:
        file = io.StringIO()
        write_roofline(format_, [analysis], SLOW, file)
        return file.getvalue()

    net = json.loads(told("json"))
    assert net["device"]["bandwidth"] == 100.0
    assert net["nets"][0]["seconds"] == pytest.approx(together(bounds(analysis, SLOW)).seconds)
    assert [layer["by"] for layer in net["nets"][0]["layers"]][-3:] == ["memory"] * 3
    rows = list(csv.DictReader(io.StringIO(told("csv"))))
    assert sum(int(row["flops"]) for row in rows) == analysis.totals.flops
    assert "| C3 | conv | 481.6 k |" in told("markdown")
    assert "below 10.0 FLOP/B" in told("table")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["convcalc", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_the_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setattr(measuring, "SIDE", 64)
    monkeypatch.setattr(measuring, "_cache", lambda: 1 << 20)
    path = str(tmp_path / "me.yaml")
    assert run(monkeypatch, "device", "--measure", "-o", path) == 0
    measured = open_device(path)
    assert measured.flops.keys() == {"float64", "float32"} and min(measured.flops.values()) > 1e6
    assert measured.bandwidth > 1e7 and measured.cache == 1 << 20
    assert run(monkeypatch, "shape", "lenet5", "--device", path) == 0
    assert "waits for" in capsys.readouterr().out
    assert run(monkeypatch, "run", "lenet5", "--profile", "--device", path) == 0
    out = capsys.readouterr().out
    assert "reached" in out and re.search(r"forward .* ms; at least .* ms on the device: .*% of what it can", out)
    assert run(monkeypatch, "device") == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in names())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("shape", "lenet5", "--device", "a10"), "there is no device 'a10': did you mean 'a100'?"),
        (("run", "lenet5", "--device", "a100"), "--device is of no use without --profile"),
        (
            ("shape", "lenet5", "--device", "a100", "--conventions"),
            "--device and --conventions are reports of their own",
        ),
        (("shape", "lenet5", "--device", "a100", "--columns", "macs"), "--columns cannot go with --device"),
        (("shape", "lenet5", "--conventions", "--convention", "thop"), "--convention cannot go with --conventions"),
        (("shape", "lenet5", "--memory", "--depth", "1"), "--depth cannot go with --memory"),
        (("device", "-o", "x"), "--output is of no use without --measure"),
        (("device", "--measure", "a100"), "--measure is about this machine"),
    ],
)
def test_misuse(
    arguments: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *arguments) == 2
    assert told in capsys.readouterr().err


def test_too_little_room_to_leave_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "SIDE", 64)
    monkeypatch.setattr(measuring, "_cache", lambda: 1 << 30)
    device = measuring.measure(1 << 28)
    assert device.cache == 0 and "holds in part" in device.source
