"""What other counters print for the same net, next to ours.

PyTorch's own counter comes with it; of the others those are asked that are installed:

    pip install --no-deps fvcore iopath yacs termcolor tabulate portalocker thop ptflops torchinfo tqdm
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import convcalc
from convcalc.analysis import analyze, conventions
from convcalc.analysis.conventions import counted
from convcalc.graph import Graph

torch = pytest.importorskip("torch")

from test_models_torch import MODELS  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.oracle


def step_flops(build: Callable[[], nn.Module], shape: tuple[int, ...], *, input_gradient: bool) -> int:
    """FLOPs forward and backward, by PyTorch's counter, on the ``meta`` device."""
    with torch.device("meta"):
        net, x = build(), torch.empty(2, *shape, requires_grad=input_gradient)
    with FlopCounterMode(display=False) as counter:
        outputs = net(x)
        sum(y.sum() for y in (outputs if isinstance(outputs, list) else [outputs])).backward()
    return counter.get_total_flops()


def ours(name: str, *, input_gradient: bool) -> int:
    totals = analyze(convcalc.load(name), batch=2, input_gradient=input_gradient).totals
    return 2 * (totals.macs + totals.weight_macs + totals.input_macs)


GROUPED = {name for name in MODELS if any(getattr(node.op, "groups", 1) > 1 for node in convcalc.load(name).nodes)}
UNGROUPED = [name for name in MODELS if name not in GROUPED]


@pytest.mark.parametrize("input_gradient", [False, True])
@pytest.mark.parametrize("name", UNGROUPED)
def test_a_training_step_agrees_with_pytorch(name: str, input_gradient: bool) -> None:
    build, shape = MODELS[name]
    assert ours(name, input_gradient=input_gradient) == step_flops(build, shape, input_gradient=input_gradient)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(("kind", "stride"), [("conv", 1), ("conv", 2), ("conv_transpose", 1), ("conv_transpose", 2)])
def test_pytorch_s_counter_forgets_groups(kind: str, stride: int, groups: int) -> None:
    """The weight gradient is not divided by the groups; the input gradient is right."""
    graph = Graph()
    x = graph.input((4, 9, 9))
    graph.add(kind, x, out_channels=8, kernel_size=3, stride=stride, groups=groups, bias=False)
    (row,) = analyze(graph, input_gradient=True).rows
    module = (nn.Conv2d if kind == "conv" else nn.ConvTranspose2d)(4, 8, 3, stride, groups=groups, bias=False)

    def printed(*, weight: bool) -> int:
        module.weight.requires_grad = weight
        x = torch.zeros(1, 4, 9, 9, requires_grad=not weight)
        y = module(x)
        with FlopCounterMode(display=False) as counter:
            y.sum().backward()
        return counter.get_total_flops()

    told = {"weight": printed(weight=True), "input": printed(weight=False)}
    assert told == {"weight": 2 * row.weight_macs * groups, "input": 2 * row.input_macs}


# Forward counts of one sample, in eval mode.


