"""ResNet-50 as a user of PyTorch has it, and what such a user runs to see it work: import, build, one forward pass.

torchvision's model where it can be imported, else the same one from torch's own layers.
"""

from __future__ import annotations

from contextlib import suppress

import torch
from torch import Tensor, nn


def convolution(width: int, out: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(width, out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(out)]


class Bottleneck(nn.Module):
    def __init__(self, width: int, mid: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *convolution(width, mid, 1), nn.ReLU(), *convolution(mid, mid, 3, stride), nn.ReLU(),
            *convolution(mid, 4 * mid, 1),
        )  # fmt: skip
        same = width == 4 * mid and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*convolution(width, 4 * mid, 1, stride))
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.residual(x) + self.shortcut(x))  # type: ignore[no-any-return]


def resnet50() -> nn.Module:
    layers = [*convolution(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    width = 64
    for mid, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(blocks):
            layers.append(Bottleneck(width, mid, stride if block == 0 else 1))
            width = 4 * mid
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


with suppress(ImportError, RuntimeError):  # a RuntimeError is a torchvision that was built for another torch
    from torchvision.models import resnet50  # type: ignore[no-redef]

if __name__ == "__main__":
    with torch.inference_mode():
        resnet50().eval()(torch.randn(1, 3, 224, 224))
