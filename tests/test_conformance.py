"""Every op has the same form; what is missing is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import convcalc
from convcalc import ops
from convcalc.analysis.shapes import infer
from convcalc.expressions import PADDING_WORDS
from convcalc.ops._attributes import Integer
from convcalc.ops._op import IDENTITY, Cost, Op, Outcome, Taps
from convcalc.ops.relu import Relu

if TYPE_CHECKING:
    from convcalc.dims import Shape

SPECS = Path(__file__).parents[1] / "specs" / "ops"
SAVED = {"input", "target", "places", "output", "indices", "mask", "statistics", "values"}


def missing(kind: type[Op], specs: Path = SPECS) -> list[str]:
    """What an op lacks: its words, its spec, and answers of the right form on the operands in the spec."""
    lacks = [*_missing_words(kind)]
    path = specs / f"{kind.name}.yaml"
    if not path.exists():
        return [*lacks, f"a spec specs/ops/{kind.name}.yaml"]
    graph = convcalc.load(path)
    applied, found = infer(graph)
    nodes = [node for node in graph.nodes if node.kind == kind.name]
    if found or not nodes:
        return [*lacks, f"layers of {kind.name} in its spec, without findings: {found}"]
    used = {key for node in nodes if node.op for key in node.op.given}
    lacks += [f"{key} in its spec" for key in kind.attributes if key not in used]
    for node, step in zip(graph.nodes, applied, strict=True):
        if node in nodes and step is not None and isinstance(node.op, kind):
            lacks += _missing_answers(node.op, step.inputs)
    return list(dict.fromkeys(lacks))


def _missing_words(kind: type[Op]) -> list[str]:
    lacks = []
    doc = kind.__doc__ if "__doc__" in vars(kind) else None
    if not doc:
        lacks.append("a docstring")
    elif "Source: " not in doc or not doc.split("Source: ")[1].strip().endswith("."):
        lacks.append("a source in its docstring")
    if "name" not in vars(kind) or kind.name != kind.__module__.rpartition(".")[2]:
        lacks.append("the name of its module")
    for key, attribute in kind.attributes.items():
        if attribute.name != key:
            lacks.append(f"the name {key} in its attribute")
        if not attribute.doc.endswith("."):
            lacks.append(f"a sentence about {key}")
        if key in PADDING_WORDS:
            lacks.append(f"a name of its own for {key}, which is a word")
    unknown = sorted(set(kind.saves) - SAVED)
    if unknown:
        lacks.append(f"known words in saves, not {', '.join(unknown)}")
    if kind.in_place and "input" in kind.saves:
        lacks.append("the operand that it overwrites, for backward")
    if not 0 <= kind.spatial[0] <= kind.spatial[1] <= 4:
        lacks.append("a range of spatial axes within 0 to 4")
    if "cost" not in _overridden(kind):
        lacks.append("a cost")
    elif not kind.cost.__doc__:
        lacks.append("the convention of its cost, as a docstring")
    return lacks


def _overridden(kind: type[Op]) -> set[str]:
    """What the op or a class between it and Op defines."""
    return {key for base in kind.__mro__[: kind.__mro__.index(Op)] for key in vars(base)}


def _missing_answers(op: Op, inputs: tuple[Shape, ...]) -> list[str]:
    lacks = []
    outcome = op.infer(*inputs)
    if type(outcome) is not Outcome or not all(type(shape) is tuple for shape in outcome.shapes):
        return ["an Outcome of tuples"]
    if len(outcome.shapes) != len(op.ports):
        lacks.append("a port for each result")
    for demand in outcome.demands:
        if not demand.code or not demand.reason or not isinstance(demand.key, tuple):
            lacks.append("a code, a reason and a key in its demands")
    if type(op.cost(inputs, outcome.shapes)) is not Cost:
        lacks.append("a Cost")
    parameters = op.parameters(*inputs)
    if not all(type(shape) is tuple for shape in (*parameters.values(), *op.buffers(*inputs).values())):
        lacks.append("tuples as shapes of its parameters")
    taps = op.taps(*inputs)
    if len(taps) != len(inputs):
        lacks.append("taps for each operand")
    for axes, x in zip(taps, inputs, strict=False):
        if axes is None:
            continue
        if len(axes) != len(x) - 1:
            lacks.append("taps for each spatial axis")
        for axis in axes:
            if (
                type(axis) is not Taps
                or len(axis.windows) != axis.period
                or not all(step > 0 for _, step, _ in axis.windows)
            ):
                lacks.append("taps with a window for each phase")
    return lacks


@pytest.mark.parametrize("name", ops.names())
def test_an_op_lacks_nothing(name: str) -> None:
    kind = ops.find(name)
    assert kind.name == name
    assert missing(kind) == []


def test_specs_are_of_ops() -> None:
    """No spec is left behind by an op that went away."""
    assert sorted(path.stem for path in SPECS.glob("*.yaml")) == ops.names()


def test_every_op_in_every_rank() -> None:
    """The specs hold each op in every rank from 1-D to 3-D that it takes."""
    for name in ops.names():
        graph = convcalc.load(SPECS / f"{name}.yaml")
        applied, _ = infer(graph)
        steps = zip(graph.nodes, applied, strict=True)
        ranks = {len(step.inputs[0]) - 1 for node, step in steps if node.kind == name and step is not None}
        fewest, most = ops.find(name).spatial
        lacking = set(range(max(1, fewest), min(most, 3) + 1)) - ranks
        assert not lacking or name in FEWER, f"{name} in {sorted(lacking)}"


FEWER = {
    "linear": "only its last axis matters",
    "sub": "add is there in every rank",
    "reshape": "any shape is a vector to it",
    "permute": "4-D is 3-D with one axis more",
    "mse_loss": "any shape is a vector to it",
    "cross_entropy": "any map is a vector to it",
}
"""Ops whose spec is shorter, and why."""


class Incomplete(Op):
    number = Integer[int]("no sentence", 1)
    same = Integer[int]("A word.", 1)
    saves = ("inputs",)
    spatial = (0, 5)


class NoConvention(Relu):
    """Without a source."""

    saves = ("input",)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        return Cost()


def test_an_incomplete_op_is_caught(tmp_path: Path) -> None:
    assert missing(Incomplete, tmp_path) == [
        "a docstring",
        "a sentence about number",
        "a name of its own for same, which is a word",
        "known words in saves, not inputs",
        "a range of spatial axes within 0 to 4",
        "a cost",
        "a spec specs/ops/test_conformance.yaml",
    ]
    assert missing(NoConvention, tmp_path) == [
        "a source in its docstring",
        "the operand that it overwrites, for backward",
        "the convention of its cost, as a docstring",
        "a spec specs/ops/test_conformance.yaml",
    ]


FAULTS: list[tuple[str, Any, str]] = [
    ("infer", lambda self, *x: (x[0],), "an Outcome of tuples"),
    ("infer", lambda self, *x: Outcome((x[0], x[0])), "a port for each result"),
    ("cost", lambda self, *x: 0, "a Cost"),
    ("parameters", lambda self, *x: {"weight": [1]}, "tuples as shapes of its parameters"),
    ("taps", lambda self, *x: (), "taps for each operand"),
    ("taps", lambda self, *x: ((IDENTITY,) * len(x[0]),), "taps for each spatial axis"),
    ("taps", lambda self, *x: ((Taps(2, 1, ((0, 1, 1),)),) * (len(x[0]) - 1),), "taps with a window for each phase"),
]


@pytest.mark.parametrize(("method", "fault", "lack"), FAULTS)
def test_a_wrong_answer_is_caught(monkeypatch: pytest.MonkeyPatch, method: str, fault: Any, lack: str) -> None:
    """Planted into relu one at a time."""
    op = Relu()
    assert _missing_answers(op, ((3, 4),)) == []
    monkeypatch.setattr(Relu, method, fault)
    assert set(_missing_answers(op, ((3, 4),))) == {lack}


def test_an_attribute_that_its_spec_leaves_out_is_caught(tmp_path: Path) -> None:
    (tmp_path / "elu.yaml").write_text("format: 1\nname: elu\ninput: [3]\nlayers:\n  - elu\n")
    assert missing(ops.find("elu"), tmp_path) == ["alpha in its spec"]
    (tmp_path / "elu.yaml").write_text("format: 1\nname: elu\ninput: [3]\nlayers:\n  - relu\n")
    assert missing(ops.find("elu"), tmp_path) == ["layers of elu in its spec, without findings: []"]
