"""Lints of what outputs see: they know networks that are good, and agree with the exact fields."""

from __future__ import annotations

from itertools import chain, product
from typing import TYPE_CHECKING, Any

import pytest
from calls import calls

from convcalc import Graph, load
from convcalc.analysis import analyze
from convcalc.analysis.fields import Trace
from convcalc.analysis.reach import unseen
from convcalc.analysis.view import view
from convcalc.checks.lints import gridding, misaligned_join, unseen_input
from convcalc.checks.lints._net import Net
from convcalc.checks.specs import check_spec

if TYPE_CHECKING:
    from pathlib import Path


def codes(text: str, folder: Path) -> list[str]:
    path = folder / "net.yaml"
    path.write_text(text)
    return [finding.code for finding in check_spec(str(path)).findings]


def dilated(*dilations: int, kernel: int = 3) -> str:
    """Layers in a row."""
    arguments = [f"kernel_size: {kernel}, dilation: {d}, padding: {d * (kernel // 2)}" for d in dilations]
    return "".join(f"  - conv: {{out_channels: 8, {each}}}\n" for each in arguments)


def branch(*dilations: int) -> str:
    """The same layers as a branch of a join."""
    first, *others = dilated(*dilations).splitlines()
    return f"      - {first[2:]}\n" + "".join(f"        {other[2:]}\n" for other in others)


MAP = "input: [8, 64, 64]\nlayers:\n"
STEM = "  - conv: {out_channels: 8, kernel_size: 3, stride: 2, padding: 1}\n  - max_pool: {kernel_size: 2}\n"
CAUSAL = (
    "      - - pad: {{padding: [[{d}, 0]]}}\n"
    "        - conv: {{out_channels: 8, kernel_size: 2, dilation: {d}}}\n"
    "        - mul: [[tanh], [sigmoid]]\n"
    "        - conv: {{out_channels: 8, kernel_size: 1}}\n"
)
WAVENET = "input: [8, 4096]\nlayers:\n" + 2 * "".join(
    "  - add:\n" + CAUSAL.format(d=1 << i) + "      - []\n" for i in range(9)
)
ASPP = "  - concat:\n      - - conv: {out_channels: 8, kernel_size: 1}\n" + branch(6) + branch(12) + branch(18)
POOLED = "      - - global_avg_pool\n        - upsample: {size: 64}\n"
TCN = "".join(f"  - add:\n{branch(d, d)}      - []\n" for d in (1, 2, 4, 8, 16))
FPN = """input: [3, 256, 256]
layers:
  - conv: {out_channels: 8, kernel_size: 7, stride: 4, padding: 3}
    name: c2
  - conv: {out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
    name: c3
  - conv: {out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
    name: c4
  - conv: {out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
""" + "".join(
    f"  - upsample: {{scale_factor: 2}}\n    name: up{n}\n  - add:\n    from: [up{n}, c{n}]\n" for n in (4, 3, 2)
)
UNET = """input: [3, 92, 92]
layers:
  - conv: {out_channels: 8, kernel_size: 3}
  - conv: {out_channels: 8, kernel_size: 3}
    name: skip
  - max_pool: {kernel_size: 2}
  - conv: {out_channels: 8, kernel_size: 3}
  - conv: {out_channels: 8, kernel_size: 3}
  - conv_transpose: {out_channels: 8, kernel_size: 2, stride: 2}
    name: up
  - crop: {size: [80, 80]}
    name: cropped
    from: skip
  - concat:
    from: [up, cropped]
"""
POOL_BESIDE_STRIDE = """  - add:
      - - conv: {out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
      - - avg_pool: {kernel_size: 2}
        - conv: {out_channels: 8, kernel_size: 1}
"""
TENSORFLOW = """  - add:
      - - conv: {out_channels: 8, kernel_size: 3, padding: same_upper}
        - max_pool: {kernel_size: 3, stride: 2, padding: same_upper}
      - - conv: {out_channels: 8, kernel_size: 1, stride: 2}
"""
PYRAMID = "  - concat:\n      - []\n" + "".join(
    f"      - - adaptive_avg_pool: {{output_size: {n}}}\n        - upsample: {{size: 64}}\n" for n in (2, 3, 6)
)

