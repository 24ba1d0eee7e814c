"""The domains of nets: the figures of papers, and every size tried one by one."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from graphs import drawn
from hypothesis import given, settings
from hypothesis import strategies as st

import convcalc
from convcalc.analysis.trials import walk
from convcalc.diagnostics import Misuse, SpecError
from convcalc.loading import load, open_graph
from convcalc.ops._window import Window
from convcalc.symbolic import domains, periodic
from convcalc.symbolic.knobs import spatial, turned
from convcalc.symbolic.solving import Solution, solve
from convcalc.symbolic.wording import condition, whole

if TYPE_CHECKING:
    from convcalc.graph import Graph
    from convcalc.symbolic.knobs import Knob

SPECS = Path(convcalc.__file__).parent.parent / "specs"
EVERY = sorted(path.stem for folder in ("models", "lectures", "ops") for path in (SPECS / folder).glob("*.yaml"))
UPTO = 2048
SIZES = (*range(1, 513), *range(1793, UPTO + 1))
"""Where random nets are tried; no period of theirs is longer than the first stretch."""

# references: exact input domains; where no layer leaves a pixel at the border unread
FIGURES = {
    "unet": ("H >= 16 and H % 16 == 0, W likewise", None),
    "unet_2015": ("H >= 188, W likewise", "H >= 188 and H % 16 == 12, W likewise"),
    "resnet50": ("H >= 1, W likewise", None),
    "inception_v3": ("H >= 75, W likewise", "H >= 75 and H % 32 == 11, W likewise"),
    "alexnet": ("H >= 63, W likewise", "H >= 63 and H % 32 in {0, 1, 31}, W likewise"),
    "squeezenet": ("H >= 21, W likewise", "H >= 21 and H % 2 == 1, W likewise"),
    "vgg16": ("H >= 32, W likewise", "H >= 32 and H % 32 == 0, W likewise"),
    "vgg16_2014": (
        "H in 32..63 and W in 1568..1599; or H in 224..255, W likewise; or H in 1568..1599 and W in 32..63",
        "H == 32 and W == 1568; or H == 224, W likewise; or H == 1568 and W == 32",
    ),
    "fpn": ("H >= 29 and H % 32 in {0, 29, 30, 31}, W likewise", None),
    "fpn_c3": ("H >= 25 and H % 32 in {0, 25..31}, W likewise", None),
    "densenet121": ("H >= 29, W likewise", "H >= 29 and H % 32 in {0, 29, 30, 31}, W likewise"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_published_domains(name: str) -> None:
    valid, unread = FIGURES[name]
    solution = solve(open_graph(name))
    assert solution.domain is not None
    assert solution.unread is not None
    assert whole(solution.domain.boxes) == valid
    assert whole(solution.unread.boxes) == (unread or valid)
    assert not solution.undecided


def test_who_demands_it() -> None:
    """references: at 90 rows the deepest concat fails first, 11 against 10, and alone demands H % 16 in 0..7."""
    solved = solve(open_graph("unet"), ["H"]).domain
    assert solved is not None
    said = {
        solved.carried.graph.nodes[part.node].name: condition("H", part.boxes[0]["H"], plain=True)
        for part, _ in solved.demanding()
    }
    assert said == {
        "up4/concat_1": "H % 16 in 0..7",
        "up3/concat_1": "H % 8 in 0..3",
        "up2/concat_1": "H % 4 in 0..1",
        "up1/concat_1": "H % 2 == 0",
    }
    deepest = next(part for part, _ in solved.demanding())
    assert solved.told(deepest, {"H": 90}) == "11 and 10 differ"


def test_who_else_could_be_blamed_is_not() -> None:
    """What is told is enough, and nothing of it can be left out."""
    for name in FIGURES:
        solved = solve(open_graph(name)).domain
        assert solved is not None
        told = [part.boxes for part, _ in solved.demanding()]
        assert domains.meet(solved.symbols, told) == [*solved.boxes]
        for left_out in range(len(told)):
            assert domains.meet(solved.symbols, told[:left_out] + told[left_out + 1 :]) != [*solved.boxes]
        for part, _ in solved.demanding():
            values = solved.failing(part)
            assert not part.holds(values)
            assert rejects(solved.carried.graph.bind(values))


def rejects(graph: Graph) -> bool:
    after = walk(graph)
    return bool(after.failed or after.unknown or graph.diagnostics)


def tried(graph: Graph, knob: Knob, sizes: Any) -> set[int]:
    """The sizes that fit, each by the rules over integers alone."""
    (place,) = [ref.node for ref in graph.inputs.values()]
    shape = graph.nodes[place].shape
    assert shape is not None
    graph, source = copy(graph), copy(graph.nodes[place])
    graph.nodes = [*graph.nodes[:place], source, *graph.nodes[place + 1 :]]
    fitting = set()
    for n in sizes:
        source.shape = (*shape[: knob.axis], n, *shape[knob.axis + 1 :])
        after = walk(graph)
        if not (after.failed or after.unknown):
            fitting.add(n)
    return fitting


def is_direct(graph: Graph, knob: Knob) -> bool:
    """Whether only one axis of the only input hangs on a size, and no layer."""
    other = turned(graph, {knob: knob.size + 1})
    if len(graph.inputs) > 1 or other.diagnostics:
        return False
    changed = [a != b for a, b in zip(graph.nodes[0].shape or (), other.nodes[0].shape or (), strict=True)]
    given = [[node.op.given for node in each.nodes if node.op] for each in (graph, other)]
    return changed.index(True) == knob.axis and sum(changed) == 1 and given[0] == given[1]


def solved_alone(graph: Graph, knob: Knob) -> tuple[Solution, set[int]]:
    solution = solve(graph, [knob.name])
    assert solution.domain is not None
    return solution, {n for n in range(1, UPTO + 1) if {knob.name: n} in solution.domain}


@pytest.mark.parametrize("name", EVERY)
def test_shipped_nets_size_by_size(name: str) -> None:
    """Every size up to 2048 of every net, the other axis at its own value."""
    graph = open_graph(name)
    knobs = spatial(graph)
    for knob in knobs[:1] if len(graph.nodes) > 50 else knobs:
        _, found = solved_alone(graph, knob)
        if is_direct(graph, knob):
            assert found == tried(graph, knob, range(1, UPTO + 1))
        else:
            assert {n for n in found if n <= 60} == {n for n in range(1, 61) if not rejects(turned(graph, {knob: n}))}


@pytest.mark.parametrize("first", range(0, 320, 20))
def test_random_nets_size_by_size(first: int) -> None:
    for seed in range(first, first + 20):
        graph = drawn(seed)
        height = spatial(graph)[0]
        try:
            solution, found = solved_alone(graph, height)
        except SpecError:  # something fails whatever the height is
            assert not tried(graph, height, range(1, 300))
            continue
        assert not solution.undecided
        assert found & {*SIZES} == tried(graph, height, SIZES), graph.name


@settings(max_examples=60, deadline=None)
@given(st.integers(1000, 10**9), st.integers(2, 14))
def test_further_random_nets(seed: int, layers: int) -> None:
    graph = drawn(seed, layers)
    for knob in spatial(graph):
        try:
            _, found = solved_alone(graph, knob)
        except SpecError:
            found = set()
        assert {n for n in found if n <= 200} == tried(graph, knob, range(1, 201))


def test_random_nets_are_of_all_kinds() -> None:
    """The generator would prove little if its nets took every size, or none."""
    kinds = {"none": 0, "a bound": 0, "remainders": 0}
    for seed in range(320):
        try:
            solved = solve(drawn(seed), ["H"]).domain
        except SpecError:
            kinds["none"] += 1
            continue
        assert solved is not None
        own = solved.boxes[0]["H"] if solved.boxes else None
        assert own is None or own.period <= SIZES.index(1793)
        kinds[
            "none" if own is None else "a largest" if own.is_finite else "remainders" if own.period > 1 else "a bound"
        ] += 1
    assert min(kinds.values()) > 10, kinds


@pytest.mark.parametrize("fault", ["window", "floor"])
def test_a_planted_fault_is_seen(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule or a dim that is wrong for open sizes alone is found by trying."""
    if fault == "window":
        right = Window.count
        monkeypatch.setattr(Window, "count", lambda self, n: right(self, n) + (not isinstance(n, int)))
    else:
        floor = periodic.Periodic.__floordiv__
        monkeypatch.setattr(periodic.Periodic, "__floordiv__", lambda self, other: floor(self + 1, other))
    differing = 0
    for seed in range(20):
        graph = drawn(seed)
        height = spatial(graph)[0]
        try:
            _, found = solved_alone(graph, height)
        except SpecError:
            continue
        differing += {n for n in found if n < 100} != tried(graph, height, range(1, 100))
    assert differing > 5


