"""The cost of the backward pass: reference figures, which gradients are asked for, what a run performs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import test_counting

import convcalc
from convcalc import ops
from convcalc.analysis import analyze
from convcalc.checks import check_claims
from convcalc.checks.verification import compare_backward
from convcalc.cli import main
from convcalc.graph import Graph, Ref
from convcalc.ops._op import Gradients
from convcalc.report.json import write_json
from convcalc.report.lines import folds, lines
from convcalc.witness import Run, random_inputs

if TYPE_CHECKING:
    from convcalc.analysis import Analysis
    from convcalc.witness import Backward

# FLOPs forward and backward of torch.utils.flop_counter, the input needing no gradient; for mobilenet_v2 the right
# figure, since the counter forgets to divide the weight gradient by the groups (tests/oracle/test_counters.py).
FLOPS = {"resnet50": 24_299_077_632, "googlenet": 8_754_229_248, "mobilenet_v2": 1_782_969_600}


@pytest.mark.parametrize("name", FLOPS)
def test_a_training_step_has_the_reference_figure(name: str) -> None:
    totals = convcalc.load(name).analyze().totals
    assert 2 * (totals.macs + totals.weight_macs + totals.input_macs) == FLOPS[name]


def net() -> tuple[Graph, Ref]:
    graph = Graph()
    return graph, graph.input((4, 9, 8))


def spent(analysis: Analysis) -> dict[str, tuple[int, int]]:
    return {row.name: (row.weight_macs, row.input_macs) for row in analysis.rows if row.macs}


def test_only_the_first_layer_skips_its_operand_s_gradient() -> None:
    graph, x = net()
    x = graph.add("relu", x)
    x = graph.add("conv", x, out_channels=6, kernel_size=3, groups=2)
    x = graph.add("relu", x)
    graph.add("conv_transpose", x, out_channels=2, kernel_size=3, stride=2, groups=2)
    first, last = (row.macs for row in graph.analyze().rows if row.macs)
    assert first == 6 * 7 * 6 * 2 * 9
    assert last == 6 * 7 * 6 * 1 * 9
    assert spent(graph.analyze()) == {"conv_1": (first, 0), "conv_transpose_1": (last, last)}
    asked = analyze(graph, batch=3, input_gradient=True)
    assert spent(asked) == {"conv_1": (3 * first, 3 * first), "conv_transpose_1": (3 * last, 3 * last)}
    assert (asked.totals.weight_macs, asked.totals.input_macs) == (3 * (first + last),) * 2


def test_a_parameter_anywhere_behind_asks_for_the_gradient() -> None:
    graph, x = net()
    scaled = graph.add("batch_norm", x)
    graph.add("conv", scaled, out_channels=2, kernel_size=1)
    plain = graph.add("batch_norm", x, affine=False)
    graph.add("conv", plain, out_channels=2, kernel_size=1)
    graph.output(graph.add("add", *(graph_ref(graph, name) for name in ("conv_1", "conv_2"))))
    macs = 2 * 4 * 72
    assert spent(graph.analyze()) == {"conv_1": (macs, macs), "conv_2": (macs, 0)}


def graph_ref(graph: Graph, name: str) -> Ref:
    return Ref(next(place for place, node in enumerate(graph.nodes) if node.name == name))


def test_a_product_has_a_gradient_for_each_operand_that_asks() -> None:
    graph = Graph()
    a, b = graph.input((4, 3), "a"), graph.input((3, 5), "b")
    graph.add("matmul", graph.add("linear", a, out_features=3), b)
    macs = 4 * 3 * 5
    assert spent(graph.analyze())["matmul_1"] == (0, macs)
    assert spent(analyze(graph, input_gradient=True))["matmul_1"] == (0, 2 * macs)


@pytest.mark.parametrize("learnt", [(True, False), (False, True), (True, True), (False, False)])
def test_a_product_works_out_the_gradients_that_are_asked_for_and_no_others(learnt: tuple[bool, bool]) -> None:
    graph = Graph()
    operands = [graph.input((4, 3), "a"), graph.input((3, 5), "b")]
    for place, own in enumerate(learnt):
        if own:
            operands[place] = graph.add("linear", operands[place], out_features=(3, 5)[place])
    graph.add("linear", graph.add("matmul", *operands), out_features=2)
    analysis, done = observed(graph)
    assert [entry for entry in compare_backward(analysis, done) if entry.differing] == []
    macs = 2 * 4 * 3 * 5
    assert (done["matmul_1"].input_macs if "matmul_1" in done else 0) == sum(learnt) * macs


def test_what_no_output_depends_on_gets_no_gradient() -> None:
    graph, x = net()
    used = graph.add("conv", x, out_channels=2, kernel_size=1)
    graph.add("conv", used, out_channels=2, kernel_size=1)
    graph.output(used)
    assert spent(graph.analyze()) == {"conv_1": (576, 0), "conv_2": (0, 0)}


def test_shared_weights_get_a_gradient_at_each_use() -> None:
    graph, x = net()
    first = graph.add("conv", x, out_channels=4, kernel_size=1)
    graph.add("conv", first, out_channels=4, kernel_size=1, shares=first)
    macs = 4 * 4 * 72
    assert spent(graph.analyze()) == {"conv_1": (macs, 0), "conv_2": (macs, macs)}


@pytest.mark.parametrize("name", ops.names())
def test_an_op_without_multiply_adds_has_none_backward(name: str) -> None:
    for row in convcalc.load(f"specs/ops/{name}.yaml").analyze().rows:
        if not row.macs:
            assert (row.weight_macs, row.input_macs) == Gradients(0, 0)


@pytest.mark.parametrize("depth", [0, 1, 9])
def test_folded_lines_add_up(depth: int) -> None:
    analysis = convcalc.load("resnet50").analyze()
    shown = lines(analysis, min(depth, folds(analysis.graph)))
    assert sum(row.weight_macs for line in shown for row in line.rows) == analysis.totals.weight_macs
    assert [row for line in shown for row in line.rows] == list(analysis.rows)


def test_the_table_has_it_where_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["convcalc", "shape", "lenet5", *arguments])
        with pytest.raises(SystemExit):
            main()
        return " ".join(capsys.readouterr().out.split())

    assert "gradients" not in told()
    table = told("--backward")
    assert "dW MACs" in table and "training step 1,131,960" in table
    assert "training step 1,249,560" in told("--backward", "--input-gradient")
    assert told("--backward", "--format", "csv").startswith("name,op,shape,field,params,macs,weight_macs,input_macs ")
    assert "| weight gradients | 416,520 |" in told("--backward", "--format", "markdown")


def test_json_has_it_always() -> None:
    file = io.StringIO()
    analysis = convcalc.load("lenet5").analyze()
    write_json([(analysis, check_claims(analysis))], file)
    assert '"weight_macs": 416520' in file.getvalue()


def test_a_wrong_rule_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The three counts of test_counting hold the rule of every op against its kernel."""
    monkeypatch.setattr(ops.find("conv"), "gradients", lambda self, i, o, wanted: Gradients(1, 1))
    with pytest.raises(AssertionError):
        test_counting.test_three_counts_are_one()


