"""What a user of PyTorch runs to see the layers of ResNet-50: build it, have torchinfo print it."""

from __future__ import annotations

from resnet50_in_torch import resnet50
from torchinfo import summary

print(summary(resnet50(), (1, 3, 224, 224), verbose=0))