GOOD = {
    "HDC": MAP + dilated(1, 2, 5),
    "HDC the other way round": MAP + dilated(5, 2, 1),
    "context module": MAP + dilated(1, 1, 2, 4, 8, 16, 1),
    "one dilated layer": MAP + dilated(24),
    "dilated layers on a coarse map": "input: [3, 64, 64]\nlayers:\n" + STEM.replace("3, stride", "7, stride").replace(
        "padding: 1", "padding: 3") + dilated(1, 1, 2, 4),
    "WaveNet": WAVENET,
    "TCN": MAP + TCN,
    "DeepLab's head alone": MAP + ASPP + dilated(1, 1),
    "DeepLab's head with a pooled branch": MAP + dilated(1) + ASPP + POOLED,
    "two atrous pyramids": MAP + ASPP + "  - conv: {out_channels: 8, kernel_size: 1}\n" + ASPP,
    "large kernel attention": MAP + dilated(1, kernel=5) + dilated(3, kernel=7),
    "MelGAN": "input: [8, 512]\nlayers:\n" + dilated(1, 3, 9),
    "gates": MAP + "  - mul: [[], [global_avg_pool, sigmoid]]\n" + dilated(1, 2),
    "FPN": FPN,
    "U-Net without padding": UNET,
    "ResNet-D": MAP + STEM + POOL_BESIDE_STRIDE,
    "Xception": MAP + TENSORFLOW,
    "pyramid pooling": MAP + PYRAMID,
    "focus": MAP + "  - concat:\n" + "".join(
        f"      - - slice: {{dim: 2, start: {a}, step: 2}}\n        - slice: {{dim: 3, start: {b}, step: 2}}\n"
        for a in (0, 1) for b in (0, 1)),
    "neighbours": MAP + "  - concat:\n      - - crop: {margin: [[0, 2], 1]}\n      - - crop: {margin: [[2, 0], 1]}\n",
    "a kernel of 1 behind others": MAP + dilated(1) + "  - conv: {out_channels: 8, kernel_size: 1, stride: 2}\n",
    "a projection beside a kernel of 3": MAP + "  - add: [[{conv: {out_channels: 8, kernel_size: 3, stride: 2, "
        "padding: 1}}], [{conv: {out_channels: 8, kernel_size: 1, stride: 2}}]]\n",
    "a border strip": "input: [8, 7, 7]\nlayers:\n  - conv: {out_channels: 8, kernel_size: 2, stride: 2}\n",
    "a small map": "input: [8, 8, 8]\nlayers:\n  - conv: {out_channels: 8, kernel_size: 3, dilation: 3}\n",
    "one window": "input: [8, 5, 5]\nlayers:\n  - conv: {out_channels: 8, kernel_size: 3, dilation: 2, stride: 2}\n",
    "patches": MAP + "  - conv: {out_channels: 8, kernel_size: 16, stride: 16}\n",
    "half of a map": MAP + "  - slice: {dim: 2, step: 2}\n",
}  # fmt: skip


@pytest.mark.parametrize("case", GOOD)
def test_what_good_networks_do_is_left_alone(case: str, tmp_path: Path) -> None:
    assert codes(GOOD[case], tmp_path) == []


