"""The plan and PyTorch eager on one net, in turn: ``OPENBLAS_NUM_THREADS=1 python run_beside_torch.py NET BATCH WAY``.

WAY is ``forward`` (inference mode; the plan keeps the weights it made ready) or ``both`` (forward and backward, batch
norm in eval mode, the gradients of all parameters and of the input; nothing is kept, since weights would change).
Prints as JSON the seconds of each pair, those apart during which other processes computed, and how far the results
are from each other.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from side_by_side import quiet_pairs
from torch.nn import functional as f

from convcalc import load
from convcalc.plan import Plan
from convcalc.witness import random_inputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.graph import Graph, Node

CORES = 2


class Net:
    """A graph as PyTorch runs it eagerly, layer by layer, a relu in place."""

    def __init__(self, graph: Graph, weights: dict[str, dict[str, Any]], *, learning: bool) -> None:
        self.state = {
            owner: {
                name: torch.tensor(array).requires_grad_(learning and not name.startswith("running"))
                for name, array in arrays.items()
            }
            for owner, arrays in weights.items()
        }
        self.steps = [
            (place, _layer(node, self.state.get(node.name, {})), [ref.node for ref in node.inputs])
            for place, node in enumerate(graph.nodes)
            if not node.is_input
        ]
        self.last_use = {operand: place for place, _, operands in self.steps for operand in operands}

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        values = {0: x}
        for place, layer, operands in self.steps:
            values[place] = layer(*(values[operand] for operand in operands))
            for operand in set(operands):
                if self.last_use[operand] == place:
                    del values[operand]
        return values[place]


def _layer(node: Node, own: dict[str, torch.Tensor]) -> Callable[..., torch.Tensor]:
    assert node.op is not None
    given = node.op.given
    moved = given.get("stride", 1), given.get("padding", 0), given.get("dilation", 1), given.get("groups", 1)
    pooled = given.get("kernel_size"), given.get("stride"), given.get("padding", 0)
    layers: dict[str, Callable[..., torch.Tensor]] = {
        "conv": lambda x: f.conv2d(x, own["weight"], own.get("bias"), *moved),
        "batch_norm": lambda x: f.batch_norm(
            x, own["running_mean"], own["running_var"], own["weight"], own["bias"], eps=given.get("eps", 1e-5)
        ),
        "relu": f.relu_,
        "relu6": lambda x: f.relu6(x, inplace=True),
        "max_pool": lambda x: f.max_pool2d(x, *pooled, ceil_mode=given.get("ceil_mode", False)),
        "global_avg_pool": lambda x: f.adaptive_avg_pool2d(x, 1),
        "adaptive_avg_pool": lambda x: f.adaptive_avg_pool2d(x, given["output_size"]),
        "add": torch.add,
        "flatten": lambda x: torch.flatten(x, 1),
        "dropout": lambda x: x,
        "linear": lambda x: f.linear(x, own["weight"], own.get("bias")),
    }
    return layers[node.kind]


def ways(net: str, batch: int, way: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """What is measured: ours and PyTorch's, each returning an array to compare."""
    graph = load(net)
    inputs = random_inputs(graph, batch)
    weights: dict[str, dict[str, Any]] = {}
    plan = Plan(graph, weights, keep=way == "forward")
    first = plan.run(inputs, forward_only=True).outputs
    (name, result), *_ = first.items()
    beside = Net(graph, weights, learning=way == "both")
    x = torch.tensor(inputs["input"])
    if way == "forward":
        return lambda: plan.run(inputs, forward_only=True).outputs[name], torch.inference_mode()(lambda: beside(x))
    seed = np.random.default_rng(0).standard_normal(result.shape, dtype=np.float32)
    leaves = [x.requires_grad_(True)]
    leaves += [value for own in beside.state.values() for value in own.values() if value.requires_grad]

    def back() -> torch.Tensor:
        for leaf in leaves:
            leaf.grad = None
        beside(x).backward(torch.tensor(seed))
        assert x.grad is not None
        return x.grad

    return lambda: plan.run(inputs, input_gradient=True).backward({name: seed}).inputs["input"], back


def main(net: str, batch: str, way: str) -> None:
    """Measure, and print what was found."""
    torch.set_num_threads(CORES)
    one, other = ways(net, int(batch), way)
    ours, theirs = np.asarray(one()), np.asarray(other())
    apart = float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))
    pairs, disturbed = quiet_pairs(one, other)
    print(json.dumps({"pairs": pairs, "disturbed": disturbed, "apart": apart}))


if __name__ == "__main__":
    main(*sys.argv[1:])
