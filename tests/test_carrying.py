"""The ops' rules over dims that nothing can be asked of, carried through whole nets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import convcalc
from convcalc.analysis import examine
from convcalc.diagnostics import SpecError
from convcalc.dims import Free
from convcalc.expand import expand
from convcalc.loading import load, open_spec
from convcalc.symbolic.carrying import carry

if TYPE_CHECKING:
    from convcalc.graph import Graph

SPECS = Path(convcalc.__file__).parent.parent / "specs"
EVERY = sorted(path.stem for folder in ("models", "lectures", "ops") for path in (SPECS / folder).glob("*.yaml"))


class Hidden(Free):
    """The least that a domain is: arithmetic, and identity as a dictionary's key."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __str__(self) -> str:
        return "?"

    def __add__(self, other: Any) -> Any:
        return Hidden(self.value + shown(other))

    def __sub__(self, other: Any) -> Any:
        return Hidden(self.value - shown(other))

    def __mul__(self, other: Any) -> Any:
        return Hidden(self.value * shown(other))

    def __floordiv__(self, other: Any) -> Any:
        return Hidden(self.value // shown(other))

    def __mod__(self, other: Any) -> Any:
        return Hidden(self.value % shown(other))

    def __rsub__(self, other: Any) -> Any:
        return Hidden(shown(other) - self.value)

    def __rfloordiv__(self, other: Any) -> Any:
        return Hidden(shown(other) // self.value)

    def __rmod__(self, other: Any) -> Any:
        return Hidden(shown(other) % self.value)

    __radd__ = __add__
    __rmul__ = __mul__


def shown(dim: Any) -> int:
    return dim.value if isinstance(dim, Hidden) else dim


def plain(shape: Any) -> tuple[int, ...]:
    return tuple(map(shown, shape))


def hidden_inputs(graph: Graph) -> dict[str, list[Any]]:
    """Every input's shape, its spatial axes free."""
    shapes = {name: graph.nodes[ref.node].shape or () for name, ref in graph.inputs.items()}
    return {name: [shape[0], *map(Hidden, shape[1:])] for name, shape in shapes.items()}


@pytest.mark.parametrize("name", EVERY)
def test_free_sizes_give_what_known_sizes_give(name: str) -> None:
    spec, _ = open_spec(name)
    known = expand(spec)
    try:
        carried = carry(expand(spec, inputs=hidden_inputs(known)))
    except SpecError as error:
        assert {finding.code for finding in error.diagnostics} == {"undecided"}
        assert name in ("reshape", "cross_entropy")
        return
    analysis, _ = examine(known)
    assert analysis is not None
    steps = [step for step in carried.steps if step.op is not None]
    for row, step in zip(analysis.rows, steps, strict=True):
        assert tuple(map(plain, step.outputs)) == row.shapes
        assert {key: plain(shape) for key, shape in step.parameters.items()}.items() >= row.parameters.items()
        assert tuple(map(shown, step.cost)) == row.cost
    for _, demand in carried.conditions:
        assert demand._replace(left=shown(demand.left), right=shown(demand.right)).holds()


NET = """
vars: {H: 32, W: 2*H, n: 2, s: 1, k: 3}
input: [3, H, W]
blocks:
  B:
    args: {stride: 1, down: stride != 1}
    layers:
      - conv: {out_channels: 8, kernel_size: k, stride: stride, padding: k//2}
      - relu:
        when: down
layers:
  - B: {stride: s}
  - relu:
    repeat: n
  - conv: {out_channels: 4, kernel_size: 1, bias: n > 1}
"""


def test_a_variable_may_be_free() -> None:
    graph = load(NET).bind({"H": Hidden(32)})
    assert not graph.diagnostics
    carried = carry(graph)
    assert [plain(step.outputs[0]) for step in carried.steps] == [
        (3, 32, 64),
        (8, 32, 64),
        *[(8, 32, 64)] * 2,
        (4, 32, 64),
    ]
    # the kernel fits on both axes; that a result has positions, of the input and of every layer
    assert {(condition.node, condition.demand.code) for condition in carried.conditions} >= {
        (0, "out-of-range"), (1, "kernel-too-large"), (1, "empty-result"),
    }  # fmt: skip


def test_an_attribute_that_is_free_must_be_large_enough() -> None:
    carried = carry(load(NET).bind({"k": Hidden(3)}))
    least = [d for _, d in carried.conditions if d.code == "out-of-range"]
    assert [(shown(d.left), d.right, d.key) for d in least] == [(3, 1, ("kernel_size",)), (1, 0, ("padding",))]


REFUSED = {
    "n": ("'repeat' depends on the free variable n, and must be known", "set it: --set n=2", 14),
    "s": ("down depends on the free variable s, and must be known", "set it: --set s=1", 6),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_decides_the_layers_must_be_known(name: str) -> None:
    graph = load(NET).bind({name: Hidden(2)})
    with pytest.raises(SpecError) as refused:
        carry(graph)
    first = refused.value.diagnostics[0]
    message, fix, line = REFUSED[name]
    assert (first.code, first.message, first.fix) == ("free-variable", message, fix)
    assert first.span is not None
    assert first.span.line == line


def test_a_flag_must_be_known() -> None:
    net = "vars: {b: 1}\ninput: [3, 8]\nlayers:\n  - conv: {out_channels: 8, kernel_size: 1, bias: b}\n"
    with pytest.raises(SpecError, match="bias depends on the free variable b"):
        carry(load(net).bind({"b": Hidden(1)}))


def test_demands_between_ints_are_decided() -> None:
    net = "vars: {H: 8}\ninput: [3, H]\nlayers:\n  - conv: {out_channels: 8, kernel_size: 1, groups: 2}\n"
    with pytest.raises(SpecError, match="1 of 3 input channels are left over"):
        carry(load(net).bind({"H": Hidden(8)}))


def test_an_op_that_looks_at_a_dim_is_refused_with_its_place() -> None:
    net = "vars: {d: 1}\ninput: [3, 8]\nlayers:\n  - relu:\n    name: a\n  - concat: {dim: d}\n    from: [a, a]\n"
    with pytest.raises(SpecError) as refused:
        carry(load(net).bind({"d": Hidden(1)}))
    assert (
        str(refused.value.diagnostics[0]) == "<text>:6:5: concat_1: ? and 0 cannot be decided (give it a fixed value)"
    )
