"""Random nets for an input of any height and width: a seed gives a graph whose layers fit some sizes and not others."""

from __future__ import annotations

import random

from convcalc.graph import Graph, Ref

CHANNELS = 4


def drawn(seed: int, layers: int = 8) -> Graph:
    """A net with an input of 4 channels, ``[4, 64, 64]``: layers upon earlier ones, two of them now and then joined."""
    draw = random.Random(seed)
    net = Graph(f"drawn {seed}")
    known = [net.input((CHANNELS, 64, 64))]
    for _ in range(draw.randint(2, layers)):
        known.append(_layer(net, draw, known))
    return net


def _layer(net: Graph, draw: random.Random, known: list[Ref]) -> Ref:
    x = draw.choice(known[-2:])
    kind = draw.choice(
        ["conv", "conv", "pool", "pool", "up", "transposed", "pad", "slice", "join", "join", "join", "crop"]
    )
    kernel, stride = draw.randint(1, 5), draw.randint(1, 3)
    if kind == "conv":
        padding = draw.choice([0, kernel // 2, draw.randint(0, 2), "same_upper", [draw.randint(0, 2), 1]])
        dilation = draw.choice([1, 1, 2])
        return net.add(
            "conv", x, out_channels=CHANNELS, kernel_size=kernel, stride=stride, padding=padding, dilation=dilation
        )
    if kind == "pool":
        rounding, padding = draw.choice([False, True, "caffe"]), draw.randint(0, kernel // 2)
        kind = draw.choice(["max_pool", "avg_pool"])
        return net.add(kind, x, kernel_size=kernel, stride=stride, padding=padding, ceil_mode=rounding)
    if kind == "up":
        return net.add("upsample", x, scale_factor=draw.randint(1, 3))
    if kind == "transposed":
        more = draw.randint(0, stride - 1)
        return net.add(
            "conv_transpose", x, out_channels=CHANNELS, kernel_size=kernel, stride=stride, padding=draw.randint(0, 2),
            output_padding=more,
        )  # fmt: skip
    if kind == "pad":
        return net.add("pad", x, padding=[draw.randint(-3, 3), 0])
    if kind == "slice":
        return net.add("slice", x, dim=2, start=draw.randint(0, 3), step=draw.randint(1, 3))
    other = draw.choice(known)
    if kind == "crop":
        return net.add("crop", x, other) if draw.random() < 0.5 else net.add("crop", x, size=draw.randint(1, 9))
    joined = draw.choice(["add", "concat"])
    if draw.random() < 0.8:  # down and up again: the sizes agree for some remainders
        times = draw.randint(2, 4)
        rounding = draw.choice([False, True])
        other = net.add("max_pool", x, kernel_size=times, ceil_mode=rounding)
        if draw.random() < 0.5:
            other = net.add("upsample", other, scale_factor=times)
        else:
            other = net.add("conv_transpose", other, out_channels=CHANNELS, kernel_size=times, stride=times)
    y = net.add(joined, x, other)
    return net.add("conv", y, out_channels=CHANNELS, kernel_size=1) if joined == "concat" else y
