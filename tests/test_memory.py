"""Activation memory: liveness against a simulation, and the figures that PyTorch was measured at."""

from __future__ import annotations

import random

import pytest

import convcalc
from convcalc.graph import Graph, Ref


def measured(graph: Graph) -> tuple[int, int, int, int]:
    return graph.analyze().totals.memory


@pytest.mark.parametrize(
    ("name", "peak", "saved"), [("resnet50", 768 * 56 * 56 * 4, 86.1e6), ("vgg16", 25_690_112, 73.4e6)]
)
def test_figures_of_the_references(name: str, peak: int, saved: float) -> None:
    memory = convcalc.load(name).analyze().totals.memory
    assert memory.peak == peak
    assert memory.saved == pytest.approx(saved, rel=0.02)


def test_a_chain_holds_operand_and_result() -> None:
    net = Graph()
    x = net.input((2, 10, 10))
    x = net.add("conv", x, out_channels=3, kernel_size=1)
    x = net.add("conv", x, out_channels=5, kernel_size=1)
    net.add("conv", x, out_channels=1, kernel_size=1)
    memory = net.analyze().totals.memory
    assert memory.activations == (3 + 5 + 1) * 400
    assert memory.peak == (3 + 5) * 400
    assert net.nodes[memory.peak_at].name == "conv_2"
    assert memory.saved == (2 + 3 + 5) * 400


def test_relu_works_in_place_and_flatten_costs_nothing() -> None:
    net = Graph()
    x = net.add("conv", net.input((1, 8)), out_channels=4, kernel_size=1)
    x = net.add("flatten", net.add("relu", x))
    assert net.analyze().totals.memory.activations == 4 * 8 * 4


def test_relu_keeps_an_operand_that_somebody_else_reads() -> None:
    net = Graph()
    x = net.add("conv", net.input((1, 8)), out_channels=4, kernel_size=1)
    net.add("add", x, net.add("relu", x))
    assert net.analyze().totals.memory.activations == 3 * 4 * 8 * 4


def test_the_input_is_never_overwritten() -> None:
    net = Graph()
    net.add("relu", net.input((4, 8)))
    memory = net.analyze().totals.memory
    assert memory.activations == 4 * 8 * 4
    assert memory.peak == 2 * 4 * 8 * 4


def test_indices_take_memory_only_where_they_are_used_but_training_keeps_them() -> None:
    net = Graph()
    conv = net.add("conv", net.input((1, 8)), out_channels=2, kernel_size=1)
    pool = net.add("max_pool", conv, kernel_size=2)
    net.output(pool)
    memory = net.analyze().totals.memory
    assert memory.activations == (2 * 8 + 2 * 4) * 4
    assert memory.saved == (1 * 8 + 2 * 8) * 4 + 2 * 4 * 8
    net.output(Ref(pool.node, 1), "places")
    assert net.analyze().totals.memory.activations == (2 * 8 + 2 * 4) * 4 + 2 * 4 * 8


def test_nothing_is_kept_in_front_of_the_first_parameter() -> None:
    net = Graph()
    x = net.add("sigmoid", net.add("max_pool", net.input((2, 8)), kernel_size=2))
    net.add("conv", x, out_channels=1, kernel_size=1)
    assert net.analyze().totals.memory.saved == 2 * 4 * 4


def test_dropout_is_free_in_inference_and_keeps_a_mask_in_training() -> None:
    net = Graph()
    x = net.add("conv", net.input((1, 8)), out_channels=4, kernel_size=1)
    net.add("conv", net.add("dropout", x, p=0.5), out_channels=1, kernel_size=1)
    memory = net.analyze().totals.memory
    assert memory.activations == (4 + 1) * 8 * 4
    assert memory.saved == (1 * 8 + 4 * 8 + 4 * 8) * 4


def test_dropout_of_nothing_is_the_operand_in_training_too() -> None:
    net = Graph()
    x = net.add("conv", net.input((1, 8)), out_channels=4, kernel_size=1)
    net.add("conv", net.add("dropout", x, p=0), out_channels=1, kernel_size=1)
    assert net.analyze().totals.memory.saved == (1 * 8 + 4 * 8) * 4


def test_a_batch_and_a_dtype_scale_the_activations() -> None:
    graph = convcalc.load("lenet5")
    one, many = graph.analyze(), graph.analyze(batch=3)
    assert many.totals.memory.peak == 3 * one.totals.memory.peak
    assert many.totals.macs == 3 * one.totals.macs
    assert many.totals.params == one.totals.params


@pytest.mark.parametrize("seed", range(60))
def test_the_peak_is_that_of_a_simulation(seed: int) -> None:
    """Random graphs of ops that own their results, simulated by reference counts."""
    draw = random.Random(seed)
    net = Graph()
    made = [net.input((draw.randint(1, 4), 6))]
    for _ in range(draw.randint(1, 12)):
        if draw.random() < 0.4 and len(made) > 1:
            made.append(net.add("concat", *draw.sample(made, 2)))
        else:
            made.append(net.add("conv", draw.choice(made), out_channels=draw.randint(1, 9), kernel_size=1))
    for ref in draw.sample(made[1:], min(2, len(made) - 1)):
        net.output(ref)
    rows = {row.name: row for row in net.analyze().rows}
    sizes = [(rows[node.name].shape if node.op else node.shape)[0] * 6 * 4 for node in net.nodes]  # type: ignore[index]
    readers = [sum(ref.node == place for node in net.nodes for ref in node.inputs) for place in range(len(net.nodes))]
    for ref in net.outputs.values():
        readers[ref.node] += 1
    alive: dict[int, int] = {}
    peak = 0
    for place, node in enumerate(net.nodes):
        alive[place] = sizes[place]
        peak = max(peak, sum(alive.values()))
        for ref in node.inputs:
            readers[ref.node] -= 1
        for done in [place for place in alive if not readers[place]]:
            del alive[done]
    assert net.analyze().totals.memory.peak == peak
