"""Spec to Graph: names, branches, blocks, repeats, switches, sharing, variables, variants."""

from __future__ import annotations

from typing import Any

import pytest

import convcalc
from convcalc.analysis import examine
from convcalc.expand import expand
from convcalc.graph import Graph, Ref
from convcalc.source import Source
from convcalc.spec import read_spec


def graph(text: str, values: dict[str, int] | None = None, **options: Any) -> Graph:
    return expand(read_spec(Source("net.yaml", text)), values, **options)


def names(text: str, values: dict[str, int] | None = None) -> list[str]:
    made = graph(text, values)
    assert not made.diagnostics
    return [node.name for node in made.nodes if not node.is_input]


def found(text: str, values: dict[str, int] | None = None) -> list[tuple[str, int, int]]:
    """Codes with their places, of everything that is wrong."""
    _, diagnostics = examine(graph(text, values))
    return [(d.code, d.span.line, d.span.column) for d in convcalc.SpecError(diagnostics).diagnostics if d.span]


RESIDUAL = """\
vars: {n: 2, on: 1}
input: [8, H, W]
blocks:
  Unit:
    args: {mid: 8, stride: 1}
    layers:
      - add:
          - []
          - - conv: {out_channels: mid, kernel_size: 3, padding: 1, stride: stride}
            - relu
      - relu
layers:
  - Unit
  - Unit: {mid: 8}
    name: stage
    repeat: n
  - conv: {out_channels: 4, kernel_size: 1}
    when: on
  - relu:
    repeat: 2
""".replace("[8, H, W]", "[8, 16, 16]")


def test_names_count_by_place_in_the_file_and_copies_from_one() -> None:
    assert names(RESIDUAL) == [
        "Unit_1/conv_1", "Unit_1/relu_1", "Unit_1/add_1", "Unit_1/relu_2",
        "stage/1/conv_1", "stage/1/relu_1", "stage/1/add_1", "stage/1/relu_2",
        "stage/2/conv_1", "stage/2/relu_1", "stage/2/add_1", "stage/2/relu_2",
        "conv_1", "relu_1/1", "relu_1/2",
    ]  # fmt: skip


def test_names_survive_switches_and_other_repeats() -> None:
    off = names(RESIDUAL, {"on": 0, "n": 1})
    assert off == [name for name in names(RESIDUAL) if not name.startswith("stage/2") and name != "conv_1"]


def test_no_copies_pass_the_input_on() -> None:
    made = graph(RESIDUAL, {"n": 0})
    conv = next(node for node in made.nodes if node.name == "conv_1")
    assert made.nodes[conv.inputs[0].node].name == "Unit_1/relu_2"


def test_branches_fork_from_one_layer_and_an_empty_one_is_the_identity() -> None:
    made = graph(RESIDUAL)
    by_name = {node.name: node for node in made.nodes}
    add, conv = by_name["Unit_1/add_1"], by_name["Unit_1/conv_1"]
    assert [made.nodes[ref.node].name for ref in add.inputs] == ["input", "Unit_1/relu_1"]
    assert [made.nodes[ref.node].name for ref in conv.inputs] == ["input"]


def test_a_branch_whose_layers_are_all_off_is_the_identity() -> None:
    text = """\
vars: {project: 0}
input: [8, 4, 4]
layers:
  - add:
      - - relu
      - - conv: {out_channels: 8, kernel_size: 1}
          when: project
        - batch_norm:
          when: project
"""
    made = graph(text)
    assert [made.nodes[ref.node].name for ref in made.nodes[-1].inputs] == ["relu_1", "input"]
    assert [node.kind for node in graph(text, {"project": 1}).nodes] == ["input", "relu", "conv", "batch_norm", "add"]


def test_branches_fork_from_the_layer_after_from() -> None:
    text = """\
input: [8, 4, 4]
layers:
  - relu:
    name: early
  - sigmoid
  - add: [[tanh], []]
    from: early
  - add:
    from: [add_1, sigmoid_1]
"""
    made = graph(text)
    by_name = {node.name: node for node in made.nodes}
    assert [made.nodes[ref.node].name for ref in by_name["add_1"].inputs] == ["tanh_1", "early"]
    assert [made.nodes[ref.node].name for ref in by_name["add_2"].inputs] == ["add_1", "sigmoid_1"]


def test_a_repeated_join_repeats_its_branches() -> None:
    text = """\
input: [8, 4, 4]
layers:
  - add:
      - []
      - [conv: {out_channels: 8, kernel_size: 1}]
    repeat: 2
"""
    made = graph(text)
    assert [node.name for node in made.nodes] == ["input", "add_1/1/conv_1", "add_1/1", "add_1/2/conv_1", "add_1/2"]
    assert [made.nodes[ref.node].name for ref in made.nodes[-1].inputs] == ["add_1/1", "add_1/2/conv_1"]