SMALL = {"lenet5": {}, "googlenet_aux": {}, "resnext50_32x4d": {"H": 32, "W": 33}, "unet": {"H": 16, "W": 32},
         "dcgan_generator": {}, "mobilenet_v2": {"H": 32, "W": 33}}  # fmt: skip


def observed(graph: Graph) -> tuple[Analysis, dict[str, Backward]]:
    """A run, and the prediction of what it was asked for."""
    run = Run(graph, random_inputs(graph, 2))
    gradients = run.backward({name: np.ones_like(y) for name, y in run.outputs.items()})
    return analyze(graph, batch=2, input_gradient=bool(gradients.inputs)), run.backward_rows


@pytest.mark.parametrize("name", SMALL)
def test_a_net_performs_what_is_predicted(name: str) -> None:
    compared = compare_backward(*observed(convcalc.load(name).bind(SMALL[name])))
    assert compared and [entry for entry in compared if entry.differing] == []


@pytest.mark.parametrize("name", ops.names())
def test_an_op_s_spec_performs_what_is_predicted(name: str) -> None:
    compared = compare_backward(*observed(convcalc.load(f"specs/ops/{name}.yaml")))
    assert [entry for entry in compared if entry.differing] == []


def test_indices_have_no_gradient() -> None:
    graph, x = net()
    x = graph.add("conv", x, out_channels=2, kernel_size=1)
    graph.output(graph.add("max_pool", x, kernel_size=2)._replace(port=1))
    assert spent(graph.analyze()) == {"conv_1": (0, 0)}


def test_a_run_says_so_and_finds_a_wrong_rule(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> str:
        monkeypatch.setattr("sys.argv", ["convcalc", "run", "lenet5"])
        with pytest.raises(SystemExit):
            main()
        return capsys.readouterr().out

    assert "verified: 5 of 5 layers: MACs of both gradients observed as predicted" in told()
    monkeypatch.setattr(ops.find("linear"), "gradients", lambda self, i, o, wanted: Gradients(1, 840))
    wrong = told()
    assert "verified: 3 of 5 layers: MACs of both gradients observed as predicted" in wrong
    assert "differs:  logits (linear): MACs of weight gradients: predicted 1, observed 840" in wrong
