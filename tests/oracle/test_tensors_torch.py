"""Weights that PyTorch wrote, loaded here: by order, by a map, and what may not be loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import convcalc
from convcalc.diagnostics import SpecError, Unreadable
from convcalc.tensors import flat, read_arrays, read_weights
from convcalc.tensors.matching import by_order
from convcalc.witness import Run

torch = pytest.importorskip("torch")

from test_models_torch import DEFAULTS, MODELS  # noqa: E402
from torch import nn  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.oracle

SPEC = """\
input: [3, 9, 9]
blocks:
  Unit:
    args: {mid: required, stride: 1, project: 0}
    layers:
      - add:
          - - conv: {out_channels: mid, kernel_size: 3, stride: stride, padding: 1, bias: false}
            - batch_norm
            - relu
            - conv: {out_channels: mid, kernel_size: 3, padding: 1, bias: false}
            - batch_norm
          - - conv: {out_channels: mid, kernel_size: 1, stride: stride, bias: false}
              when: project
            - batch_norm:
              when: project
      - relu
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1, bias: false}
  - batch_norm
  - relu
  - Unit: {mid: 4}
  - Unit: {mid: 8, stride: 2, project: 1}
  - Unit: {mid: 8}
  - global_avg_pool
  - flatten
  - linear: {out_features: 5}