def test_ports_are_named_after_a_dot() -> None:
    text = """\
input: [8, 4, 4]
layers:
  - split: {sections: [3, 5]}
    name: s
  - conv: {out_channels: 5, kernel_size: 1}
    from: s.0
    name: left
  - add:
    from: [left, s.1]
"""
    made = graph(text)
    assert [tuple(ref) for ref in made.nodes[-1].inputs] == [(2, 0), (1, 1)]
    assert made.analyze()["left"].params == 3 * 5 + 5


def test_blocks_see_variables_and_arguments_shadow_them() -> None:
    text = """\
vars: {width: 4, mid: 3}
input: [8, 4, 4]
blocks:
  B:
    args: {mid: required, twice: 2*mid, k: 3}
    layers:
      - conv: {out_channels: mid, kernel_size: k, padding: same}
      - conv: {out_channels: twice + width, kernel_size: 1}
layers:
  - B: {mid: 5 + mid}
  - conv: {out_channels: mid, kernel_size: 1}
"""
    made = graph(text)
    assert [node.op.out_channels for node in made.nodes[1:]] == [8, 20, 3]  # type: ignore[union-attr]


def test_an_argument_may_be_a_word_a_list_or_a_flag() -> None:
    text = """\
input: [8, 9, 9]
blocks:
  B:
    args: {pad: valid, k: [3, 1], with_bias: false}
    layers:
      - conv: {out_channels: 8, kernel_size: k, padding: pad, bias: with_bias}
layers:
  - B
  - B: {pad: same, k: [1, 3], with_bias: true}
"""
    rows = graph(text).analyze().rows
    assert [row.shape for row in rows] == [(8, 7, 9), (8, 7, 9)]
    assert [row.params for row in rows] == [192, 200]


def test_a_block_of_several_inputs_binds_them_in_the_order_of_from() -> None:
    text = """\
input: {a: [2, 4, 4], b: [3, 4, 4]}
blocks:
  Merge:
    inputs: [skip, x]
    layers:
      - conv: {out_channels: 2, kernel_size: 1}
        from: x
      - add:
        from: [skip, conv_1]
layers:
  - Merge:
    from: [a, b]
"""
    made = graph(text)
    assert made.analyze()["Merge_1/conv_1"].params == 3 * 2 + 2


def test_share_counts_parameters_once_and_work_each_time() -> None:
    text = """\
input: [8, 4, 4]
layers:
  - conv: {out_channels: 8, kernel_size: 3, padding: 1}
    name: first
  - relu
  - conv: {out_channels: 8, kernel_size: 3, padding: 1}
    share: first
"""
    analysis = graph(text).analyze()
    assert analysis.totals.params == 8 * 8 * 9 + 8
    assert analysis.totals.macs == 2 * 8 * 8 * 9 * 16
    assert analysis["conv_2"].params == 0


def test_a_row_is_found_by_the_name_of_its_layer_its_block_or_its_last_copy() -> None:
    analysis = graph(RESIDUAL).analyze()
    assert analysis["stage/1/conv_1"].op == "conv"
    assert analysis["stage/1"].name == "stage/1/relu_2"
    assert analysis["stage"].name == "stage/2/relu_2"
    assert analysis["Unit_1"].name == "Unit_1/relu_2"
    assert analysis["relu_1"].name == "relu_1/2"
    with pytest.raises(KeyError, match="nobody"):
        analysis["nobody"]


def test_what_was_given_once_stays_given() -> None:
    made = graph("vars: {H: 8}\ninput: [3, H, 8]\nlayers: [relu]\n")
    wide = made.bind({}, {"input": (3, 8, 20)})
    assert wide.analyze(H=4).outputs == {"relu_1": (3, 4, 20)}
    assert wide.bind({}, {"input": (1, 8, 20)}).bind({}, {}).analyze().outputs == {"relu_1": (1, 8, 20)}
    assert wide.bind({"H": 9}).analyze().outputs == {"relu_1": (3, 9, 20)}


