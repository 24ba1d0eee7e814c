"""Expectations, budgets and samples: what holds, what is suspended, what is told where it does not hold."""

from __future__ import annotations

from typing import Any

import pytest

from convcalc.analysis import analyze
from convcalc.checks import Claims, check_claims
from convcalc.expand import expand
from convcalc.source import Source
from convcalc.spec import read_spec

NET = """\
vars: {H: 16, width: 4}
input: [3, H, H]
blocks:
  Unit:
    args: {mid: required}
    layers:
      - conv: {out_channels: mid, kernel_size: 3, padding: 1}
        expect: {params: 27*mid + mid}
layers:
  - Unit: {mid: width}
    name: unit
    expect: {shape: [width, H, H], macs: 27*width*H^2, receptive_field: 3}
  - relu
  - max_pool: {kernel_size: 2}
    repeat: 2
    expect: {shape: [width, H//4, H//4], flops: 3*width*(H//2)^2 + 3*width*(H//4)^2}
expect: {params: 112, output: [4, 4, 4], depth: 1, memory: 112*4 + 7*4*256}
budget: {params: "<= 1k", receptive_field: ">= 6"}
"""


def claims(text: str, values: dict[str, int] | None = None, **options: Any) -> Claims:
    return check_claims(analyze(expand(read_spec(Source("net.yaml", text)), values, **options)))


def failures(text: str, values: dict[str, int] | None = None, **options: Any) -> list[tuple[str, str, int | None]]:
    return [(d.code, d.message, d.span and d.span.line) for d in claims(text, values, **options).failed]


def test_claims_hold_at_the_declared_values() -> None:
    told = claims(NET)
    assert told.failed == ()
    assert told.hold == 1 + 3 + 2 + 4 + 2
    assert told.suspended == 0


def test_a_claim_is_about_every_value_of_the_variables_it_mentions() -> None:
    told = claims(NET, {"H": 32})
    assert told.failed == ()
    # Those without H speak of the declared one: params of the layer, field, and the file's own four.
    assert told.suspended == 1 + 1 + 4
    assert told.hold == 12 - 6


def test_a_block_s_argument_mentions_the_variables_it_came_from() -> None:
    assert claims(NET, {"width": 8}).failed == ()
    wrong = NET.replace("27*mid + mid", "27*mid + 4")
    assert failures(wrong) == [
        (
            "expectation",
            "unit/conv_1: params holds at the present values, not at width = 1: expected 31, found 28",
            8,
        )
    ]
    assert failures(wrong, {"width": 8}) == [
        ("expectation", "unit/conv_1: params: expected 27*mid + 4 = 220, found 224", 8)
    ]


def test_setting_a_variable_to_its_declared_value_suspends_nothing() -> None:
    assert claims(NET, {"H": 16}).suspended == 0


def test_another_input_shape_suspends_what_does_not_mention_it() -> None:
    assert claims(NET, inputs={"input": (3, 32, 32)}).suspended == 6
    assert claims(NET, inputs={"input": (1, 16, 16)}).hold == 2


def test_claims_and_budgets_speak_of_one_sample() -> None:
    analysis = analyze(expand(read_spec(Source("net.yaml", NET))), batch=16)
    assert check_claims(analysis) == claims(NET)


def test_a_budget_always_holds() -> None:
    tight = NET.replace("<= 1k", "<= 200")
    assert failures(tight) == []
    assert failures(tight, {"width": 8}) == [("budget", "params is 224, the budget is <= 200", 18)]


@pytest.mark.parametrize(
    ("bound", "holds"),
    [
        ("< 112", False),
        ("<= 112", True),
        ("> 112", False),
        (">= 112", True),
        ("<= 0.1119k", False),
        ("<= 0.112k", True),
    ],
)
def test_bounds_are_exact(bound: str, holds: bool) -> None:
    assert (failures(NET.replace("<= 1k", bound)) == []) is holds


