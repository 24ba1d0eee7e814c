"""What other counters print for the same net, next to ours.

PyTorch's own counter comes with it; of the others those are asked that are installed:

    pip install --no-deps fvcore iopath yacs termcolor tabulate portalocker thop ptflops torchinfo tqdm
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import convcalc
from convcalc.analysis import analyze

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


GROUPED = ("alexnet_2012", "mobilenet", "resnext")
UNGROUPED = [name for name in MODELS if not name.startswith(GROUPED)]


@pytest.mark.parametrize("input_gradient", [False, True])
@pytest.mark.parametrize("name", UNGROUPED)
def test_a_training_step_agrees_with_pytorch(name: str, input_gradient: bool) -> None:
    build, shape = MODELS[name]
    assert ours(name, input_gradient=input_gradient) == step_flops(build, shape, input_gradient=input_gradient)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(("kind", "stride"), [("conv", 1), ("conv", 2), ("conv_transpose", 1), ("conv_transpose", 2)])
def test_pytorch_s_counter_forgets_groups(kind: str, stride: int, groups: int) -> None:
    """The weight gradient is not divided by the groups; the input gradient is right."""
    graph = convcalc.graph.Graph()
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