def test_a_shared_block_shares_each_of_its_layers() -> None:
    text = """\
input: [8, 4, 4]
blocks:
  B: {layers: [conv: {out_channels: 8, kernel_size: 1}, batch_norm, relu]}
layers:
  - B:
    name: one
  - B:
    share: one
"""
    analysis = graph(text).analyze()
    assert analysis.totals.params == 64 + 8 + 16
    assert analysis.totals.buffers == 16


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("- conv: {out_channels: 4, kernel_size: 1}\n    share: first", ("shared-parameters", 7, 5)),
        ("- linear: {out_features: 4}\n    share: first", ("cannot-share", 8, 12)),
        ("- conv: {out_channels: 8, kernel_size: 1}\n    share: relu_1", ("cannot-share", 8, 12)),
        ("- conv: {out_channels: 8, kernel_size: 1}\n    share: nothing", ("unknown-layer", 8, 12)),
    ],
)
def test_what_cannot_be_shared(layer: str, expected: tuple[str, int, int]) -> None:
    text = f"""\
input: [8, 4, 4]
name: sharing
layers:
  - conv: {{out_channels: 8, kernel_size: 1}}
    name: first
  - relu
  {layer}
"""
    assert found(text) == [expected]


def test_outputs_are_named_and_one_that_is_off_is_absent() -> None:
    text = """\
vars: {aux: 0}
input: [8, 4, 4]
outputs: [main, side]
layers:
  - relu:
    name: trunk
  - conv: {out_channels: 2, kernel_size: 1}
    name: side
    when: aux
  - conv: {out_channels: 3, kernel_size: 1}
    from: trunk
    name: main
"""
    assert graph(text).analyze().outputs == {"main": (3, 4, 4)}
    assert graph(text).analyze(aux=1).outputs == {"main": (3, 4, 4), "side": (2, 4, 4)}


def test_outputs_may_lie_inside_blocks() -> None:
    text = "outputs: [stage/1/conv_1, Unit_1, relu_1]\n" + RESIDUAL
    assert list(graph(text).analyze().outputs) == ["stage/1/conv_1", "Unit_1", "relu_1"]
    assert [code for code, _, _ in found(text.replace("stage/1/conv_1", "stage/1/conv_7"))] == ["unknown-layer"]


def test_a_graph_built_by_hand_is_checked_as_it_grows() -> None:
    net = Graph()
    with pytest.raises(convcalc.SpecError, match="positive integers"):
        net.input((3, 8.5, 8))  # type: ignore[arg-type]
    x = net.input((3, 8, 8), "image")
    for operands, told in (((x,), "2 operands or more"), ((x, (7, 0)), "no node 7"), ((x, (0, 3)), "no result 3")):
        with pytest.raises(convcalc.SpecError, match=told):
            net.add("add", *(Ref(*ref) for ref in operands))
    with pytest.raises(convcalc.SpecError, match="1 operand"):
        net.add("relu", x, x)
    with pytest.raises(convcalc.SpecError, match="'image' is taken"):
        net.add("relu", x, name="image")


def test_variables_build_on_earlier_ones_and_follow_a_setting() -> None:
    text = """\
vars:
  H: 32
  W: 2*H
  width: make_divisible(3*H/4, 8)
input: [3, H, W]
layers:
  - conv: {out_channels: width, kernel_size: 1}
"""
    made = graph(text)
    assert made.values == {"H": 32, "W": 64, "width": 24}
    assert made.analyze(H=16).outputs == {"conv_1": (16, 16, 32)}
    assert made.analyze(W=5).outputs == {"conv_1": (24, 32, 5)}


def test_an_input_shape_sets_the_variables_that_it_names() -> None:
    text = """\
vars: {H: 32, C: 4*H}
input: [3, H, H]
layers:
  - conv: {out_channels: C, kernel_size: 1}
"""
    assert graph(text).analyze(inputs={"input": (3, 8, 8)}).outputs == {"conv_1": (32, 8, 8)}
    assert graph(text).analyze(inputs={"input": (1, 8, 9)}).rows[0].shape[1:] == (8, 9)


def test_what_is_not_there_cannot_be_set() -> None:
    made = graph("vars: {H: 8}\ninput: [3, H, H]\nlayers: [relu]\n")
    with pytest.raises(convcalc.Misuse, match="no variable 'Hh'"):
        made.analyze(Hh=3)
    with pytest.raises(convcalc.Misuse, match="no input 'image'"):
        made.analyze(inputs={"image": (3, 8, 8)})
    with pytest.raises(convcalc.Misuse, match="has 3 axes, 2 were given"):
        made.analyze(inputs={"input": (3, 8)})
    with pytest.raises(convcalc.Misuse, match="no variant"):
        graph("vars: {H: 8}\ninput: [3, H, H]\nlayers: [relu]\n", variant="other")


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("[relu, {add: null, from: [relu_1, nowhere]}]", "unknown-layer"),
        ("[{add: null, from: [input, relu_1]}, relu]", "name-from-below"),
        ("[relu, {add: null, from: [relu_1, relu_1.9]}]", "unknown-port"),
        ("[add]", "wrong-operand-count"),
        ("[{relu: [[tanh]]}]", "wrong-operand-count"),
        ("[{relu: null, from: [input, input]}]", "wrong-operand-count"),
        ("[Nothing]", "unknown-block"),
        ("[{relu: null, repeat: 0 - 1}]", "out-of-range"),
        ("[{relu: null, when: nobody}]", "unknown-name"),
        ("[{relu: null, repeat: 1000000}]", "too-many-layers"),
        ("[{relu: null, name: lost}, {tanh: null, from: input}]", "unused-layer"),
    ],
)
def test_a_wrong_reference_is_one_finding(layers: str, expected: str) -> None:
    assert [code for code, _, _ in found(f"input: [3, 8, 8]\nlayers: {layers}\n")] == [expected]