def test_a_field_must_hold_on_every_axis() -> None:
    net = """\
input: [1, 9, 9]
layers: [conv: {out_channels: 1, kernel_size: [3, 5]}]
budget: {receptive_field: ">= 4"}
expect: {receptive_field: [3, 5]}
"""
    assert failures(net) == [("budget", "receptive_field is 3x5, the budget is >= 4", 3)]
    assert failures(net.replace("[3, 5]}\n", "3}\n")[:-1].replace('">= 4"', '">= 3"')) != []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("params: 112", "params: 113", "params: expected 113, found 112"),
        ("[4, 4, 4]", "[4, 4, 5]", "output: expected 4x4x5, found 4x4x4"),
        ("H//4, H//4", "H//4, H//2", "max_pool_1: expected 4x4x8, found 4x4x4"),
        ("receptive_field: 3", "receptive_field: 5", "unit: receptive_field: expected 5, found 3"),
        ("depth: 1", "depht: 1", "there is nothing called 'depht' to expect"),
        ("macs: 27*width*H^2", "mac: 3", "there is nothing called 'mac' to expect"),
        ('{params: "<= 1k"', '{parms: "<= 1k"', "there is nothing called 'parms' to budget"),
    ],
)
def test_what_does_not_hold_is_told(old: str, new: str, told: str) -> None:
    assert old in NET
    assert [message for _, message, _ in failures(NET.replace(old, new))] == [told]


def test_variants_change_variables_and_merge_their_claims() -> None:
    family = (
        NET
        + """\
variants:
  net_wide: {vars: {width: 8}, expect: {params: 224, output: [8, 4, 4]}}
  net_wrong: {vars: {width: 8}, expect: {params: 225}}
"""
    )
    wide = claims(family, variant="net_wide")
    assert wide.failed == ()
    # The file's depth and memory speak of width 4; params and output are the variant's own.
    assert wide.suspended == 2 + 1
    assert [message for _, message, _ in failures(family, variant="net_wrong")] == ["params: expected 225, found 224"]


def test_several_outputs_have_a_claim_each() -> None:
    net = """\
input: [2, 8]
outputs: [a, b]
layers:
  - relu: {}
    name: a
  - max_pool: {kernel_size: 2}
    name: b
expect: {outputs: {a: [2, 8], b: [2, 5]}}
"""
    assert failures(net) == [("expectation", "output b: expected 2x5, found 2x4", 8)]
    assert "2 outputs" in failures(net.replace("outputs: {a: [2, 8], b: [2, 5]}", "output: [2, 4]"))[0][1]


SAMPLE = """\
input: [1, 3, 3]
layers: [conv: {out_channels: 1, kernel_size: 2, bias: false}]
weights: {conv_1.weight: [[[[1, 0], [0, 1/2]]]]}
sample: {input: [[1, 2, 3], [4, 5, 6], [7, 8, 9]], output: [[3, 5], [8, 9]]}
"""


def test_samples_fit_and_are_said_not_to_have_run() -> None:
    told = claims(SAMPLE)
    assert told.failed == ()
    assert "weights and sample: not run" in told.told()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("conv_1.weight", "conv_2.weight", "there is no parameter 'conv_2.weight'"),
        ("[[[[1, 0], [0, 1/2]]]]", "[[1, 0, 1]]", "conv_1.weight is 1x1x2x2, the array is 1x3"),
        ("output: [[3, 5], [8, 9]]", "output: [1, 2]", "output (conv_1) is 1x2x2, the array is 2"),
        ("output:", "at: {conv_9: [1]}, output:", "there is no 'conv_9' here"),
    ],
)
def test_samples_that_do_not_fit_are_told(old: str, new: str, told: str) -> None:
    assert old in SAMPLE
    assert [message for _, message, _ in failures(SAMPLE.replace(old, new))] == [told]


def test_samples_are_suspended_where_the_net_is_another_and_only_there() -> None:
    text = "vars: {H: 3}\n" + SAMPLE.replace("[1, 3, 3]", "[1, H, H]")
    assert claims(text).suspended == 0
    assert claims(text, {"H": 3}) == claims(text)
    other = claims(text, {"H": 4})
    assert (other.suspended, other.failed) == (1, ())
    assert [code for code, _, _ in failures(text.replace("[[3, 5], [8, 9]]", "[1, 2]"))] == ["sample"]


def test_claims_speak_of_a_batch_of_one_in_single_precision() -> None:
    graph = expand(read_spec(Source("net.yaml", NET)))
    alone = check_claims(analyze(graph))
    assert alone.failed == ()
    assert check_claims(analyze(graph, batch=8, dtype="float64")) == alone