def torch_counts(net: nn.Module, x: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        net(x)
    return counter.get_total_flops()


def fvcore_counts(net: nn.Module, x: torch.Tensor) -> int:
    analysis = pytest.importorskip("fvcore.nn").FlopCountAnalysis(net, x)
    return int(analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total())


def thop_counts(net: nn.Module, x: torch.Tensor) -> int:
    return int(pytest.importorskip("thop").profile(net, inputs=(x,), verbose=False)[0])


def ptflops_counts(net: nn.Module, x: torch.Tensor) -> int:
    of = pytest.importorskip("ptflops").get_model_complexity_info
    counted, _ = of(net, tuple(x.shape[1:]), as_strings=False, print_per_layer_stat=False, backend="aten")
    return int(counted)


def torchinfo_counts(net: nn.Module, x: torch.Tensor) -> int:
    return int(pytest.importorskip("torchinfo").summary(net, input_data=x, verbose=0).total_mult_adds)


TOOLS = {
    "torch": torch_counts,
    "fvcore": fvcore_counts,
    "thop": thop_counts,
    "ptflops": ptflops_counts,
    "torchinfo": torchinfo_counts,
}


def test_every_tool_is_asked() -> None:
    assert TOOLS.keys() == conventions.TOOLS.keys()


NETS = ["lenet5", "alexnet", "googlenet_aux", "resnet50", "mobilenet_v2", "densenet121", "dcgan_generator",
        "squeezenet1_0", "inception_v3", "resnext50_32x4d", "vgg11_bn", "mobilenet_v3_large", "efficientnet_b0",
        "shufflenet_v2_x1_0", "convnext_tiny"]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", NETS)
def test_a_net_counts_as_the_tool_counts_it(name: str, tool: str) -> None:
    build, shape = MODELS[name]
    expected = TOOLS[tool](build().eval(), torch.zeros(1, *shape))
    assert counted(tool, convcalc.load(name).analyze().rows) == expected


LAYERS: list[tuple[nn.Module, tuple[int, ...], str, dict[str, Any]]] = [
    (nn.Conv2d(4, 6, 3, 2, groups=2), (4, 9, 9), "conv",
     {"out_channels": 6, "kernel_size": 3, "stride": 2, "groups": 2}),
    (nn.Conv1d(4, 6, 3), (4, 9), "conv", {"out_channels": 6, "kernel_size": 3}),
    (nn.ConvTranspose2d(4, 6, 3, 2, groups=2), (4, 9, 9), "conv_transpose",
     {"out_channels": 6, "kernel_size": 3, "stride": 2, "groups": 2}),
    (nn.BatchNorm2d(4), (4, 5, 5), "batch_norm", {}),
    (nn.BatchNorm2d(4, affine=False), (4, 5, 5), "batch_norm", {"affine": False}),
    (nn.AdaptiveAvgPool2d(3), (4, 7, 7), "adaptive_avg_pool", {"output_size": 3}),
    (nn.AdaptiveAvgPool1d(3), (4, 7), "adaptive_avg_pool", {"output_size": 3}),
    (nn.AvgPool2d(2), (4, 6, 6), "avg_pool", {"kernel_size": 2}),
    (nn.MaxPool2d(2), (4, 6, 6), "max_pool", {"kernel_size": 2}),
    (nn.Upsample(scale_factor=2), (4, 6, 6), "upsample", {"scale_factor": 2}),
    (nn.Linear(6, 5), (4, 6), "linear", {"out_features": 5}),
    (nn.Linear(6, 5, bias=False), (6,), "linear", {"out_features": 5, "bias": False}),
    (nn.PReLU(), (4, 6, 6), "prelu", {}),
    (nn.Softmax(1), (10,), "softmax", {}),
    (nn.LeakyReLU(), (4, 6, 6), "leaky_relu", {}),
    (nn.LocalResponseNorm(3), (4, 6, 6), "local_response_norm", {"size": 3}),
    (nn.Conv2d(4, 4, 3, groups=4, bias=False), (4, 6, 6), "filter", {"kernel": "laplacian"}),
    (nn.LayerNorm((4, 6, 6)), (4, 6, 6), "layer_norm", {}),
    (nn.LayerNorm((4, 6, 6), elementwise_affine=False), (4, 6, 6), "layer_norm", {"elementwise_affine": False}),
    (nn.LayerNorm((6,), bias=False), (4, 6, 6), "layer_norm", {"normalized_shape": [6], "bias": False}),
    (nn.GroupNorm(2, 4), (4, 6, 6), "group_norm", {"num_groups": 2}),
    (nn.GroupNorm(2, 4, affine=False), (4, 6), "group_norm", {"num_groups": 2, "affine": False}),
    (nn.InstanceNorm2d(4), (4, 6, 6), "instance_norm", {}),
    (nn.InstanceNorm1d(4, affine=True), (4, 6), "instance_norm", {"affine": True}),
    (nn.Upsample(scale_factor=2), (4, 6), "upsample", {"scale_factor": 2}),
    (nn.Upsample(scale_factor=2), (4, 3, 3, 3), "upsample", {"scale_factor": 2}),
    (nn.Upsample(scale_factor=2, mode="linear"), (4, 6), "upsample", {"scale_factor": 2, "mode": "linear"}),
    (nn.Upsample(scale_factor=2, mode="bilinear"), (4, 6, 6), "upsample", {"scale_factor": 2, "mode": "linear"}),
    (nn.Upsample(size=9, mode="bilinear", align_corners=True), (4, 6, 6), "upsample",
     {"size": 9, "mode": "bilinear", "align_corners": True}),
    (nn.Upsample(scale_factor=2, mode="trilinear"), (4, 3, 3, 3), "upsample",
     {"scale_factor": 2, "mode": "trilinear"}),
    (nn.LPPool2d(2, 2), (4, 6, 6), "lp_pool", {"norm_type": 2, "kernel_size": 2}),
    (nn.AdaptiveMaxPool2d(3), (4, 7, 7), "adaptive_max_pool", {"output_size": 3}),
    (nn.GELU(), (4, 6, 6), "gelu", {}),
    (nn.Hardswish(), (4, 6, 6), "hardswish", {}),
    (nn.LogSoftmax(1), (10,), "log_softmax", {}),
    (nn.PixelShuffle(2), (4, 6, 6), "pixel_shuffle", {"upscale_factor": 2}),
    (nn.ChannelShuffle(2), (4, 6, 6), "channel_shuffle", {"groups": 2}),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("case", LAYERS, ids=lambda case: f"{case[0]}")
def test_a_layer_counts_as_the_tool_counts_it(case: tuple[nn.Module, tuple[int, ...], str, Any], tool: str) -> None:
    module, shape, kind, attributes = case
    graph = Graph()
    graph.add(kind, graph.input(shape), **attributes)
    expected = TOOLS[tool](nn.Sequential(module).eval(), torch.zeros(1, *shape))
    assert counted(tool, graph.analyze().rows) == expected