def test_recursion_and_explosion_are_refused_before_anything_is_expanded() -> None:
    recursive = "input: [1, 4]\nblocks: {A: {layers: [B]}, B: {layers: [A]}}\nlayers: [A]\n"
    assert [code for code, _, _ in found(recursive)] == ["recursive-block"]
    blocks = ", ".join(f"B{n}: {{layers: [B{n - 1}, B{n - 1}]}}" for n in range(1, 40))
    doubling = f"input: [1, 4]\nblocks: {{B0: {{layers: [relu]}}, {blocks}}}\nlayers: [B39]\n"
    assert [code for code, _, _ in found(doubling)] == ["too-many-layers"]


def test_an_input_that_nobody_uses_is_a_finding() -> None:
    assert found("input: {a: [1, 4], b: [1, 4]}\nlayers:\n  - relu:\n    from: a\n") == [("unused-input", 1, 20)]


def test_several_inputs_need_from() -> None:
    assert [c for c, _, _ in found("input: {a: [1, 4], b: [1, 4]}\nlayers: [relu]\n")] == ["needs-from"]


def test_a_mistake_inside_a_block_is_told_once() -> None:
    text = """\
input: [8, 16, 16]
blocks:
  B: {layers: [conv: {out_channels: 8, kernel: 3}]}
layers:
  - B:
    repeat: 4
  - B
"""
    codes = [code for code, _, _ in found(text)]
    assert codes == ["unknown-attribute"]


def test_independent_mistakes_are_told_in_one_run_and_nothing_follows_from_them() -> None:
    text = """\
input: [8, 16, 16]
layers:
  - conv: {out_channels: 9, kernel_size: 3, groups: 3}
  - conv: {out_channels: 9, kernel_size: 30}
  - conv: {out_channels: 9, kernel_size: 3, paddding: 1}
  - relu
  - maxpool: {kernel_size: 2}
"""
    assert [(code, line) for code, line, _ in found(text)] == [
        ("indivisible-groups", 3),
        ("kernel-too-large", 4),
        ("unknown-attribute", 5),
        ("unknown-op", 7),
    ]


def test_mistakes_of_the_text_and_of_the_graph_are_told_together() -> None:
    text = """\
input: [8, 16, 16]
layers:
  - conv: {out_channels: 9, kernel_size: 3, groups: 3}
  - conv: {out_channels: 9, kernel_size: 3, stride: 2, stride: 2}
  - relu:
    form: conv_1
  - 17
  - add:
      - []
      - - conv: {out_channels: 9, kernel_size: 1, pading: 0}
        - relu:
          repeat: 1.5
  - maxpool: {kernel_size: 2}
expect: {params: 1.5}
"""
    spec = read_spec(Source("net.yaml", text), partial=True)
    _, diagnostics = examine(expand(spec))
    assert [(d.code, d.span.line) for d in convcalc.SpecError(diagnostics).diagnostics if d.span] == [
        ("indivisible-groups", 3),
        ("duplicate-key", 4),
        ("unknown-key", 6),
        ("not-a-layer", 7),
        ("unknown-attribute", 10),
        ("not-an-integer", 12),
        ("unknown-op", 13),
        ("not-an-integer", 14),
    ]


def test_a_misspelt_section_does_not_hide_the_mistakes_in_layers() -> None:
    text = """\
nmae: tiny
vars: {a: 1, a: 2, W: 2*Q}
input: [3, 32, 32]
layers:
  - conv: {out_channels: 4, kernal_size: 3}
"""
    spec = read_spec(Source("net.yaml", text), partial=True)
    _, diagnostics = examine(expand(spec))
    assert [d.code for d in convcalc.SpecError(diagnostics).diagnostics] == [
        "unknown-key",
        "duplicate-key",
        "unknown-name",
        "unknown-attribute",
    ]
