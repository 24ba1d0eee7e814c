"""Networks that are made of units, in plain PyTorch: written from the papers and from torchvision's documentation."""

from __future__ import annotations

from functools import partial
from math import ceil

import torch
from torch import nn


class Branches(nn.Module):
    """Several modules on the same input, joined along the channels or added."""

    def __init__(self, *branches: nn.Module, added: bool = False) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.added = added

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs = [branch(x) for branch in self.branches]
        return outputs[0] + outputs[1] if self.added else torch.cat(outputs, 1)


class Gate(nn.Module):
    """Squeeze and excitation: each channel times a number between 0 and 1."""

    def __init__(self, channels: int, squeezed: int, inner: nn.Module, outer: nn.Module) -> None:
        super().__init__()
        self.factor = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, squeezed, 1), inner, nn.Conv2d(squeezed, channels, 1), outer
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor(x)


class Residual(nn.Module):
    """``x + f(x)``."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


def rounded(v: float) -> int:
    """The next multiple of 8, at most a tenth below."""
    near = max(8, int(v + 4) // 8 * 8)
    return near + 8 if near < 0.9 * v else near


def conv_bn(i: int, o: int, k: int = 1, s: int = 1, g: int = 1, act: type[nn.Module] | None = None) -> nn.Module:
    layers = [nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, *([act()] if act else []))


# Kernel, widened, output, squeezed or not, hardswish or not, stride: tables 1 and 2.
LARGE = [
    (3, 16, 16, 0, 0, 1), (3, 64, 24, 0, 0, 2), (3, 72, 24, 0, 0, 1), (5, 72, 40, 1, 0, 2), (5, 120, 40, 1, 0, 1),
    (5, 120, 40, 1, 0, 1), (3, 240, 80, 0, 1, 2), (3, 200, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1),
    (3, 480, 112, 1, 1, 1), (3, 672, 112, 1, 1, 1), (5, 672, 160, 1, 1, 2), (5, 960, 160, 1, 1, 1),
    (5, 960, 160, 1, 1, 1),
]  # fmt: skip
SMALL = [
    (3, 16, 16, 1, 0, 2), (3, 72, 24, 0, 0, 2), (3, 88, 24, 0, 0, 1), (5, 96, 40, 1, 1, 2), (5, 240, 40, 1, 1, 1),
    (5, 240, 40, 1, 1, 1), (5, 120, 48, 1, 1, 1), (5, 144, 48, 1, 1, 1), (5, 288, 96, 1, 1, 2), (5, 576, 96, 1, 1, 1),
    (5, 576, 96, 1, 1, 1),
]  # fmt: skip


def mobilenet_v3(rows: list[tuple[int, ...]], last: int) -> nn.Module:
    layers = [conv_bn(3, 16, 3, 2, act=nn.Hardswish)]
    i = 16
    for k, t, o, squeezed, swish, s in rows:
        act = nn.Hardswish if swish else nn.ReLU
        unit = [conv_bn(i, t, act=act)] if t != i else []
        unit += [conv_bn(t, t, k, s, t, act)]
        unit += [Gate(t, rounded(t // 4), nn.ReLU(), nn.Hardsigmoid())] if squeezed else []
        unit += [conv_bn(t, o)]
        layers += [Residual(*unit) if s == 1 and i == o else nn.Sequential(*unit)]
        i = o
    layers += [conv_bn(i, 6 * i, act=nn.Hardswish), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(6 * i, last), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(last, 1000))


SCALES = [
    (1.0, 1.0, 224), (1.0, 1.1, 240), (1.1, 1.2, 288), (1.2, 1.4, 300), (1.4, 1.8, 380), (1.6, 2.2, 456),
    (1.8, 2.6, 528), (2.0, 3.1, 600),
]  # fmt: skip


def efficientnet(width: float, depth: float) -> nn.Module:
    i = rounded(32 * width)
    layers = [conv_bn(3, i, 3, 2, act=nn.SiLU)]
    table = [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3),
             (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)]  # fmt: skip
    for t, k, stride, channels, count in table:
        o = rounded(channels * width)
        for place in range(ceil(count * depth)):
            s = stride if place == 0 else 1
            unit = [conv_bn(i, t * i, act=nn.SiLU)] if t > 1 else []
            unit += [conv_bn(t * i, t * i, k, s, t * i, nn.SiLU), Gate(t * i, max(1, i // 4), nn.SiLU(), nn.Sigmoid())]
            unit += [conv_bn(t * i, o)]
            layers += [Residual(*unit) if s == 1 and i == o else nn.Sequential(*unit)]
            i = o
    layers += [conv_bn(i, 4 * i, act=nn.SiLU), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2)]
    return nn.Sequential(*layers, nn.Linear(4 * i, 1000))


class Shuffled(nn.Module):
    """Two branches, on one half of the channels each or on all, then the halves shuffled."""

    def __init__(self, i: int, o: int, s: int) -> None:
        super().__init__()
        self.halves = s == 1
        own, half = (o // 2 if self.halves else i), o // 2
        self.left = (
            nn.Sequential() if self.halves else nn.Sequential(conv_bn(i, i, 3, s, i), conv_bn(i, half, act=nn.ReLU))
        )
        self.right = nn.Sequential(
            conv_bn(own, half, act=nn.ReLU), conv_bn(half, half, 3, s, half), conv_bn(half, half, act=nn.ReLU)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left, right = x.chunk(2, 1) if self.halves else (x, x)
        x = torch.cat((self.left(left), self.right(right)), 1)
        return x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)


def shufflenet_v2(channels: int, top: int = 1024) -> nn.Module:
    layers = [conv_bn(3, 24, 3, 2, act=nn.ReLU), nn.MaxPool2d(3, 2, 1)]
    i = 24
    for stage, count in enumerate((4, 8, 4)):
        for place in range(count):
            layers += [Shuffled(i, channels << stage, 1 if place else 2)]
            i = channels << stage
    layers += [conv_bn(i, top, act=nn.ReLU), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(top, 1000))


class Gated(nn.Module):
    """Equation 2, a 1x1 convolution, and the signal that passes by."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.past = nn.ConstantPad1d((d, 0), 0)
        self.filter, self.gate = (nn.Conv1d(32, 32, 2, dilation=d) for _ in range(2))
        self.out = nn.Conv1d(32, 32, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = self.past(x)
        return x + self.out(self.filter(seen).tanh() * self.gate(seen).sigmoid())


def wavenet() -> nn.Module:
    layers = [nn.ConstantPad1d((1, 0), 0), nn.Conv1d(256, 32, 2), *(Gated(2**n) for _ in range(3) for n in range(10))]
    return nn.Sequential(*layers, nn.ReLU(), nn.Conv1d(32, 256, 1), nn.ReLU(), nn.Conv1d(256, 256, 1))


def c3d() -> nn.Module:
    layers: list[nn.Module] = []
    i = 3
    for word in ["64", "p", "128", "P", "256", "256", "P", "512", "512", "P", "512", "512", "Q"]:
        if word.isdigit():
            layers += [nn.Conv3d(i, int(word), 3, padding=1), nn.ReLU()]
            i = int(word)
        else:
            kernel = (1, 2, 2) if word == "p" else 2
            layers += [nn.MaxPool3d(kernel, kernel, (0, 1, 1) if word == "Q" else 0)]
    head = [nn.Linear(8192, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()]
    return nn.Sequential(*layers, nn.Flatten(), *head, nn.Linear(4096, 487))


def neocognitron() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 24, 5, padding=2), nn.ReLU(), nn.ZeroPad2d((3, 4, 3, 4)), nn.AvgPool2d(5, 2),
        nn.Conv2d(24, 24, 5, padding=1), nn.ReLU(), nn.AvgPool2d(5, 1, 1),
        nn.Conv2d(24, 24, 5), nn.ReLU(), nn.AvgPool2d(2),
    )  # fmt: skip


