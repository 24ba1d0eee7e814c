"""What other tools count: reference figures, and reasons that add up."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

import convcalc
from convcalc import ops
from convcalc.analysis import analyze
from convcalc.analysis.conventions import CONVENTIONS, EVERY, MEASURES, by_conventions, counted
from convcalc.cli import main
from convcalc.diagnostics import Misuse
from convcalc.graph import Graph
from convcalc.report.columns import chosen
from convcalc.report.conventions import write_conventions

if TYPE_CHECKING:
    from collections.abc import Sequence

# Printed by the tools for torchvision's nets (batch 1, 224, eval).
FIGURES = {
    "resnet50": {
        "mac": 4_089_184_256, "torch": 8_178_368_512, "ptflops": 4_089_185_256, "torchinfo": 4_089_238_376,
        "fvcore": 4_111_512_576, "thop": 4_133_742_592,
    },
    "googlenet": {
        "mac": 1_498_376_192, "torch": 2_996_752_384, "ptflops": 1_498_377_192, "torchinfo": 1_498_391_752,
        "fvcore": 1_504_878_688, "thop": 1_511_332_032,
    },
    "mobilenet_v2": {
        "mac": 300_774_272, "torch": 601_548_544, "ptflops": 300_775_272, "torchinfo": 300_809_384,
        "fvcore": 314_193_216,
        # torchvision's pools by a function, which thop does not see: 50 operations for each of 1280 channels.
        "thop": 327_486_720 + 50 * 1280,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_the_reference_figures(name: str) -> None:
    found = {entry.name: entry.total for entry in by_conventions(convcalc.load(name).analyze())}
    assert found == {**FIGURES[name], "flops": convcalc.load(name).analyze().totals.flops}


@pytest.mark.parametrize("name", ["lenet5", "unet", "mobilenet_v2", "alexnet_2012", "dcgan_generator"])
@pytest.mark.parametrize("batch", [1, 3])
def test_reasons_add_up(name: str, batch: int) -> None:
    analysis = analyze(convcalc.load(name), batch=batch)
    single = {entry.name: entry.total for entry in by_conventions(analyze(convcalc.load(name)))}
    for entry in by_conventions(analysis):
        assert sum(item.over for item in entry.items) == entry.total - analysis.totals.macs
        assert all(item.over and item.layers and item.why for item in entry.items)
        assert entry.total == batch * single[entry.name]


def made(*layers: tuple[str, dict[str, object]], shape: Sequence[int] = (4, 6, 6)) -> Graph:
    graph = Graph()
    x = graph.input(shape)
    for kind, attributes in layers:
        x = graph.add(kind, x, **attributes)
    return graph


UP = {"out_channels": 2, "kernel_size": 3, "stride": 2, "groups": 2, "bias": True}

# By hand from the tools' sources; the oracle suite asks the tools for these and more.
LAYERS = [
    (("conv_transpose", UP), (4, 6, 6), {"mac": 1296, "fvcore": 1296, "thop": 6084, "torchinfo": 6084 + 338}),
    (("batch_norm", {"affine": False}), (4, 6, 6), {"fvcore": 144, "thop": 288, "torchinfo": 0}),
    (("batch_norm", {}), (4, 6), {"fvcore": 48, "thop": 96, "torchinfo": 8}),
    (("adaptive_avg_pool", {"output_size": 4}), (4, 6, 6), {"fvcore": 144, "thop": 144 + 64}),
    (("adaptive_avg_pool", {"output_size": 4}), (4, 6), {"fvcore": 0, "thop": 24 + 16}),
    (("avg_pool", {"kernel_size": 2}), (4, 6, 6), {"fvcore": 0, "thop": 36}),
    (("upsample", {"scale_factor": 2}), (4, 6, 6), {"fvcore": 576, "thop": 576}),
    (("upsample", {"scale_factor": 2, "mode": "linear"}), (4, 6), {"fvcore": 0, "thop": 5 * 48}),
    (("upsample", {"scale_factor": 2, "mode": "linear"}), (4, 6, 6), {"fvcore": 4 * 576, "thop": 11 * 576}),
    (("upsample", {"scale_factor": 2, "mode": "linear"}), (4, 3, 3, 3), {"fvcore": 0, "thop": 0}),
    (("layer_norm", {}), (4, 6, 6), {"fvcore": 5 * 144, "thop": 4 * 144, "torchinfo": 288, "torch": 0}),
    (("group_norm", {"num_groups": 2, "affine": False}), (4, 6, 6), {"fvcore": 4 * 144, "thop": 0, "torchinfo": 0}),
    (("instance_norm", {}), (4, 6, 6), {"fvcore": 4 * 144, "thop": 2 * 144, "torchinfo": 0}),
    (("instance_norm", {"affine": True}), (4, 6, 6), {"fvcore": 5 * 144, "thop": 4 * 144, "torchinfo": 8}),
    (("filter", {"kernel": "sobel_x"}), (4, 6, 6), dict.fromkeys(("mac", "fvcore", "thop", "torchinfo"), 64 * 9)),
    (("prelu", {}), (4, 6, 6), {"fvcore": 0, "thop": 144, "torchinfo": 1}),
    (("softmax", {}), (10,), {"fvcore": 0, "thop": 29}),
    (("linear", {"out_features": 5}), (4, 6), {"thop": 120, "ptflops": 140, "torchinfo": 35, "torch": 240}),
    (("relu", {}), (4, 6, 6), {"mac": 0, "flops": 144, "torch": 0, "thop": 0, "torchinfo": 0}),
]


@pytest.mark.parametrize(("layer", "shape", "figures"), LAYERS, ids=[entry[0][0] for entry in LAYERS])
def test_one_layer(layer: tuple[str, dict[str, object]], shape: tuple[int, ...], figures: dict[str, int]) -> None:
    rows = made(layer, shape=shape).analyze().rows
    assert {name: counted(name, rows) for name in figures} == figures


def test_shared_weights_count_at_each_use() -> None:
    graph = made(("batch_norm", {}))
    graph.add("batch_norm", graph.results()["batch_norm_1"], shares=graph.results()["batch_norm_1"])
    assert counted("torchinfo", graph.analyze().rows) == 16


def test_the_table_names_ops_and_attributes_that_there_are() -> None:
    for name, entry in CONVENTIONS.items():
        for rule in entry.rules:
            assert rule.weights.keys() <= MEASURES.keys()
            for op in rule.ops.split():
                if op != EVERY:
                    assert rule.only.keys() <= ops.find(op).attributes.keys(), (name, op)


def test_the_headline_takes_the_place_of_macs() -> None:
    assert chosen("", headline="thop") == ("name", "op", "shape", "field", "params", "thop")
    assert chosen("name,macs", headline="thop", backward=True) == ("name", "thop", "weight_macs", "input_macs")
    with pytest.raises(Misuse, match="there is no convention 'tho': did you mean 'thop'"):
        chosen("", headline="tho")


def told(format_: str) -> str:
    file = io.StringIO()
    write_conventions(format_, [convcalc.load("lenet5").analyze()], file)
    return file.getvalue()


def test_every_format() -> None:
    net = json.loads(told("json"))["nets"][0]
    assert net["conventions"]["thop"]["items"] == [
        {"op": "avg_pool", "layers": 2, "counted": 1576, "over": 1576, "why": "1 a value out"}
    ]
    rows = list(csv.DictReader(io.StringIO(told("csv"))))
    assert [row["counted"] for row in rows if row["convention"] == "ptflops"] == ["423038", "", ""]
    assert "| thop | 418,096 | +1,576 | 2 avg\\_pool: 1 a value out |" in told("markdown").replace("_", "\\_")
    assert "thop        418,096     +1,576  2 avg_pool: 1 a value out\n" in told("table")


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["convcalc", "shape", "lenet5", "--conventions"])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().out == told("table")
    monkeypatch.setattr("sys.argv", ["convcalc", "shape", "lenet5", "--convention", "torchinfo"])
    with pytest.raises(SystemExit):
        main()
    assert "torchinfo          423,038  torchinfo 1.8.0" in capsys.readouterr().out


def test_a_wrong_weight_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    thop = CONVENTIONS["thop"]
    rules = tuple(
        rule._replace(weights={"inputs": 3}) if "batch_norm" in rule.ops.split() else rule for rule in thop.rules
    )
    monkeypatch.setitem(CONVENTIONS, "thop", thop._replace(rules=rules))
    with pytest.raises(AssertionError):
        test_the_reference_figures("resnet50")
