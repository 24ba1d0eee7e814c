"""Whole networks beside their PyTorch twins: weights drawn there, read here, results and every gradient compared.

The twins are those of ``test_models_torch``. Their weights go through a file, as users' weights do, and both sides
compute in float64 from the same float32 numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is the oracle; pip install convcalc[oracle]")

from test_models_torch import MODELS  # noqa: E402

import convcalc  # noqa: E402
from convcalc.tensors import read_weights  # noqa: E402
from convcalc.witness import BUFFERS, Run  # noqa: E402
from convcalc.witness.training import update  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from convcalc.graph import Graph

pytestmark = pytest.mark.oracle

# Sizes that divide badly on purpose, as small as the net allows.
SIZES = {
    "lenet5": (32, 32),
    "alexnet": (71, 95),
    "googlenet_aux": (47, 36),
    "resnet18": (65, 52),
    "unet": (32, 48),
    "convnext_tiny": (35, 64),
    "dcgan_generator": (1, 2),
}
TOLERANCE = 1e-8


class Pair(NamedTuple):
    """A net on both sides with the same weights, and PyTorch's name for each of our parameters and buffers."""

    ours: Graph
    theirs: Any
    weights: dict[str, dict[str, Any]]
    names: dict[str, str]


class Results(NamedTuple):
    """What both sides are asked for: outputs in their order, gradients of the input and of parameters by our names."""

    outputs: list[Any]
    input_gradient: Any
    gradients: dict[str, Any]


def pair(name: str, folder: Path) -> Pair:
    build, _ = MODELS[name]
    torch.manual_seed(0)
    theirs = build()
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # 0 and 1 would hide what is forgotten or exchanged
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias)
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 1.5)
    path = folder / f"{name}.npz"
    np.savez(path, **{key: tensor.numpy() for key, tensor in theirs.state_dict().items()})
    graph = convcalc.load(name)
    height, width = SIZES[name]
    ours = graph.bind({"H": height, "W": width})
    loaded = read_weights(str(path), ours.analyze().stored(), by="order", dtype="float64")
    path.unlink()
    names = {match.ours: match.theirs for match in loaded.matches}
    return Pair(ours, theirs.double(), loaded.weights, names)


def draw(shape: Any, *seed: int) -> Any:
    return np.random.default_rng(seed).standard_normal(shape)


def in_pytorch(pair: Pair, x: Any, *, training: bool) -> Results:
    pair.theirs.train(training)
    pair.theirs.zero_grad()
    leaf = torch.from_numpy(x).requires_grad_()
    outputs = pair.theirs(leaf)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    total = sum((y * torch.from_numpy(draw(y.shape, 7, place))).sum() for place, y in enumerate(outputs))
    total.backward()
    theirs = {name: parameter.grad.numpy() for name, parameter in pair.theirs.named_parameters()}
    gradients = {ours: theirs[name] for ours, name in pair.names.items() if name in theirs}
    assert len(gradients) == len(theirs)
    return Results([y.detach().numpy() for y in outputs], leaf.grad.numpy(), gradients)


def here(pair: Pair, x: Any, *, training: bool) -> Results:
    run = Run(pair.ours, dict.fromkeys(pair.ours.inputs, x), pair.weights, training=training, input_gradient=True)
    seeds = {name: draw(y.shape, 7, place) for place, (name, y) in enumerate(run.outputs.items())}
    found = run.backward(seeds)
    gradients = {f"{layer}.{name}": g for layer, entry in found.parameters.items() for name, g in entry.items()}
    return Results(list(run.outputs.values()), *found.inputs.values(), gradients)


def differences(ours: Results, theirs: Results) -> list[str]:
    """What differs by more than the tolerance, relative to its largest number."""
    assert len(ours.outputs) == len(theirs.outputs)
    assert ours.gradients.keys() == theirs.gradients.keys()
    both = {f"output {place}": arrays for place, arrays in enumerate(zip(ours.outputs, theirs.outputs, strict=True))}
    both["input"] = ours.input_gradient, theirs.input_gradient
    both |= {name: (ours.gradients[name], theirs.gradients[name]) for name in ours.gradients}
    return [name for name, (a, b) in both.items() if a.shape != b.shape or apart(a, b) > TOLERANCE]


def apart(ours: Any, theirs: Any) -> float:
    largest = float(np.abs(theirs).max())
    assert largest > 0, "nothing is compared with nothing"
    return float(np.abs(ours - theirs).max()) / largest


