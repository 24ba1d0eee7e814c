"""The shipped networks against published figures, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import convcalc
from convcalc.spec import read, read_spec
from convcalc.spec.shipped import folder
from convcalc.witness import Run, random_inputs

MODELS = sorted(Path(folder(), "models").glob("*.yaml"))


class Figures(NamedTuple):
    """What is known of a net at its default size; ``smallest`` is the side of the smallest input it takes."""

    params: int
    macs: int
    output: tuple[int, ...]
    smallest: int


# torchvision's tables of pretrained weights; where those say nothing, the plain PyTorch nets of
# tests/oracle/test_models_torch.py, counted by PyTorch.
FIGURES = {
    "alexnet": Figures(61_100_840, 714_188_480, (1000,), 63),
    "c3d": Figures(79_991_015, 38_548_959_232, (487,), 96),
    "alexnet_2012": Figures(60_965_224, 724_406_816, (1000,), 67),
    "convnext": Figures(28_589_128, 4_457_676_288, (1000,), 32),
    "convnext_base": Figures(88_591_464, 15_359_395_840, (1000,), 32),
    "convnext_large": Figures(197_767_336, 34_368_433_152, (1000,), 32),
    "convnext_small": Figures(50_223_688, 8_687_212_032, (1000,), 32),
    "convnext_tiny": Figures(28_589_128, 4_457_676_288, (1000,), 32),
    "dcgan_generator": Figures(3_576_704, 104_628_224, (3, 64, 64), 1),
    "densenet": Figures(7_978_856, 2_834_161_664, (1000,), 29),
    "densenet121": Figures(7_978_856, 2_834_161_664, (1000,), 29),
    "densenet161": Figures(28_681_000, 7_727_907_072, (1000,), 29),
    "densenet169": Figures(14_149_480, 3_359_843_328, (1000,), 29),
    "densenet201": Figures(20_013_928, 4_291_365_888, (1000,), 29),
    "efficientnet": Figures(5_288_548, 385_814_752, (1000,), 1),
    "efficientnet_b0": Figures(5_288_548, 385_814_752, (1000,), 1),
    "efficientnet_b1": Figures(7_794_184, 686_802_832, (1000,), 1),
    "efficientnet_b2": Figures(9_109_994, 1_087_529_456, (1000,), 1),
    "efficientnet_b3": Figures(12_233_232, 1_827_141_392, (1000,), 1),
    "efficientnet_b4": Figures(19_341_616, 4_393_771_024, (1000,), 1),
    "efficientnet_b5": Figures(30_389_784, 10_266_384_752, (1000,), 1),
    "efficientnet_b6": Figures(43_040_704, 19_067_593_536, (1000,), 1),
    "efficientnet_b7": Figures(66_347_960, 37_745_884_192, (1000,), 1),
    # 23,508,032 params of ResNet-50 without its classifier, 984,064 on the way in and 2,360,320 on the way out; MACs
    # likewise: 4,087,136,256 + 385,351,680 + 2,456,616,960
    "fpn": Figures(26_852_416, 6_929_104_896, (256, 56, 56), 29),
    "fpn_c3": Figures(26_196_544, 4_873_895_936, (256, 28, 28), 25),
    "googlenet": Figures(6_624_904, 1_498_376_192, (1000,), 15),
    "googlenet_aux": Figures(13_004_888, 1_506_748_416, (1000,), 15),
    "googlenet_2014": Figures(6_998_552, 1_582_671_872, (1000,), 31),
    "googlenet_2014_aux": Figures(13_378_280, 1_591_044_096, (1000,), 79),
    "inception_module": Figures(163_696, 128_049_152, (256, 28, 28), 1),
    "inception_module_naive": Figures(387_296, 303_464_448, (416, 28, 28), 1),
    "inception_module_reduced": Figures(163_696, 128_049_152, (256, 28, 28), 1),
    "inception_v3": Figures(23_834_568, 5_713_216_096, (1000,), 75),
    "inception_v3_aux": Figures(27_161_264, 5_718_899_296, (1000,), 299),
    "lenet5": Figures(61_706, 416_520, (10,), 32),
    "mobilenet_v1_slim": Figures(4_231_976, 568_740_352, (1000,), 32),
    "lenet5_1998": Figures(60_000, 327_256, (84,), 32),
    "mobilenet_v1": Figures(4_231_976, 568_740_352, (1000,), 1),
    "mobilenet_v2": Figures(3_504_872, 300_774_272, (1000,), 1),
    "mobilenet_v3": Figures(5_483_032, 216_589_760, (1000,), 1),
    "mobilenet_v3_large": Figures(5_483_032, 216_589_760, (1000,), 1),
    "mobilenet_v3_small": Figures(2_542_856, 56_510_400, (1000,), 1),
    "neocognitron": Figures(29_472, 1_132_800, (24, 1, 1), 16),
    "nin": Figures(966_986, 222_486_528, (10,), 4),
    "resnet": Figures(25_557_032, 4_089_184_256, (1000,), 1),
    "resnet18": Figures(11_689_512, 1_814_073_344, (1000,), 1),
    "resnet34": Figures(21_797_672, 3_663_761_408, (1000,), 1),
    "resnet50": Figures(25_557_032, 4_089_184_256, (1000,), 1),
    "resnet50_width128": Figures(98_004_072, 16_116_613_120, (1000,), 1),
    "resnet101": Figures(44_549_160, 7_801_405_440, (1000,), 1),
    "resnet152": Figures(60_192_808, 11_513_626_624, (1000,), 1),
    "resnext": Figures(25_028_904, 4_230_479_872, (1000,), 1),
    "resnext50_32x4d": Figures(25_028_904, 4_230_479_872, (1000,), 1),
    "resnext101_32x8d": Figures(88_791_336, 16_414_015_488, (1000,), 1),
    "resnext101_64x4d": Figures(83_455_272, 15_460_270_080, (1000,), 1),
    "shufflenet_v2": Figures(2_278_604, 144_907_992, (1000,), 1),
    "shufflenet_v2_x0_5": Figures(1_366_792, 40_476_448, (1000,), 1),
    "shufflenet_v2_x1_0": Figures(2_278_604, 144_907_992, (1000,), 1),
    "shufflenet_v2_x1_5": Figures(3_503_624, 295_759_392, (1000,), 1),
    "shufflenet_v2_x2_0": Figures(7_393_996, 583_253_464, (1000,), 1),
    "squeezenet": Figures(1_248_424, 818_924_576, (1000,), 21),
    "squeezenet1_0": Figures(1_248_424, 818_924_576, (1000,), 21),
    "squeezenet1_1": Figures(1_235_496, 349_151_936, (1000,), 17),
    "unet": Figures(31_030_658, 192_384_335_872, (2, 512, 512), 16),
    "unet_2015": Figures(31_030_658, 150_428_424_448, (2, 388, 388), 188),
    "vgg": Figures(138_357_544, 15_470_264_320, (1000,), 32),
    "vgg11": Figures(132_863_336, 7_609_090_048, (1000,), 32),
    "vgg11_bn": Figures(132_868_840, 7_609_090_048, (1000,), 32),
    "vgg13": Figures(133_047_848, 11_308_466_176, (1000,), 32),
    "vgg13_bn": Figures(133_053_736, 11_308_466_176, (1000,), 32),
    "vgg16": Figures(138_357_544, 15_470_264_320, (1000,), 32),
    "vgg16_2014": Figures(138_357_544, 15_470_264_320, (1000,), 224),
    "vgg16_bn": Figures(138_365_992, 15_470_264_320, (1000,), 32),
    "vgg19": Figures(143_667_240, 19_632_062_464, (1000,), 32),
    "vgg19_bn": Figures(143_678_248, 19_632_062_464, (1000,), 32),
    "wavenet": Figures(247_136, 998_244_352, (256, 4096), 1),
}

# Size, stride and padding of the last map before global pooling: Araujo et al., Distill 2019, and by hand.
FIELDS = {
    "alexnet": (195, 32, 66),
    "googlenet": (379, 32, 167),
    "googlenet_aux": (379, 32, 167),
    "inception_v3": (1311, 32, 618),
    "mobilenet_v1": (315, 32, 157),
    "mobilenet_v1_slim": (315, 32, 126),
    "efficientnet_b0": (851, 32, 425),
    "mobilenet_v2": (491, 32, 245),
    "resnet18": (435, 32, 217),
    "resnet34": (899, 32, 449),
    "resnet50": (427, 32, 213),
    "resnet101": (971, 32, 485),
    "resnext50_32x4d": (427, 32, 213),
    "vgg16": (212, 32, 90),
}

# The shapes that the papers' figures and tables name.
LANDMARKS = {
    "lenet5": {"C1": (6, 28, 28), "S2": (6, 14, 14), "C3": (16, 10, 10), "S4": (16, 5, 5), "C5": (120, 1, 1)},
    "alexnet_2012": {"conv1": (96, 55, 55), "conv2": (256, 27, 27), "conv3": (384, 13, 13), "pool5": (256, 6, 6)},
    "alexnet": {"conv1": (64, 55, 55), "conv2": (192, 27, 27), "conv5": (256, 13, 13), "pool5": (256, 6, 6)},
    "googlenet_aux": {"pool1": (64, 56, 56), "pool2": (192, 28, 28), "pool3": (480, 14, 14), "pool4": (832, 7, 7)},
    "c3d": {"pool1": (64, 16, 56, 56), "pool3": (256, 4, 14, 14), "pool5": (512, 1, 4, 4), "fc6": (4096,)},
    "lenet5_1998": {"C1": (6, 28, 28), "S2": (6, 14, 14), "C3": (16, 10, 10), "S4": (16, 5, 5), "F6": (84,)},
    "neocognitron": {"US1": (24, 16, 16), "UC1": (24, 10, 10), "US2": (24, 8, 8), "UC2": (24, 6, 6), "US3": (24, 2, 2)},
    "efficientnet_b0": {"stage3": (40, 28, 28), "stage5": (112, 14, 14), "stage7": (320, 7, 7), "conv8": (1280, 7, 7)},
    "shufflenet_v2_x1_0": {"stage2": (116, 28, 28), "stage3": (232, 14, 14), "stage4": (464, 7, 7)},
    "googlenet_2014": {"pool1": (64, 56, 56), "pool2": (192, 28, 28), "pool3": (480, 14, 14), "pool4": (832, 7, 7)},
    "unet_2015": {"down1/relu_2": (64, 568, 568), "bottom/relu_2": (1024, 28, 28), "up1/concat_1": (128, 392, 392)},
    "dcgan_generator": {"project": (512, 4, 4), "paint": (3, 64, 64)},
}  # fmt: skip

# The last map as a closed form of the input's height.
LAST_MAPS = {
    "alexnet": ("pool5", lambda n: (n - 31) // 32),
    "dcgan_generator": ("paint", lambda n: 16 * (n + 3)),
    "googlenet": ("inception_5b/concat_1", lambda n: (n + 17) // 32),
    "inception_v3": ("mixed_7c/concat_1", lambda n: (n - 43) // 32),
    "resnet18": ("global_avg_pool_1", lambda n: (n + 31) // 32),
    "resnet50": ("global_avg_pool_1", lambda n: (n + 31) // 32),
    "unet_2015": ("mask", lambda n: (n + 4) // 16 * 16 - 188),
    "vgg16": ("stage5/max_pool_1", lambda n: n // 32),
}


def rejects(net: convcalc.Graph, **sizes: int) -> bool:
    """Whether no such input can pass through the net."""
    try:
        net.analyze(**sizes)
    except convcalc.SpecError as error:
        return len(error.diagnostics) > 0
    return False


def test_every_shipped_net_and_variant_has_its_figures() -> None:
    names = {name for path in MODELS for name in (path.stem, *read_spec(read(str(path))).variants)}
    assert names == FIGURES.keys()


@pytest.mark.parametrize("name", FIGURES)
def test_figures(name: str) -> None:
    analysis = convcalc.load(name).analyze()
    figures = FIGURES[name]
    assert analysis.totals.params == figures.params
    assert analysis.totals.macs == figures.macs
    assert next(iter(analysis.outputs.values())) == figures.output
    assert sum(row.params for row in analysis.rows) == figures.params
    assert sum(row.macs for row in analysis.rows) == figures.macs


@pytest.mark.parametrize("name", FIGURES)
def test_smallest_input(name: str) -> None:
    net = convcalc.load(name)
    side = FIGURES[name].smallest
    axes = [axis for axis in ("H", "W") if axis in net.values] or ["T"]
    fits = dict.fromkeys(axes, side)
    assert not rejects(net, **fits)
    for axis in axes:
        assert rejects(net, **{**fits, axis: side - 1})


@pytest.mark.parametrize("name", FIELDS)
def test_receptive_field(name: str) -> None:
    size, stride, padding = FIELDS[name]
    fields = convcalc.load(name).analyze().totals.fields
    assert [(field.size, field.stride, -field.start) for field in fields] == [(size, stride, padding)] * 2


@pytest.mark.parametrize("name", LANDMARKS)
def test_landmarks(name: str) -> None:
    analysis = convcalc.load(name).analyze()
    assert {row: analysis[row].shape for row in LANDMARKS[name]} == LANDMARKS[name]


@pytest.mark.parametrize("name", LAST_MAPS)
def test_last_map(name: str) -> None:
    row, closed_form = LAST_MAPS[name]
    net = convcalc.load(name)
    for height in range(FIGURES[name].smallest, 260, 7):
        before = net.analyze(H=height, W=height + 40)[row].operands[0] if row.startswith("global") else row
        shape = net.analyze(H=height, W=height + 40)[before].shape
        assert shape[1:] == (closed_form(height), closed_form(height + 40)), height


def test_padded_unet_takes_multiples_of_16_alone() -> None:
    net = convcalc.load("unet")
    assert [n for n in range(1, 100) if not rejects(net, H=n, W=32)] == [16, 32, 48, 64, 80, 96]


def test_the_original_unet_keeps_its_size_but_for_184_pixels() -> None:
    net = convcalc.load("unet_2015")
    exact = [n for n in range(188, 260) if net.analyze(H=n, W=n).outputs["mask"] == (2, n - 184, n - 184)]
    assert exact == [188, 204, 220, 236, 252]


def test_auxiliary_heads_are_outputs_only_when_switched_on() -> None:
    assert convcalc.load("googlenet").analyze().outputs == {"logits": (1000,)}
    assert convcalc.load("googlenet_aux").analyze().outputs == {"logits": (1000,), "aux1": (1000,), "aux2": (1000,)}


def test_resnet50_grows_with_its_width_as_a_polynomial() -> None:
    net = convcalc.load("resnet50")
    counts = [net.analyze(H=32, W=32, width=w).totals.params for w in range(1, 30)]
    assert counts == [5724 * w * w + 32977 * w + 1000 for w in range(1, 30)]
    assert max(w for w, count in enumerate(counts, 1) if count < 5_000_000) == 26


def test_densenet121_sees_2071_positions() -> None:
    assert convcalc.load("densenet121").analyze().totals.receptive_field == (2071, 2071)


def test_lenet5_counts_of_the_lecture() -> None:
    net = convcalc.load("lenet5").analyze()
    units = {row: net[row].shape for row in ("C1", "S2", "C3", "S4")}
    assert {row: c * h * w for row, (c, h, w) in units.items()} == {"C1": 4704, "S2": 1176, "C3": 1600, "S4": 400}


def test_an_alexnet_of_one_group_has_dense_kernels() -> None:
    grouped, dense = (convcalc.load("alexnet_2012").analyze(groups=n) for n in (2, 1))
    assert dense.totals.params - grouped.totals.params == (614_400 + 1_327_104 + 884_736) // 2


def test_the_connections_of_c3() -> None:
    """Table I of the paper: which maps of S2 each map of C3 sees, found by changing one map at a time."""
    net = convcalc.load("lenet5_1998")
    table = [
        {0, 1, 2}, {1, 2, 3}, {2, 3, 4}, {3, 4, 5}, {0, 4, 5}, {0, 1, 5},
        {0, 1, 2, 3}, {1, 2, 3, 4}, {2, 3, 4, 5}, {0, 3, 4, 5}, {0, 1, 4, 5}, {0, 1, 2, 5},
        {0, 1, 3, 4}, {1, 2, 4, 5}, {0, 2, 3, 5}, {0, 1, 2, 3, 4, 5},
    ]  # fmt: skip
    base: dict[str, dict[str, np.ndarray]] = {}
    inputs = random_inputs(net, dtype="float64")
    before = Run(net, inputs, base, keep=frozenset({"C3"}), forward_only=True).kept["C3"]
    seen: list[set[int]] = [set() for _ in range(16)]
    for source in range(6):
        changed = {name: {key: array.copy() for key, array in own.items()} for name, own in base.items()}
        changed["S2/conv_1"]["bias"][source] += 0.5
        after = Run(net, inputs, changed, keep=frozenset({"C3"}), forward_only=True).kept["C3"]
        for target in np.flatnonzero(abs(after - before).max(axis=(0, 2, 3)) > 1e-9):
            seen[target].add(source)
    assert seen == table
    assert sum(map(len, table)) == 60


def test_wavenet_sees_only_the_past() -> None:
    fields = convcalc.load("wavenet").analyze(stacks=1).totals.fields
    assert [(field.size, field.start) for field in fields] == [(1025, -1024)]
    assert convcalc.load("wavenet").analyze().totals.receptive_field == (3071,)


def test_reduction_saves_more_than_half() -> None:
    naive, reduced = (convcalc.load(f"inception_module_{kind}").analyze().totals for kind in ("naive", "reduced"))
    assert reduced.params / naive.params < 0.43
    assert reduced.macs / naive.macs < 0.43