# pairs of sizes


def test_pairs_of_sizes_one_by_one() -> None:
    net = """
        input: [3, 32, 32]
        layers:
          - max_pool: {kernel_size: 3, stride: 2}
          - conv: {out_channels: 5, kernel_size: 3}
          - flatten
          - linear: {out_features: 10, in_features: 120}
    """
    graph = load(net)
    solved = solve(graph).domain
    assert solved is not None
    height, width = spatial(graph)
    for h in range(1, 80):
        for w in range(1, 80):
            assert ({"H": h, "W": w} in solved) == (not rejects(turned(graph, {height: h, width: w}))), (h, w)


NORMALISED = """
    vars: {H: 8, W: 8}
    input: [3, H, W]
    layers:
      - pad: {padding: %s, mode: reflect}
      - conv: {out_channels: 4, kernel_size: 3, stride: 2}
      - instance_norm
      - reshape: {shape: [4, ceil((H + 2*%s - 2)/2)*ceil((W + 2*%s - 2)/2)]}
"""


def test_a_bound_on_a_product_follows_from_those_on_its_factors() -> None:
    graph = load(NORMALISED.replace("%s", "2"))
    solution = solve(graph)
    assert solution.domain is not None
    assert not solution.undecided
    height, width = spatial(graph)
    for h in range(1, 20):
        for w in range(1, 20):
            assert ({"H": h, "W": w} in solution.domain) == (not rejects(turned(graph, {height: h, width: w}))), (h, w)
    assert str(solution.domain) == "H >= 3, W likewise"