def inputs(pair: Pair, batch: int) -> Any:
    (node,) = (pair.ours.nodes[ref.node] for ref in pair.ours.inputs.values())
    return draw((batch, *node.shape), 3)


@pytest.mark.parametrize("name", SIZES)
def test_a_whole_net_agrees_with_pytorch(name: str, tmp_path: Path) -> None:
    both = pair(name, tmp_path)
    x = inputs(both, 2)
    assert differences(here(both, x, training=False), in_pytorch(both, x, training=False)) == []


@pytest.mark.parametrize("name", ["resnet18", "dcgan_generator"])
def test_with_batch_statistics_it_agrees_too(name: str, tmp_path: Path) -> None:
    both = pair(name, tmp_path)
    x = inputs(both, 3)
    trained, evaluated = (here(both, x, training=training) for training in (True, False))
    assert apart(trained.outputs[0], evaluated.outputs[0]) > 1e-2
    assert differences(trained, in_pytorch(both, x, training=True)) == []


def test_training_moves_the_running_statistics_as_in_pytorch(tmp_path: Path) -> None:
    both = pair("resnet18", tmp_path)
    x = inputs(both, 3)
    before = both.weights["batch_norm_1"]["running_mean"].copy()
    in_pytorch(both, x, training=True)
    here(both, x, training=True)
    assert apart(before, both.weights["batch_norm_1"]["running_mean"]) > 1e-3
    state = both.theirs.state_dict()
    moved = [name for name in both.names if name.rpartition(".")[2] in BUFFERS]
    assert len(moved) == 2 * 20
    for name in moved:
        layer, _, leaf = name.rpartition(".")
        assert apart(both.weights[layer][leaf], state[both.names[name]].numpy()) < TOLERANCE, name


def test_steps_of_gradient_descent_agree_with_pytorch(tmp_path: Path) -> None:
    both = pair("lenet5", tmp_path)
    x = inputs(both, 4)
    descent = torch.optim.SGD(both.theirs.parameters(), lr=0.05)
    for _ in range(3):
        in_pytorch(both, x, training=False)
        descent.step()
        run = Run(both.ours, {"input": x}, both.weights)
        update(both.weights, run.backward({name: draw(y.shape, 7, 0) for name, y in run.outputs.items()}), 0.05)
    state = both.theirs.state_dict()
    assert all(apart(both.weights[k.rpartition(".")[0]][k.rpartition(".")[2]], state[v].numpy()) < TOLERANCE
               for k, v in both.names.items())  # fmt: skip


def transposed(weights: dict[str, dict[str, Any]]) -> None:
    weight = weights["C3"]["weight"]
    weights["C3"]["weight"] = np.ascontiguousarray(weight.swapaxes(2, 3))


def flipped(weights: dict[str, dict[str, Any]]) -> None:
    weights["C5"]["weight"] = weights["C5"]["weight"][:, :, ::-1]


def nudged(weights: dict[str, dict[str, Any]]) -> None:
    weights["logits"]["bias"][3] += 1e-6


@pytest.mark.parametrize("plant", [transposed, flipped, nudged])
def test_what_is_planted_in_the_weights_is_caught(plant: Callable[[Any], None], tmp_path: Path) -> None:
    both = pair("lenet5", tmp_path)
    x = inputs(both, 1)
    wanted = in_pytorch(both, x, training=False)
    assert differences(here(both, x, training=False), wanted) == []
    plant(both.weights)
    assert "output 0" in differences(here(both, x, training=False), wanted)


def test_a_gradient_that_is_wrong_in_one_number_is_caught(tmp_path: Path) -> None:
    both = pair("lenet5", tmp_path)
    x = inputs(both, 1)
    wanted, found = in_pytorch(both, x, training=False), here(both, x, training=False)
    gradient = found.gradients["C1.weight"]
    gradient.flat[7] += 1e-7 * np.abs(gradient).max()
    assert differences(found, wanted) == ["C1.weight"]


def test_every_parameter_has_a_place_in_the_comparison(tmp_path: Path) -> None:
    both = pair("googlenet_aux", tmp_path)
    learnt = {name for name in both.names if name.rpartition(".")[2] not in BUFFERS}
    count = sum(np.prod(both.ours.analyze().stored()[name]) for name in learnt)
    assert count == both.ours.analyze().totals.params == 13_004_888
