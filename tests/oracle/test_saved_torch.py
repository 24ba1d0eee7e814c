"""What training keeps for the backward pass, beside what PyTorch's saved-tensor hooks see it save on the CPU."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is the oracle; pip install convcalc[oracle]")

from test_models_torch import MODELS  # noqa: E402

import convcalc  # noqa: E402
from convcalc import ops  # noqa: E402
from convcalc.analysis import analyze  # noqa: E402
from convcalc.analysis.memory import STATES, training  # noqa: E402
from convcalc.graph import Graph, Ref  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning"),
]
F = torch.nn.functional


def saved_by(run: Callable[[], Any], own: Iterable[Any]) -> int:
    """Bytes of the memory that autograd keeps, each piece once; parameters and buffers are ``own``."""
    known = {tensor.untyped_storage().data_ptr() for tensor in own}
    kept: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known and tensor.numel() > 1:
            kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = run()
    assert result is not None
    return sum(storage.nbytes() for storage in kept.values())


MAP = (6, 8, 10)
BATCH = 3
CASES: list[tuple[str, dict[str, Any], Callable[..., Any]]] = [
    ("conv", {"out_channels": 4, "kernel_size": 3, "padding": 1},
     lambda x, w: F.conv2d(x, w[:4, :, :3, :3], padding=1)),
    ("conv", {"out_channels": 4, "kernel_size": 3, "padding": [[0, 1], [2, 2]]},
     lambda x, w: F.conv2d(F.pad(x, (2, 2, 0, 1)), w[:4, :, :3, :3])),
    ("conv", {"out_channels": 4, "kernel_size": 2, "padding": "same"},
     lambda x, w: F.conv2d(x, w[:4, :, :2, :2], padding="same")),
    ("conv", {"out_channels": 4, "kernel_size": 3, "padding": "same"},
     lambda x, w: F.conv2d(x, w[:4, :, :3, :3], padding="same")),
    ("conv_transpose", {"out_channels": 6, "kernel_size": 3, "padding": 1},
     lambda x, w: F.conv_transpose2d(x, w[:6, :6, :3, :3], padding=1)),
    ("linear", {"out_features": 5}, lambda x, w: F.linear(x, w.flatten()[:50].view(5, 10))),
    ("conv", {"out_channels": 4, "kernel_size": 3, "padding": 1, "padding_mode": "reflect"},
     lambda x, w: F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), w[:4, :, :3, :3])),
    ("conv", {"out_channels": 4, "kernel_size": 3, "padding": 1, "padding_mode": "circular"},
     lambda x, w: F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), w[:4, :, :3, :3])),
    ("filter", {"kernel": "gaussian"}, lambda x, w: F.conv2d(x, w.detach()[:6, :1, :3, :3], groups=6)),
    ("group_norm", {"num_groups": 2}, lambda x, w: F.group_norm(x, 2, w.flatten()[:6], w.flatten()[:6])),
    ("layer_norm", {"normalized_shape": [10]}, lambda x, w: F.layer_norm(x, (10,), w.flatten()[:10], w.flatten()[:10])),
    ("instance_norm", {"affine": False}, lambda x, w: F.instance_norm(x)),
    ("instance_norm", {"affine": True}, lambda x, w: F.instance_norm(x, weight=w.flatten()[:6], bias=w.flatten()[:6])),
    ("lp_pool", {"kernel_size": 2, "norm_type": 2}, lambda x, w: F.lp_pool2d(x, 2, 2)),
    ("pixel_shuffle", {"upscale_factor": 1}, lambda x, w: F.pixel_shuffle(x, 1)),
    ("pixel_unshuffle", {"downscale_factor": 2}, lambda x, w: F.pixel_unshuffle(x, 2)),
    ("channel_shuffle", {"groups": 2}, lambda x, w: F.channel_shuffle(x, 2)),
    ("upsample", {"scale_factor": 2, "mode": "linear"},
     lambda x, w: F.interpolate(x, scale_factor=2, mode="bilinear")),
    ("unpool", {"kernel_size": 2}, lambda x, w: F.interpolate(x, scale_factor=2)),
    ("pad", {"padding": 1, "mode": "reflect"}, lambda x, w: F.pad(x, (1, 1, 1, 1), mode="reflect")),
    ("pad", {"padding": 1, "mode": "replicate"}, lambda x, w: F.pad(x, (1, 1, 1, 1), mode="replicate")),
    ("pad", {"padding": 1, "mode": "circular"}, lambda x, w: F.pad(x, (1, 1, 1, 1), mode="circular")),
    ("relu", {}, lambda x, w: F.relu(x)),
    ("relu6", {}, lambda x, w: F.relu6(x)),
    ("leaky_relu", {}, lambda x, w: F.leaky_relu(x)),
    ("prelu", {}, lambda x, w: F.prelu(x, w.flatten()[:1])),
    ("elu", {}, lambda x, w: F.elu(x)),
    ("selu", {}, lambda x, w: F.selu(x)),
    ("gelu", {}, lambda x, w: F.gelu(x)),
    ("silu", {}, lambda x, w: F.silu(x)),
    ("mish", {}, lambda x, w: F.mish(x)),
    ("sigmoid", {}, lambda x, w: torch.sigmoid(x)),
    ("tanh", {}, lambda x, w: torch.tanh(x)),
    ("hardswish", {}, lambda x, w: F.hardswish(x)),
    ("hardsigmoid", {}, lambda x, w: F.hardsigmoid(x)),
    ("softplus", {}, lambda x, w: F.softplus(x)),
    ("softmax", {"dim": 1}, lambda x, w: F.softmax(x, 1)),
    ("log_softmax", {"dim": 1}, lambda x, w: F.log_softmax(x, 1)),
    ("local_response_norm", {"size": 5}, lambda x, w: F.local_response_norm(x, 5)),
    ("local_response_norm", {"size": 4}, lambda x, w: F.local_response_norm(x, 4)),
    ("max_pool", {"kernel_size": 2}, lambda x, w: F.max_pool2d(x, 2)),
    ("avg_pool", {"kernel_size": 2}, lambda x, w: F.avg_pool2d(x, 2)),
    ("adaptive_max_pool", {"output_size": 3}, lambda x, w: F.adaptive_max_pool2d(x, 3)),
    ("adaptive_avg_pool", {"output_size": 3}, lambda x, w: F.adaptive_avg_pool2d(x, 3)),
    ("adaptive_avg_pool", {"output_size": [1, 2]}, lambda x, w: F.adaptive_avg_pool2d(x, (1, 2))),
    ("adaptive_avg_pool", {"output_size": 1}, lambda x, w: F.adaptive_avg_pool2d(x, 1)),
    ("global_avg_pool", {}, lambda x, w: F.adaptive_avg_pool2d(x, 1)),
    ("global_max_pool", {}, lambda x, w: F.adaptive_max_pool2d(x, 1)),
    ("batch_norm", {}, lambda x, w: F.batch_norm(x, None, None, w.flatten()[:6], w.flatten()[:6], training=True)),
    ("batch_norm", {"affine": False}, lambda x, w: F.batch_norm(x, None, None, training=True)),
    ("dropout", {"p": 0.5}, lambda x, w: F.dropout(x, 0.5)),
    ("dropout", {"p": 0}, lambda x, w: F.dropout(x, 0.0)),
    ("add", {}, lambda x, w: torch.add(x, 2 * x)),
    ("sub", {}, lambda x, w: torch.sub(x, 2 * x)),
    ("mean", {"dim": [2, 3]}, lambda x, w: x.mean((2, 3))),
    ("upsample", {"scale_factor": 2}, lambda x, w: F.interpolate(x, scale_factor=2)),
    ("pad", {"padding": 1}, lambda x, w: F.pad(x, (1, 1, 1, 1))),
    ("crop", {"size": 4}, lambda x, w: x[:, :, 2:6, 3:7]),
    ("slice", {"dim": 1, "start": 0, "end": 3}, lambda x, w: x[:, :3]),
    ("split", {"chunks": 2}, lambda x, w: x.chunk(2, 1)),
    ("permute", {"dims": [0, 2, 3, 1]}, lambda x, w: x.permute(0, 2, 3, 1)),
    ("reshape", {"shape": [6, 80]}, lambda x, w: x.reshape(-1, 6, 80)),
    ("flatten", {}, lambda x, w: x.flatten(1)),
]  # fmt: skip
OF_TWO: list[tuple[str, Callable[..., Any]]] = [
    ("mul", lambda x, y: x * y),
    ("matmul", lambda x, y: x @ y),
    ("concat", lambda x, y: torch.cat([x, y], 1)),
    ("mse_loss", F.mse_loss),
    ("cross_entropy", F.cross_entropy),
]


@pytest.mark.parametrize(("name", "given", "run"), CASES, ids=[f"{name} {given}" for name, given, _ in CASES])
def test_what_an_op_keeps(name: str, given: dict[str, Any], run: Callable[..., Any]) -> None:
    """Behind a convolution, so that its operand has a gradient."""
    graph = Graph()
    x = graph.add("conv", graph.input((2, *MAP[1:])), out_channels=MAP[0], kernel_size=1, bias=False)
    operands = [x, graph.add("conv", x, out_channels=6, kernel_size=1)] if name in ("add", "sub") else [x]
    graph.output(graph.add(name, *operands, **given))
    first, weight = torch.randn(MAP[0], 2, 1, 1).requires_grad_(), torch.randn(8, 6, 4, 4).requires_grad_()
    source = torch.randn(BATCH, 2, *MAP[1:])
    seen = saved_by(lambda: run(F.conv2d(source, first), weight), [first, weight])
    if len(operands) > 1:  # the convolution that made the other one keeps its operand
        seen += 4 * BATCH * MAP[0] * MAP[1] * MAP[2]
    assert analyze(graph, batch=BATCH).totals.memory.saved == seen


@pytest.mark.parametrize(("name", "run"), OF_TWO, ids=[name for name, _ in OF_TWO])
def test_what_an_op_of_two_keeps(name: str, run: Callable[..., Any]) -> None:
    """Of losses the target has no gradient."""
    graph = Graph()
    square = (6, 8, 8)
    loss = name in ("mse_loss", "cross_entropy")
    one = graph.add("conv", graph.input((2, *square[1:])), out_channels=6, kernel_size=1, bias=False)
    two = graph.input(square, name="two")
    other = two if loss else graph.add("conv", two, out_channels=6, kernel_size=1, bias=False)
    graph.output(graph.add(name, one, other))
    first, second = (torch.randn(6, channels, 1, 1).requires_grad_() for channels in (2, 6))
    a, b = torch.randn(BATCH, 2, *square[1:]), torch.randn(BATCH, *square).softmax(1)
    seen = saved_by(lambda: run(F.conv2d(a, first), b if loss else F.conv2d(b, second)), [first, second])
    if name == "cross_entropy":  # it negates the target of probabilities and keeps that copy
        assert seen == analyze(graph, batch=BATCH).totals.memory.saved
    assert analyze(graph, batch=BATCH).totals.memory.saved == seen


def test_every_op_is_here() -> None:
    """But for those that PyTorch has no function for, and max_unpool, which has a test of its own."""
    without = {"local_conv", "tiled_conv", "log_sum_exp_pool", "max_unpool"}
    assert {name for name, *_ in [*CASES, *OF_TWO]} | without == set(ops.names())


def test_a_max_pool_and_its_reverse() -> None:
    """The indices are kept once for both."""
    graph = Graph()
    x = graph.add("conv", graph.input((2, 8, 8)), out_channels=6, kernel_size=1, bias=False)
    pool = graph.add("max_pool", x, kernel_size=2)
    graph.output(graph.add("max_unpool", pool, Ref(pool.node, 1), kernel_size=2))
    weight, source = torch.randn(6, 2, 1, 1).requires_grad_(), torch.randn(BATCH, 2, 8, 8)

    def run() -> Any:
        return F.max_unpool2d(*F.max_pool2d(F.conv2d(source, weight), 2, return_indices=True), 2)

    assert analyze(graph, batch=BATCH).totals.memory.saved == saved_by(run, [weight])


def test_the_product_of_three() -> None:
    graph = Graph()
    x = graph.input((2, 8))
    graph.output(graph.add("mul", *(graph.add("conv", x, out_channels=3, kernel_size=1, bias=False) for _ in range(3))))
    weights = [torch.randn(3, 2, 1).requires_grad_() for _ in range(3)]
    source = torch.randn(1, 2, 8)

    def run() -> Any:
        a, b, c = (F.conv1d(source, weight) for weight in weights)
        return a * b * c

    assert graph.analyze().totals.memory.saved == saved_by(run, weights)


LARGER = re.compile(r"vgg1[139]|resnet(34|101|152|50_)|densenet(16|20)|resnext101|convnext_[sbl]|efficientnet_b[1-9]")
"""Those that have nothing which a smaller one of their family has not."""


@pytest.mark.parametrize("name", [name for name in MODELS if not LARGER.match(name)])
def test_what_a_net_keeps(name: str) -> None:
    build, (channels, *sizes) = MODELS[name]
    if name.startswith("unet"):
        sizes = [n - 384 for n in sizes]
    theirs = build().train()
    own = [*theirs.parameters(), *theirs.buffers()]
    seen = saved_by(lambda: theirs(torch.randn(2, channels, *sizes)), own)
    if name == "wavenet":  # its twin pads once for both convolutions of a unit
        seen += 2 * 4 * 32 * sum(sizes[0] + 2**n for _ in range(3) for n in range(10))
    graph = convcalc.load(name).bind({}, {"input": [channels, *sizes]})
    assert analyze(graph, batch=2).totals.memory.saved == seen


@pytest.mark.parametrize("name", ["resnet18", "lenet5"])
def test_the_state_of_optimizers(name: str) -> None:
    build, _ = MODELS[name]
    theirs = build()
    for parameter in theirs.parameters():
        parameter.grad = torch.zeros_like(parameter)
    made = {
        "sgd": torch.optim.SGD(theirs.parameters(), lr=0.1),
        "momentum": torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9),
        "adam": torch.optim.Adam(theirs.parameters()),
    }
    assert made.keys() == STATES.keys()
    for kind, optimizer in made.items():
        optimizer.step()
        state = [value for entry in optimizer.state.values() for value in entry.values() if torch.is_tensor(value)]
        expected = sum(tensor.nbytes for tensor in state)
        assert training(convcalc.load(name).analyze(), kind).optimizer == expected