def test_a_bound_on_a_product_that_does_not_follow_is_not_decided() -> None:
    solution = solve(load(NORMALISED.replace("%s", "0")))
    assert [told.message for told in solution.undecided] == [
        "instance_norm_1: not decided: a bound on a product of H and W"
    ]


def test_sizes_that_hang_on_each_other() -> None:
    linked = solve(open_graph("vgg16_2014"), link={"W": "H + 10"}).domain
    assert linked is not None
    assert whole(linked.boxes) == "H in 224..245"
    graph = open_graph("unet")
    linked = solve(graph, link={"W": "3*H//2"}).domain
    assert linked is not None
    assert {n for n in range(1, 300) if {"H": n} in linked} == {
        n for n in range(1, 300) if not rejects(graph.bind({"H": n, "W": 3 * n // 2}))
    }


# what cannot be


def test_two_demands_that_contradict_each_other() -> None:
    net = """
        input: [3, 9]
        layers:
          - conv: {out_channels: 3, kernel_size: 5}
            name: a
          - conv: {out_channels: 3, kernel_size: 1, stride: 2}
            name: b
          - add:
            from: [a, b]
          - conv: {out_channels: 3, kernel_size: 20}
            name: wide
    """
    solved = solve(load(net)).domain
    assert solved is not None
    assert not solved
    said = [
        (solved.carried.graph.nodes[part.node].name, condition("L", part.boxes[0]["L"]))
        for part in solved.contradiction()
    ]
    assert said == [("add_1", "L in 4..5"), ("wide", "L >= 24")]


def test_a_product_in_a_remainder_is_not_decided() -> None:
    net = "vars: {H: 6, W: 6}\ninput: [1, H, W]\nlayers:\n  - reshape: {shape: [4, -1]}\n"
    graph = load(net)
    solution = solve(graph)
    assert [told.message for told in solution.undecided] == [
        "reshape_1: not decided: a product of H and W in one remainder",
        "reshape_1: not decided: a product of H and W in one floor",
    ]
    for trial in solution.trials:
        other = "W" if trial.symbol == "H" else "H"
        assert {n for n in range(1, 100) if n in trial.fitting} == {
            n for n in range(1, 100) if not rejects(graph.bind({trial.symbol: n, other: 6}))
        }
    linked = solve(graph, link={"W": "H"})
    assert linked.domain is not None
    assert linked.domain.undecided


def test_layers_that_hang_on_a_size_are_tried() -> None:
    net = "vars: {H: 8}\ninput: [1, H]\nlayers:\n  - max_pool: {kernel_size: 2}\n    repeat: 8 - H//8\n"
    graph = load(net)
    solution = solve(graph)
    assert solution.domain is None
    assert [told.code for told in solution.undecided] == ["free-variable"]
    (trial,) = solution.trials
    fitting = {n for n in range(1, 100) if not rejects(graph.bind({"H": n}))}
    assert {n for n in range(1, 100) if n in trial.fitting} == fitting
    assert {32, 71} <= fitting
    assert not fitting & {1, 15, 72}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"free": ["Q"]}, "there is no variable or axis 'Q' to open: one of H, W"),
        ({"link": {"W": "2*Q"}}, "'2\\*Q'|no variable|unknown|Q"),
        ({"want": ["output.Z=3"]}, "output.Z=3: output has the axes C, H, W"),
        ({"want": ["nobody.H=3"]}, "there is no layer 'nobody'"),
        ({"want": ["seven"]}, "--want takes a layer, an axis and a size"),
    ],
)
def test_what_is_asked_wrongly(arguments: Any, told: str) -> None:
    with pytest.raises(Misuse, match=told):
        solve(load("input: [1, 8, 8]\nlayers:\n  - relu\n"), **arguments)


# wishes


@pytest.mark.parametrize("size", range(1, 9))
def test_what_gives_a_certain_size(size: int) -> None:
    graph = open_graph("alexnet")
    solved = solve(graph, ["H"], want=[f"pool5.H={size}"]).domain
    assert solved is not None
    assert {n for n in range(1, 600) if {"H": n} in solved} == set(range(32 * size + 31, 32 * size + 63))


def test_bounds_of_what_comes_out() -> None:
    graph = open_graph("resnet50")
    for wish, said in {
        "conv5.H=7": "H in 193..224", "conv5.H<7": "H in 1..192", "conv5.H>=7": "H >= 193", "conv5.H > 7": "H >= 225",
        "conv5.H<=7": "H in 1..224", "conv1.H == 2": "H in 3..4",
    }.items():  # fmt: skip
        solved = solve(graph, ["H"], want=[wish]).domain
        assert solved is not None
        assert whole(solved.boxes) == said