def conv_relu(i: int, o: int, k: int = 1, s: int = 1) -> nn.Module:
    return nn.Sequential(nn.Conv2d(i, o, k, s, k // 2), nn.ReLU())


def nin() -> nn.Module:
    return nn.Sequential(
        conv_relu(3, 192, 5), conv_relu(192, 160), conv_relu(160, 96),
        nn.MaxPool2d(3, 2, ceil_mode=True), nn.Dropout(),
        conv_relu(96, 192, 5), conv_relu(192, 192), conv_relu(192, 192),
        nn.AvgPool2d(3, 2, ceil_mode=True), nn.Dropout(),
        conv_relu(192, 192, 3), conv_relu(192, 192), conv_relu(192, 10),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def inception(i: int, c1: int, r3: int, c3: int, r5: int, c5: int, proj: int) -> nn.Module:
    return Branches(
        conv_relu(i, c1),
        nn.Sequential(conv_relu(i, r3), conv_relu(r3, c3, 3)),
        nn.Sequential(conv_relu(i, r5), conv_relu(r5, c5, 5)),
        nn.Sequential(nn.MaxPool2d(3, 1, 1), conv_relu(i, proj)),
    )


def inception_module(reduced: bool) -> nn.Module:
    if reduced:
        return inception(192, 64, 96, 128, 16, 32, 32)
    return Branches(conv_relu(192, 64), conv_relu(192, 128, 3), conv_relu(192, 32, 5), nn.MaxPool2d(3, 1, 1))


class GoogLeNet2014(nn.Module):
    def __init__(self, rows: dict[str, tuple[int, ...]], heads: bool = False) -> None:
        super().__init__()
        pool = partial(nn.MaxPool2d, 3, 2, ceil_mode=True)
        self.stem = nn.Sequential(
            conv_relu(3, 64, 7, 2), pool(), nn.LocalResponseNorm(5), conv_relu(64, 64), conv_relu(64, 192, 3),
            nn.LocalResponseNorm(5), pool(),
        )  # fmt: skip
        self.stages = nn.ModuleDict({name: inception(*row) for name, row in rows.items()})
        self.pools = nn.ModuleDict({"3b": pool(), "4e": pool()})
        self.top = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.4), nn.Linear(1024, 1000))
        self.heads = nn.ModuleDict({"4a": self.head(512), "4d": self.head(528)} if heads else {})

    @staticmethod
    def head(i: int) -> nn.Module:
        return nn.Sequential(
            nn.AvgPool2d(5, 3), conv_relu(i, 128), nn.Flatten(), nn.Linear(2048, 1024), nn.ReLU(), nn.Dropout(0.7),
            nn.Linear(1024, 1000),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.stem(x)
        kept = {}
        for name, stage in self.stages.items():
            x = kept[name] = stage(x)
            if name in self.pools:
                x = self.pools[name](x)
        return [self.top(x), *(head(kept[name]) for name, head in self.heads.items())]
