"""The fast plan gives what the plain kernels give, forward and backward."""

from __future__ import annotations

import numpy as np
import pytest

import convcalc
from convcalc.graph import Graph
from convcalc.plan import Plan
from convcalc.witness import Run, Weights, random_inputs

NETS = {
    "lenet5": {},
    "alexnet_2012": {"H": 67, "W": 75},
    "googlenet": {"H": 32, "W": 47},
    "resnet18": {"H": 40, "W": 33},
    "resnet50": {"H": 32, "W": 32},
    "unet": {"H": 32, "W": 16},
    "dcgan_generator": {},
    "mobilenet_v2": {"H": 32, "W": 33},
    "densenet121": {"H": 33, "W": 32},
    "vgg16": {"H": 40, "W": 32},
}


def small(name: str) -> Graph:
    graph = convcalc.load(name)
    return graph.bind({key: value for key, value in NETS[name].items() if key in graph.values})


def assert_close(found: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * max(float(np.abs(expected).max()), 1e-30)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", NETS)
def test_outputs_and_gradients_are_those_of_the_plain_run(name: str, batch: int) -> None:
    graph = small(name)
    inputs, weights = random_inputs(graph, batch, dtype="float64"), {}  # type: ignore[var-annotated]
    plain = Run(graph, inputs, weights)
    fast = Plan(graph, weights).run(inputs)
    rng = np.random.default_rng(0)
    seeds = {key: rng.standard_normal(y.shape) for key, y in plain.outputs.items()}
    for key, y in plain.outputs.items():
        assert_close(fast.outputs[key], y, 1e-9)
    expected, found = plain.backward(seeds), fast.backward(seeds)
    assert {layer: entry.keys() for layer, entry in found.parameters.items()} == {
        layer: entry.keys() for layer, entry in expected.parameters.items()
    }
    for layer, entry in expected.parameters.items():
        for key, gradient in entry.items():
            assert_close(found.parameters[layer][key], gradient, 1e-8)
    for key, gradient in expected.inputs.items():
        assert_close(found.inputs[key], gradient, 1e-8)


@pytest.mark.parametrize("threads", [1, 2])
def test_single_precision_and_threads(threads: int) -> None:
    graph = small("resnet18")
    inputs, weights = random_inputs(graph, 2), Weights()
    plain = Run(graph, inputs, weights, forward_only=True)
    plan = Plan(graph, weights, keep=True, threads=threads)
    for _ in range(2):
        assert_close(plan.run(inputs, forward_only=True).outputs["logits"], plain.outputs["logits"], 1e-4)


def test_a_planted_error_in_the_plan_would_be_seen() -> None:
    graph = small("lenet5")
    inputs, weights = random_inputs(graph), Weights()
    plain = Run(graph, inputs, weights)
    weights["C3"]["bias"] = weights["C3"]["bias"] + 0.01
    with pytest.raises(AssertionError):
        assert_close(Plan(graph, weights).run(inputs).outputs["logits"], plain.outputs["logits"], 1e-4)


def test_ops_without_a_faster_way_run_through_the_plain_kernels() -> None:
    net = Graph()
    x = net.add("conv", net.input((4, 12, 12)), out_channels=6, kernel_size=3, padding=1)
    gate = net.add("sigmoid", net.add("conv", net.add("global_avg_pool", x), out_channels=6, kernel_size=1))
    y = net.add("mul", x, gate)
    y = net.add("local_response_norm", net.add("gelu", y), size=3)
    shared = net.add("conv", y, out_channels=6, kernel_size=3, padding=1)
    y = net.add("conv", net.add("relu", shared), out_channels=6, kernel_size=3, padding=1, shares=shared)
    net.output(net.add("softmax", net.add("flatten", y)), "one")
    net.output(net.add("upsample", shared, scale_factor=2), "two")
    inputs, weights = random_inputs(net, 2, dtype="float64"), Weights()
    plain, fast = Run(net, inputs, weights), Plan(net, weights).run(inputs)
    seeds = {key: np.ones_like(y) for key, y in plain.outputs.items()}
    for key, y in plain.outputs.items():
        assert_close(fast.outputs[key], y, 1e-9)
    expected, found = plain.backward(seeds), fast.backward(seeds)
    for layer, entry in expected.parameters.items():
        for key, gradient in entry.items():
            assert_close(found.parameters[layer][key], gradient, 1e-8)
