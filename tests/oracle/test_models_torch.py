"""Each shipped network beside the same network written in plain PyTorch, layer by layer.

The modules below are written from the papers and from torchvision's documentation, not from the specs, and run on the
``meta`` device: PyTorch works out every shape, and its own counter every operation.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

import convcalc

torch = pytest.importorskip("torch")

import nets_of_units as units  # noqa: E402
from nets_of_units import Branches  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    Shape = tuple[int, ...]

pytestmark = pytest.mark.oracle

WITH_WEIGHTS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)
NAMES = {"conv", "conv_transpose", "linear"}


def lenet5() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(16, 120, 5), nn.Tanh(), nn.Flatten(),
        nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def alexnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(), nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.AdaptiveAvgPool2d(6), nn.Flatten(),
        nn.Dropout(), nn.Linear(256 * 36, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(),
        nn.Linear(4096, 1000),
    )  # fmt: skip


def alexnet_2012() -> nn.Module:
    def normalize() -> nn.Module:
        return nn.LocalResponseNorm(5, 5e-4, 0.75, 2)

    return nn.Sequential(
        nn.Conv2d(3, 96, 11, 4), nn.ReLU(), normalize(), nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, 1, 2, groups=2), nn.ReLU(), normalize(), nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, 1, 1), nn.ReLU(), nn.Conv2d(384, 384, 3, 1, 1, groups=2), nn.ReLU(),
        nn.Conv2d(384, 256, 3, 1, 1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten(),
        nn.Linear(256 * 36, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(),
        nn.Linear(4096, 1000),
    )  # fmt: skip


VGG = {
    "vgg11": "64 M 128 M 256 256 M 512 512 M 512 512 M",
    "vgg13": "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    "vgg16": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    "vgg19": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


def vgg(plan: str, norm: bool = False) -> nn.Module:
    layers: list[nn.Module] = []
    channels = 3
    for word in plan.split():
        if word == "M":
            layers += [nn.MaxPool2d(2, 2)]
            continue
        layers += [nn.Conv2d(channels, int(word), 3, padding=1)]
        layers += [nn.BatchNorm2d(int(word))] * norm
        layers += [nn.ReLU()]
        channels = int(word)
    head = [nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout()]
    return nn.Sequential(*layers, *head, nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 1000))


def conv_bn_relu(i: int, o: int, k: int = 1, s: int = 1) -> nn.Module:
    return nn.Sequential(nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.BatchNorm2d(o, 1e-3), nn.ReLU())


INCEPTIONS = {
    "3a": (192, 64, 96, 128, 16, 32, 32), "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64), "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64), "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128), "5b": (832, 384, 192, 384, 48, 128, 128),
}  # fmt: skip


class GoogLeNet(nn.Module):
    def __init__(self, heads: bool = False) -> None:
        super().__init__()
        pool = partial(nn.MaxPool2d, stride=2, ceil_mode=True)
        self.stem = nn.Sequential(
            conv_bn_relu(3, 64, 7, 2), pool(3), conv_bn_relu(64, 64), conv_bn_relu(64, 192, 3), pool(3)
        )
        self.stages = nn.ModuleDict({name: self.inception(*row) for name, row in INCEPTIONS.items()})
        self.pools = nn.ModuleDict({"3b": pool(3), "4e": pool(2)})
        self.top = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1024, 1000))
        self.heads = nn.ModuleDict({"4a": self.head(512), "4d": self.head(528)} if heads else {})

    @staticmethod
    def inception(i: int, c1: int, r3: int, c3: int, r5: int, c5: int, proj: int) -> nn.Module:
        return Branches(
            conv_bn_relu(i, c1),
            nn.Sequential(conv_bn_relu(i, r3), conv_bn_relu(r3, c3, 3)),
            nn.Sequential(conv_bn_relu(i, r5), conv_bn_relu(r5, c5, 3)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), conv_bn_relu(i, proj)),
        )

    @staticmethod
    def head(i: int) -> nn.Module:
        return nn.Sequential(
            nn.AdaptiveAvgPool2d(4), conv_bn_relu(i, 128), nn.Flatten(),
            nn.Linear(2048, 1024), nn.ReLU(), nn.Dropout(0.7), nn.Linear(1024, 1000),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.stem(x)
        kept = {}
        for name, stage in self.stages.items():
            x = kept[name] = stage(x)
            if name in self.pools:
                x = self.pools[name](x)
        return [self.top(x), *(head(kept[name]) for name, head in self.heads.items())]


def resnet(depths: tuple[int, ...], expansion: int, width: int = 64) -> nn.Module:
    def unit(i: int, mid: int, s: int) -> list[nn.Module]:
        conv = partial(nn.Conv2d, bias=False)
        o = expansion * mid
        if expansion == 1:
            main = [conv(i, mid, 3, s, 1), nn.BatchNorm2d(mid), nn.ReLU(), conv(mid, o, 3, 1, 1), nn.BatchNorm2d(o)]
        else:
            main = [conv(i, mid, 1), nn.BatchNorm2d(mid), nn.ReLU(), conv(mid, mid, 3, s, 1), nn.BatchNorm2d(mid)]
            main += [nn.ReLU(), conv(mid, o, 1), nn.BatchNorm2d(o)]
        changed = s != 1 or i != o
        shortcut = nn.Sequential(conv(i, o, 1, s), nn.BatchNorm2d(o)) if changed else nn.Identity()
        return [Branches(nn.Sequential(*main), shortcut, added=True), nn.ReLU()]

    layers: list[nn.Module] = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    layers += [nn.MaxPool2d(3, 2, 1)]
    channels = width
    for stage, depth in enumerate(depths):
        for place in range(depth):
            layers += unit(channels, width << stage, 2 if stage and not place else 1)
            channels = expansion * (width << stage)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000))


class UNet(nn.Module):
    def __init__(self, padding: int) -> None:
        super().__init__()

        def double(i: int, o: int) -> nn.Module:
            first, second = nn.Conv2d(i, o, 3, padding=padding), nn.Conv2d(o, o, 3, padding=padding)
            return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())

        widths = [64, 128, 256, 512, 1024]
        self.down = nn.ModuleList(double(i, o) for i, o in zip([1, *widths], widths, strict=False))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in widths[-2::-1])
        self.mix = nn.ModuleList(double(2 * w, w) for w in widths[-2::-1])
        self.mask = nn.Conv2d(64, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bridges: list[torch.Tensor] = []
        for stage in self.down:
            x = stage(nn.functional.max_pool2d(x, 2) if bridges else x)
            bridges.append(x)
        x = bridges.pop()
        for up, mix in zip(self.up, self.mix, strict=True):
            x, bridge = up(x), bridges.pop()
            top, left = ((b - a) // 2 for a, b in zip(x.shape[2:], bridge.shape[2:], strict=True))
            bridge = bridge[:, :, top : top + x.shape[2], left : left + x.shape[3]]
            x = mix(torch.cat([bridge, x], 1))
        return self.mask(x)


def dcgan_generator() -> nn.Module:
    up = partial(nn.ConvTranspose2d, kernel_size=4, bias=False)
    return nn.Sequential(
        up(100, 512), nn.BatchNorm2d(512), nn.ReLU(),
        up(512, 256, stride=2, padding=1), nn.BatchNorm2d(256), nn.ReLU(),
        up(256, 128, stride=2, padding=1), nn.BatchNorm2d(128), nn.ReLU(),
        up(128, 64, stride=2, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
        up(64, 3, stride=2, padding=1), nn.Tanh(),
    )  # fmt: skip


def squeezenet(early: bool) -> nn.Module:
    def fire(i: int, squeeze: int, expand: int) -> nn.Module:
        wide = [nn.Sequential(nn.Conv2d(squeeze, expand, k, padding=k // 2), nn.ReLU()) for k in (1, 3)]
        return nn.Sequential(nn.Conv2d(i, squeeze, 1), nn.ReLU(), Branches(*wide))

    fires = [fire(i, e // 4, e) for i, e in [(128, 64), (128, 128), (256, 128), (256, 192), (384, 192), (384, 256)]]
    pools = [nn.MaxPool2d(3, 2, ceil_mode=True) for _ in range(3)]
    stem = nn.Conv2d(3, 64, 3, 2) if early else nn.Conv2d(3, 96, 7, 2)
    layers = [stem, nn.ReLU(), pools[0], fire(stem.out_channels, 16, 64), *fires, fire(512, 64, 256)]
    for place, pool in zip((5, 8) if early else (6, 11), pools[1:], strict=True):
        layers.insert(place, pool)
    head = [nn.Dropout(), nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *head)


def densenet(growth: int, depths: tuple[int, ...]) -> nn.Module:
    conv = partial(nn.Conv2d, bias=False)
    channels = 2 * growth
    layers = [conv(3, channels, 7, 2, 3), nn.BatchNorm2d(channels), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    for stage, depth in enumerate(depths):
        if stage:
            layers += [nn.BatchNorm2d(channels), nn.ReLU(), conv(channels, channels // 2, 1), nn.AvgPool2d(2)]
            channels //= 2
        for _ in range(depth):
            narrow = [nn.BatchNorm2d(channels), nn.ReLU(), conv(channels, 4 * growth, 1)]
            wide = [nn.BatchNorm2d(4 * growth), nn.ReLU(), conv(4 * growth, growth, 3, 1, 1)]
            layers.append(Branches(nn.Identity(), nn.Sequential(*narrow, *wide)))
            channels += growth
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000)]
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), *head)


class Permute(nn.Module):
    def __init__(self, *dims: int) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(self.dims)


def convnext(width: int, deep: int) -> nn.Module:
    def last(*layers: nn.Module) -> list[nn.Module]:
        """With the channels behind."""
        return [Permute(0, 2, 3, 1), *layers, Permute(0, 3, 1, 2)]

    layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 4), *last(nn.LayerNorm(width, 1e-6))]
    for stage, depth in enumerate((3, 3, deep, 3)):
        c = width << stage
        if stage:
            layers += [*last(nn.LayerNorm(c // 2, 1e-6)), nn.Conv2d(c // 2, c, 2, 2)]
        for _ in range(depth):
            dense = last(nn.LayerNorm(c, 1e-6), nn.Linear(c, 4 * c), nn.GELU(), nn.Linear(4 * c, c))
            scale = nn.Conv2d(c, c, 1, groups=c, bias=False)
            main = nn.Sequential(nn.Conv2d(c, c, 7, 1, 3, groups=c), *dense, scale)
            layers.append(Branches(main, nn.Identity(), added=True))
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(8 * width, 1e-6), nn.Linear(8 * width, 1000)]
    return nn.Sequential(*layers, *head)


def resnext(depths: tuple[int, ...], groups: int, width: int) -> nn.Module:
    conv = partial(nn.Conv2d, bias=False)
    layers: list[nn.Module] = [conv(3, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    i = 64
    for stage, depth in enumerate(depths):
        mid, o = groups * width << stage, 256 << stage
        for place in range(depth):
            s = 2 if stage and not place else 1
            main = [conv(i, mid, 1), nn.BatchNorm2d(mid), nn.ReLU(), conv(mid, mid, 3, s, 1, groups=groups)]
            main += [nn.BatchNorm2d(mid), nn.ReLU(), conv(mid, o, 1), nn.BatchNorm2d(o)]
            shortcut = nn.Identity() if place else nn.Sequential(conv(i, o, 1, s), nn.BatchNorm2d(o))
            layers += [Branches(nn.Sequential(*main), shortcut, added=True), nn.ReLU()]
            i = o
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(i, 1000))


def mobilenet_v1() -> nn.Module:
    def unit(i: int, o: int, k: int, s: int = 1, groups: int = 1) -> list[nn.Module]:
        return [nn.Conv2d(i, o, k, s, k // 2, groups=groups, bias=False), nn.BatchNorm2d(o), nn.ReLU()]

    layers = unit(3, 32, 3, 2)
    widths = [32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]
    strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]
    for i, o, s in zip(widths, widths[1:], strides, strict=False):
        layers += [*unit(i, i, 3, s, i), *unit(i, o, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000))


def mobilenet_v2() -> nn.Module:
    def conv(i: int, o: int, k: int = 1, s: int = 1, groups: int = 1) -> list[nn.Module]:
        return [nn.Conv2d(i, o, k, s, k // 2, groups=groups, bias=False), nn.BatchNorm2d(o), nn.ReLU6()]

    layers = conv(3, 32, 3, 2)
    i = 32
    for t, o, n, first in [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)
    ]:  # fmt: skip
        for place in range(n):
            s = 1 if place else first
            unit = [*(conv(i, t * i) if t > 1 else []), *conv(t * i, t * i, 3, s, t * i), *conv(t * i, o)[:-1]]
            layers.append(Branches(nn.Sequential(*unit), nn.Identity(), added=True) if place else nn.Sequential(*unit))
            i = o
    layers += conv(320, 1280)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, 1000))


class InceptionV3(nn.Module):
    def __init__(self, head: bool = False) -> None:
        super().__init__()

        def conv(i: int, o: int, k: int | tuple[int, int] = 1, s: int = 1, p: int | tuple[int, int] = 0) -> nn.Module:
            return nn.Sequential(nn.Conv2d(i, o, k, s, p, bias=False), nn.BatchNorm2d(o, 1e-3), nn.ReLU())

        def row(i: int, o: int, k: int = 7) -> nn.Module:
            return conv(i, o, (1, k), 1, (0, k // 2))

        def column(i: int, o: int, k: int = 7) -> nn.Module:
            return conv(i, o, (k, 1), 1, (k // 2, 0))

        def pooled(i: int, o: int) -> nn.Module:
            return nn.Sequential(nn.AvgPool2d(3, 1, 1), conv(i, o))

        def fork(i: int) -> nn.Module:
            return Branches(row(i, 384, 3), column(i, 384, 3))

        def a(i: int, o: int) -> nn.Module:
            five = nn.Sequential(conv(i, 48), conv(48, 64, 5, 1, 2))
            threes = nn.Sequential(conv(i, 64), conv(64, 96, 3, 1, 1), conv(96, 96, 3, 1, 1))
            return Branches(conv(i, 64), five, threes, pooled(i, o))

        def b(m: int) -> nn.Module:
            short = nn.Sequential(conv(768, m), row(m, m), column(m, 192))
            long = nn.Sequential(conv(768, m), column(m, m), row(m, m), column(m, m), row(m, 192))
            return Branches(conv(768, 192), short, long, pooled(768, 192))

        def c(i: int) -> nn.Module:
            short = nn.Sequential(conv(i, 384), fork(384))
            long = nn.Sequential(conv(i, 448), conv(448, 384, 3, 1, 1), fork(384))
            return Branches(conv(i, 320), short, long, pooled(i, 192))

        to_17 = nn.Sequential(conv(288, 64), conv(64, 96, 3, 1, 1), conv(96, 96, 3, 2))
        to_8 = nn.Sequential(conv(768, 192), conv(192, 320, 3, 2))
        to_8_too = nn.Sequential(conv(768, 192), row(192, 192), column(192, 192), conv(192, 192, 3, 2))
        self.trunk = nn.Sequential(
            conv(3, 32, 3, 2), conv(32, 32, 3), conv(32, 64, 3, 1, 1), nn.MaxPool2d(3, 2),
            conv(64, 80), conv(80, 192, 3), nn.MaxPool2d(3, 2), a(192, 32), a(256, 64), a(288, 64),
            Branches(conv(288, 384, 3, 2), to_17, nn.MaxPool2d(3, 2)), b(128), b(160), b(160), b(192),
        )  # fmt: skip
        self.top = nn.Sequential(
            Branches(to_8, to_8_too, nn.MaxPool2d(3, 2)), c(1280), c(2048),
            nn.AdaptiveAvgPool2d(1), nn.Dropout(), nn.Flatten(), nn.Linear(2048, 1000),
        )  # fmt: skip
        aux = [nn.AvgPool2d(5, 3), conv(768, 128), conv(128, 768, 5), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        self.head = nn.Sequential(*aux, nn.Linear(768, 1000)) if head else None

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.trunk(x)
        return [self.top(x)] if self.head is None else [self.top(x), self.head(x)]


MODELS: dict[str, tuple[Callable[[], nn.Module], Shape]] = {
    "lenet5": (lenet5, (1, 32, 32)),
    "alexnet": (alexnet, (3, 224, 224)),
    "alexnet_2012": (alexnet_2012, (3, 227, 227)),
    **{name: (partial(vgg, plan), (3, 224, 224)) for name, plan in VGG.items()},
    **{f"{name}_bn": (partial(vgg, plan, True), (3, 224, 224)) for name, plan in VGG.items()},
    "googlenet": (GoogLeNet, (3, 224, 224)),
    "googlenet_aux": (partial(GoogLeNet, True), (3, 224, 224)),
    "resnet18": (partial(resnet, (2, 2, 2, 2), 1), (3, 224, 224)),
    "resnet34": (partial(resnet, (3, 4, 6, 3), 1), (3, 224, 224)),
    "resnet50": (partial(resnet, (3, 4, 6, 3), 4), (3, 224, 224)),
    "resnet50_width128": (partial(resnet, (3, 4, 6, 3), 4, 128), (3, 224, 224)),
    "resnet101": (partial(resnet, (3, 4, 23, 3), 4), (3, 224, 224)),
    "resnet152": (partial(resnet, (3, 8, 36, 3), 4), (3, 224, 224)),
    "unet": (partial(UNet, 1), (1, 512, 512)),
    "unet_2015": (partial(UNet, 0), (1, 572, 572)),
    "dcgan_generator": (dcgan_generator, (100, 1, 1)),
    "squeezenet1_0": (partial(squeezenet, False), (3, 224, 224)),
    "squeezenet1_1": (partial(squeezenet, True), (3, 224, 224)),
    "convnext_tiny": (partial(convnext, 96, 9), (3, 224, 224)),
    "convnext_small": (partial(convnext, 96, 27), (3, 224, 224)),
    "convnext_base": (partial(convnext, 128, 27), (3, 224, 224)),
    "convnext_large": (partial(convnext, 192, 27), (3, 224, 224)),
    "densenet121": (partial(densenet, 32, (6, 12, 24, 16)), (3, 224, 224)),
    "densenet161": (partial(densenet, 48, (6, 12, 36, 24)), (3, 224, 224)),
    "densenet169": (partial(densenet, 32, (6, 12, 32, 32)), (3, 224, 224)),
    "densenet201": (partial(densenet, 32, (6, 12, 48, 32)), (3, 224, 224)),
    "resnext50_32x4d": (partial(resnext, (3, 4, 6, 3), 32, 4), (3, 224, 224)),
    "resnext101_32x8d": (partial(resnext, (3, 4, 23, 3), 32, 8), (3, 224, 224)),
    "resnext101_64x4d": (partial(resnext, (3, 4, 23, 3), 64, 4), (3, 224, 224)),
    "mobilenet_v1": (mobilenet_v1, (3, 224, 224)),
    "mobilenet_v2": (mobilenet_v2, (3, 224, 224)),
    "inception_v3": (InceptionV3, (3, 299, 299)),
    "inception_v3_aux": (partial(InceptionV3, True), (3, 299, 299)),
    "mobilenet_v3_large": (partial(units.mobilenet_v3, units.LARGE, 1280), (3, 224, 224)),
    "mobilenet_v3_small": (partial(units.mobilenet_v3, units.SMALL, 1024), (3, 224, 224)),
    **{
        f"efficientnet_b{n}": (partial(units.efficientnet, width, depth), (3, side, side))
        for n, (width, depth, side) in enumerate(units.SCALES)
    },
    "shufflenet_v2_x0_5": (partial(units.shufflenet_v2, 48), (3, 224, 224)),
    "shufflenet_v2_x1_0": (partial(units.shufflenet_v2, 116), (3, 224, 224)),
    "shufflenet_v2_x1_5": (partial(units.shufflenet_v2, 176), (3, 224, 224)),
    "shufflenet_v2_x2_0": (partial(units.shufflenet_v2, 244, 2048), (3, 224, 224)),
    "wavenet": (units.wavenet, (256, 4096)),
    "c3d": (units.c3d, (3, 16, 112, 112)),
    "neocognitron": (units.neocognitron, (1, 16, 16)),
    "nin": (units.nin, (3, 32, 32)),
    "inception_module_reduced": (partial(units.inception_module, True), (192, 28, 28)),
    "inception_module_naive": (partial(units.inception_module, False), (192, 28, 28)),
    "googlenet_2014": (partial(units.GoogLeNet2014, INCEPTIONS), (3, 224, 224)),
    "googlenet_2014_aux": (partial(units.GoogLeNet2014, INCEPTIONS, True), (3, 224, 224)),
}
DEFAULTS = {
    "convnext": "convnext_tiny",
    "efficientnet": "efficientnet_b0",
    "inception_module": "inception_module_reduced",
    "mobilenet_v3": "mobilenet_v3_large",
    "shufflenet_v2": "shufflenet_v2_x1_0",
    "densenet": "densenet121",
    "resnet": "resnet50",
    "resnext": "resnext50_32x4d",
    "squeezenet": "squeezenet1_0",
    "vgg": "vgg16",
}


def measure(build: Callable[[], nn.Module], shape: Shape) -> tuple[int, int, list[Shape], list[Shape]]:
    """Parameters, MACs, the shapes that convolutions and dense layers put out in order, and those of the outputs."""
    with torch.device("meta"):
        net, x = build().eval(), torch.empty(1, *shape)
    shapes: list[Shape] = []
    for module in net.modules():
        if isinstance(module, WITH_WEIGHTS):
            module.register_forward_hook(lambda _module, _inputs, y: shapes.append(tuple(y.shape[1:])))
    counter = FlopCounterMode(display=False)
    with counter:
        y = net(x)
    outputs = [tuple(t.shape[1:]) for t in (y if isinstance(y, list) else [y])]
    return sum(p.numel() for p in net.parameters()), counter.get_total_flops() // 2, shapes, outputs


@pytest.mark.parametrize("name", [*MODELS, *DEFAULTS])
def test_every_layer_agrees_with_pytorch(name: str) -> None:
    build, shape = MODELS[DEFAULTS.get(name, name)]
    params, macs, shapes, outputs = measure(build, shape)
    ours = convcalc.load(name).analyze()
    assert [row.shape for row in ours.rows if row.op in NAMES] == shapes
    assert list(ours.outputs.values()) == outputs
    assert ours.totals.params == params
    assert ours.totals.macs == macs


@pytest.mark.parametrize(
    "name",
    [
        "alexnet",
        "googlenet",
        "googlenet_2014",
        "efficientnet_b0",
        "resnet18",
        "shufflenet_v2_x1_0",
        "unet_2015",
        "vgg11",
    ],
)
@pytest.mark.parametrize("sides", [(225, 252), (239, 224)])
def test_other_sizes_agree_with_pytorch(name: str, sides: tuple[int, int]) -> None:
    build, shape = MODELS[name]
    params, macs, shapes, outputs = measure(build, (shape[0], *sides))
    ours = convcalc.load(name).analyze(H=sides[0], W=sides[1])
    assert [row.shape for row in ours.rows if row.op in NAMES] == shapes
    assert list(ours.outputs.values()) == outputs
    assert (ours.totals.params, ours.totals.macs) == (params, macs)


@pytest.mark.parametrize("name", ["alexnet", "googlenet", "lenet5", "resnet50", "unet_2015", "vgg16"])
def test_pytorch_too_refuses_what_is_too_small(name: str) -> None:
    build, shape = MODELS[name]
    side = {"alexnet": 63, "googlenet": 15, "lenet5": 32, "resnet50": 1, "unet_2015": 188, "vgg16": 32}[name]
    measure(build, (shape[0], side, side))
    for sides in ((side - 1, side), (side, side - 1)):
        with pytest.raises(RuntimeError):
            measure(build, (shape[0], *sides))