"""


class Unit(nn.Module):
    def __init__(self, i: int, o: int, stride: int, shortcut_first: bool) -> None:
        super().__init__()
        if stride > 1 and shortcut_first:
            self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        if stride > 1 and not shortcut_first:
            self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


class Net(nn.Module):
    def __init__(self, shortcut_first: bool = False, head_first: bool = False) -> None:
        super().__init__()
        if head_first:
            self.fc = nn.Linear(8, 5)
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4)
        self.layer1 = Unit(4, 4, 1, shortcut_first)
        self.layer2 = nn.Sequential(Unit(4, 8, 2, shortcut_first), Unit(8, 8, 1, shortcut_first))
        if not head_first:
            self.fc = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer2(self.layer1(torch.relu(self.bn1(self.conv1(x)))))
        return self.fc(x.mean((2, 3)))


MAP = """\
conv_1: conv1
batch_norm_1: bn1
unit_1/conv_1: layer1.conv1
unit_1/batch_norm_1: layer1.bn1
unit_1/conv_2: layer1.conv2
unit_1/batch_norm_2: layer1.bn2
unit_2/conv_1: layer2.0.conv1
unit_2/batch_norm_1: layer2.0.bn1
unit_2/conv_2: layer2.0.conv2
unit_2/batch_norm_2: layer2.0.bn2
unit_2/conv_3: layer2.0.downsample.0
unit_2/batch_norm_3: layer2.0.downsample.1
unit_3/conv_1: layer2.1.conv1
unit_3/batch_norm_1: layer2.1.bn1
unit_3/conv_2: layer2.1.conv2
unit_3/batch_norm_2: layer2.1.bn2
linear_1: fc
"""


def trained(**options: bool) -> Any:
    """A net whose every parameter and running statistic differs from what it started with."""
    torch.manual_seed(1)
    net = Net(**options).double()
    for _ in range(2):
        net(torch.randn(4, 3, 9, 9, dtype=torch.float64))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return net.eval()


def as_arrays(net: Any) -> dict[str, np.ndarray[Any, Any]]:
    return {name: tensor.numpy() for name, tensor in net.state_dict().items()}


def agrees(net: Any, weights: Any) -> None:
    graph = convcalc.load(SPEC)
    x = np.random.default_rng(2).standard_normal((2, 3, 9, 9))
    (y,) = Run(graph, {"input": x}, weights, forward_only=True).outputs.values()
    with torch.no_grad():
        np.testing.assert_allclose(y, net(torch.from_numpy(x)).numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("shortcut_first", [False, True])
@pytest.mark.parametrize("head_first", [False, True])
def test_a_state_dict_by_order(tmp_path: Path, write: Any, shortcut_first: bool, head_first: bool) -> None:
    net = trained(shortcut_first=shortcut_first, head_first=head_first)
    write(tmp_path / "w.npz", **as_arrays(net))
    wanted = convcalc.load(SPEC).analyze().stored()
    loaded = read_weights(str(tmp_path / "w.npz"), wanted, by="order", dtype="float64")
    assert [match.theirs.rpartition(".")[0] for match in loaded.matches if match.ours.endswith("/conv_3.weight")] == [
        "layer2.0.downsample.0"
    ]
    agrees(net, loaded.weights)


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_a_state_dict_by_a_map(tmp_path: Path, ending: str) -> None:
    net = trained()
    path = tmp_path / f"w{ending}"
    if ending == ".npz":
        np.savez(path, **as_arrays(net))
    else:
        pytest.importorskip("safetensors.torch").save_file(net.state_dict(), path)
    graph = convcalc.load(SPEC)
    names = {row.name.rpartition("/")[0]: None for row in graph.analyze().rows if "/" in row.name}
    text = MAP
    for ours, name in zip(("unit_1", "unit_2", "unit_3"), names, strict=True):
        text = text.replace(ours, name)
    (tmp_path / "map.yaml").write_text(text)
    wanted = graph.analyze().stored()
    loaded = read_weights(str(path), wanted, mapping=str(tmp_path / "map.yaml"), dtype="float64")
    agrees(net, loaded.weights)


def test_safetensors_of_numbered_layers_by_order(tmp_path: Path) -> None:
    save_file = pytest.importorskip("safetensors.torch").save_file
    layers: list[nn.Module] = []
    for _ in range(12):
        layers += [nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)]
    net = nn.Sequential(*layers)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn_like(parameter))
    save_file(net.state_dict(), tmp_path / "w.safetensors")
    assert list(read_arrays(str(tmp_path / "w.safetensors")))[-1] != list(net.state_dict())[-1]
    spec = "input: [3, 30, 30]\nlayers:" + "\n  - conv: {out_channels: 3, kernel_size: 3}\n  - batch_norm" * 12
    wanted = convcalc.load(spec).analyze().stored()
    loaded = flat(read_weights(str(tmp_path / "w.safetensors"), wanted, by="order").weights)
    theirs = [tensor for name, tensor in net.state_dict().items() if not name.endswith("tracked")]
    for array, tensor in zip(loaded.values(), theirs, strict=True):
        np.testing.assert_array_equal(array, tensor.numpy())


def test_safetensors_without_an_order_are_not_guessed(tmp_path: Path) -> None:
    pytest.importorskip("safetensors.torch").save_file(trained().state_dict(), tmp_path / "w.safetensors")
    wanted = convcalc.load(SPEC).analyze().stored()
    with pytest.raises(SpecError, match="order and shape do not decide it"):
        read_weights(str(tmp_path / "w.safetensors"), wanted, by="order")


def test_half_precision(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(3, 5).bfloat16(), "b": torch.randn(4).half()}
    pytest.importorskip("safetensors.torch").save_file(tensors, tmp_path / "w.safetensors")
    for name, array in read_arrays(str(tmp_path / "w.safetensors")).items():
        np.testing.assert_array_equal(array.astype("float32"), tensors[name].float().numpy())


@pytest.mark.parametrize("old", [False, True])
def test_torch_save_is_a_pickle(tmp_path: Path, old: bool) -> None:
    torch.save(trained().state_dict(), tmp_path / "w.pt", _use_new_zipfile_serialization=not old)
    with pytest.raises(Unreadable, match=r"pickle.*safetensors\.torch\.save_file"):
        read_weights(str(tmp_path / "w.pt"), {"conv_1.weight": (1,)})


def names_by_order(name: str) -> dict[str, str]:
    build, _ = MODELS[DEFAULTS.get(name, name)]
    with torch.device("meta"):
        state = build().state_dict()
    theirs = {key: tuple(tensor.shape) for key, tensor in state.items() if not key.endswith("num_batches_tracked")}
    wanted = convcalc.load(name).analyze().stored()
    found = by_order(wanted, theirs)
    assert all(theirs[there] == wanted[ours] for ours, there in found.items())
    assert len(set(found.values())) == len(wanted) == len(theirs)
    return found


@pytest.mark.parametrize("name", [*MODELS, *DEFAULTS])
def test_the_order_of_published_networks(name: str) -> None:
    names_by_order(name)


def test_parts_that_are_defined_elsewhere_than_they_run() -> None:
    heads = names_by_order("googlenet_aux")
    assert heads["aux1/Conv_1/conv_1.weight"] == "heads.4a.1.0.weight"
    assert heads["aux2/linear_2.bias"] == "heads.4d.6.bias"
    ways_up = names_by_order("unet")
    for place in range(4):
        assert ways_up[f"up{4 - place}/up.weight"] == f"up.{place}.weight"
        assert ways_up[f"up{4 - place}/TwoConvs_1/conv_2.weight"] == f"mix.{place}.2.weight"