WRONG = {
    "twice the same dilation": (MAP + dilated(2, 2), "gridding"),
    "a dilation too far": (MAP + dilated(1, 2, 9), "gridding"),
    "residuals": (MAP + "".join(f"  - add:\n{branch(d)}      - []\n" for d in (6, 12, 18)), "gridding"),
    "a row beside a kernel of 1": (MAP + "  - concat:\n      - - conv: {out_channels: 8, kernel_size: 1}\n"
        + branch(6, 12, 18), "gridding"),
    "around a gate": (MAP + dilated(2) + "  - mul: [[global_avg_pool, sigmoid], []]\n" + dilated(2), "gridding"),
    "in front of a global pool": (MAP + dilated(2, 2, 2) + "  - global_avg_pool\n", "gridding"),
    "on one axis": (MAP + 2 * "  - conv: {out_channels: 8, kernel_size: 3, dilation: [1, 2]}\n", "gridding"),
    "a pool further than it is wide": (MAP + "  - max_pool: {kernel_size: 2, stride: 3}\n", "unseen-input"),
    "taps on even rows alone": (MAP + "  - conv: {out_channels: 8, kernel_size: 3, stride: 2, dilation: 2}\n",
        "unseen-input"),
    "behind what is pointwise": (MAP + "  - relu\n  - conv: {out_channels: 8, kernel_size: 1}\n"
        "  - conv: {out_channels: 8, kernel_size: 1, stride: 2}\n", "unseen-input"),
    "behind a stride": (MAP + "  - conv: {out_channels: 8, kernel_size: 2, stride: 2}\n  - relu\n"
        "  - max_pool: {kernel_size: 1, stride: 2}\n", "unseen-input"),
    "a crop at a corner": (UNET.replace("size: [80, 80]", "size: [80, 80], offset: 0"), "misaligned-join"),
    "a crop at the far corner": (UNET.replace("size: [80, 80]", "size: [80, 80], offset: 8"), "misaligned-join"),
    "maps of two scales": (MAP + "  - add:\n      - - max_pool: {kernel_size: 2}\n      - - crop: {size: 32}\n",
        "misaligned-join"),
    "padding at one end": (MAP + "  - add:\n      - - conv: {out_channels: 8, kernel_size: 5, "
        "padding: [[0, 4], [4, 0]]}\n      - []\n", "misaligned-join"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_found(case: str, tmp_path: Path) -> None:
    text, code = WRONG[case]
    assert codes(text, tmp_path) == [code]


def test_the_layer_where_coverage_drops_is_to_blame(tmp_path: Path) -> None:
    def blamed(*dilations: int) -> int:
        (tmp_path / "net.yaml").write_text(MAP + dilated(*dilations))
        (finding,) = check_spec(str(tmp_path / "net.yaml")).findings
        assert finding.span
        return finding.span.line - 3

    assert blamed(6, 12, 18) == blamed(2, 2) == blamed(9, 2, 1) == 0
    assert blamed(1, 2, 9) == 2
    assert blamed(5, 2, 1, 40) == 3, "what was filled is no longer to blame"


def test_gridding_agrees_with_the_exact_field() -> None:
    seen = set()
    for dilations in product((1, 2, 3, 5, 7), repeat=3):
        graph = Graph()
        x = graph.input((1, 64))
        for dilation in dilations:
            x = graph.add("conv", x, out_channels=1, kernel_size=3, dilation=dilation, padding=dilation)
        graph.output(x)
        (extent,) = view(Trace(graph), x, "input").field.extents
        assert extent
        told = [remark.message for remark in gridding.look(Net(analyze(graph)))]
        assert bool(told) == (extent.used < extent.size), dilations
        assert not told or f"an output sees {extent.used} of {extent.size} positions" in told[0]
        seen.add(bool(told))
    assert seen == {True, False}


def test_unseen_input_agrees_with_the_exact_positions() -> None:
    seen = set()
    for k, s, d, k2, s2 in product((1, 2, 3), (1, 2, 3), (1, 2), (1, 2), (1, 2, 3)):
        graph = Graph()
        x = graph.input((1, 40))
        x = graph.add("conv", x, out_channels=1, kernel_size=k, stride=s, dilation=d)
        x = graph.add("conv", x, out_channels=1, kernel_size=k2, stride=s2)
        graph.output(x)
        lost = unseen(Trace(graph))["input"].across[1]
        used = ((1 << 40) - 1) & ~lost
        between = (1 << used.bit_length()) - (used & -used) & lost
        told = [remark.message for remark in unseen_input.look(Net(analyze(graph)))]
        # Near a border dilated windows leave out what those further in read: no stride is to blame for that.
        inside = between >> 10 & 0xFFFF
        assert between if told else not inside, (k, s, d, k2, s2)
        assert all(f"{between.bit_count()} of 40 positions" in message for message in told)
        seen.add(bool(told))
    assert seen == {True, False}


def test_several_inputs_are_looked_at_one_by_one(tmp_path: Path) -> None:
    text = (
        "input: {left: [8, 16, 16], right: [8, 16, 16]}\nlayers:\n"
        "  - conv: {out_channels: 8, kernel_size: 1, stride: 2}\n    name: l\n    from: left\n"
        "  - conv: {out_channels: 8, kernel_size: 2, stride: 2}\n    name: r\n    from: right\n"
        "  - add:\n    from: [l, r]\n"
    )
    (tmp_path / "net.yaml").write_text(text)
    (finding,) = check_spec(str(tmp_path / "net.yaml")).findings
    assert finding.code == "unseen-input"
    assert "7 of 16 positions of 'left'" in finding.message


@pytest.mark.parametrize("lint", [gridding, unseen_input, misaligned_join])
def test_work_grows_with_the_layers(lint: Any) -> None:
    def work(count: int) -> int:
        graph = Graph()
        x = graph.input((4, 32))
        for _ in range(count):
            y = graph.add("conv", x, out_channels=4, kernel_size=3, dilation=2, padding=[[0, 4]], bias=False)
            x = graph.add("add", x, graph.add("max_pool", y, kernel_size=1, stride=1))
        graph.output(graph.add("max_pool", x, kernel_size=1, stride=2))
        net = Net(analyze(graph))
        return calls(lambda: list(lint.look(net)))

    assert work(800) < 4.4 * work(200)


def test_dense_concats_cost_little() -> None:
    analysis = load("densenet201").analyze()
    found: list[Any] = []
    looks = [lint.look(Net(analysis)) for lint in (gridding, unseen_input, misaligned_join)]
    look = calls(lambda: found.extend(chain.from_iterable(looks)))
    assert not found
    assert look < calls(lambda: unseen(Trace(analysis.graph))) / 2, "a fast look is enough"
