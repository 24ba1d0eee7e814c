"""Expectations with variables: proved for every value, refuted by the smallest, or undecided by name."""

from __future__ import annotations

import re
from typing import Any

import pytest

from convcalc.analysis import analyze
from convcalc.checks import Claims, check_claims
from convcalc.checks.proofs import prove
from convcalc.expand import expand
from convcalc.source import Source
from convcalc.spec import read_spec


def net(layers: str, variables: str = "H: 16, W: 12, width: 4", input_: str = "[3, H, W]") -> Any:
    return expand(read_spec(Source("net.yaml", f"vars: {{{variables}}}\ninput: {input_}\nlayers:\n{layers}")))


def claims(layers: str, *more: str) -> Claims:
    return check_claims(analyze(net(layers, *more)))


CONV = "  - conv: {out_channels: width, kernel_size: 3, stride: 2, padding: 1}\n    expect: {%s}\n"


@pytest.mark.parametrize(
    ("said", "variables"),
    [
        ("shape: [width, (H+1)//2, (W+1)//2]", ("H", "W", "width")),
        ("shape: [4, ceil(H/2), 6]", ("H",)),
        ("shape: [4, H - H//2, 6]", ("H",)),
        ("params: 28*width", ("width",)),
        ("macs: 27*width*ceil(H/2)*ceil(W/2)", ("H", "W", "width")),
        ("flops: 55*width*ceil(H/2)*ceil(W/2)", ("H", "W", "width")),
        ("adds: width*((H+1)//2)*(W - W//2)", ("H", "W", "width")),
    ],
)
def test_what_holds_always_is_proved(said: str, variables: tuple[str, ...]) -> None:
    told = claims(CONV % said)
    assert (told.hold, told.proved, told.failed, told.at_values) == (1, 1, (), ())
    assert told.variables == variables
    assert told.told() == [f"1 expectation holds; 1 proved for every {', '.join(variables)}"]


REFUTED = {
    "shape: [4, H//2, 6]": ("H = 1", "write ceil(H/2), or mend the layers"),
    "shape: [width, ceil(H/2), H - 10]": ("H = 1", "write 6, or mend the layers"),
    "params: 7*width^2": ("width = 1", "write 28*width, or mend the layers"),
    "macs: 27*width*(H//2)*ceil(W/2)": ("H = 1 and W = 1 and width = 1", "write 27*ceil(H/2)*ceil(W/2)*width"),
    '"macs": "27*width*ceil(H/2)*6 + 27*width*max(0, H - 16)"': ("H = 17 and width = 1", "write 162*ceil(H/2)*width"),
}


@pytest.mark.parametrize("said", REFUTED)
def test_what_holds_now_alone_is_refuted_by_the_smallest_values(said: str) -> None:
    told = claims(CONV % said)
    (failed,) = told.failed
    at, fix = REFUTED[said]
    assert (told.hold, told.proved) == (0, 0)
    assert failed.code == "expectation"
    assert f"holds at the present values, not at {at}: expected " in failed.message
    assert failed.fix.startswith(fix)
    assert failed.span is not None
    assert failed.span.line == 5


def test_a_claim_need_only_hold_where_the_net_is_valid() -> None:
    layers = """\
  - max_pool: {kernel_size: 4}
    name: down
  - upsample: {scale_factor: 4}
  - add:
    from: [upsample_1, input]
    expect: {shape: [3, H, W]}
  - relu:
    expect: {shape: [3, 4*(H//4), W - W % 4]}
"""
    told = claims(layers)
    assert (told.proved, told.failed) == (2, ())


def test_the_smallest_counterexample_is_valid() -> None:
    told = claims("  - conv: {out_channels: 4, kernel_size: 5}\n    expect: {shape: [4, 12, 2*(W//2) - 4]}\n")
    assert "not at W = 5: expected 0, found 1" in told.failed[0].message


def test_what_decides_the_layers_stays_as_it_is() -> None:
    layers = """\
  - relu:
    repeat: n
  - conv: {out_channels: width, kernel_size: 1}
    when: n > 1
    expect: {params: n*width*2, shape: [width, H, W]}
"""
    told = claims(layers, "H: 16, W: 12, width: 4, n: 2")
    assert (told.proved, told.variables, told.failed) == (2, ("H", "W", "width"), ())
    alone = claims("  - relu:\n    repeat: n\n    expect: {flops: 576*n}\n", "H: 16, W: 12, n: 2")
    assert alone.at_values == ("n must be known, for layers hang on it",)
    assert alone.told()[1] == "1 checked at these values only: n must be known, for layers hang on it"


def test_what_is_no_quasi_polynomial_is_undecided_by_name() -> None:
    said = '"shape": [4, "max(8, (H+1)//2) - max(0, 8 - (H+1)//2)", 6]'
    told = claims(CONV % said)
    assert (told.proved, told.failed) == (0, ())
    assert re.fullmatch(r"max\(.*\) is no quasi-polynomial: checked up to 4096", told.at_values[0])


def test_metrics_without_a_form_are_named() -> None:
    graph = net("  - conv: {out_channels: 4, kernel_size: 3}\n", "H: 16, W: 12")
    text = "vars: {H: 16}\ninput: [3, H, H]\nlayers:\n  - relu\nexpect: {activation_bytes: 12*H^2}\n"
    told = check_claims(analyze(expand(read_spec(Source("net.yaml", text)))))
    assert told.at_values == ("activation_bytes has no closed form",)
    assert not graph.claims


def test_receptive_fields_are_proved() -> None:
    layers = "  - conv: {out_channels: 4, kernel_size: k, stride: s}\n  - conv: {out_channels: 4, kernel_size: 3}\n"
    told = claims(layers + "    expect: {receptive_field: k + 2*s, stride: s}\n", "H: 32, W: 32, k: 3, s: 2")
    assert (told.proved, told.variables) == (2, ("k", "s"))


def test_a_planted_fault_in_a_rule_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    from convcalc.ops._window import Window

    graph = net(CONV % "shape: [width, (H+1)//2, (W+1)//2]")
    analyze(graph)
    right = Window.count
    # right at the declared sizes, wrong at others
    monkeypatch.setattr(Window, "count", lambda self, n: right(self, n) + (n - 16) * (n - 12) // 1000)
    (proof,) = prove(graph, graph.claims)
    assert not proof.proved
    assert proof.wrong is not None


WRONG = {
    "shape: [width, H//2 + 9, 6]": "[width, ceil(H/2), 6]",
    "params: 5*width": "params: 28*width",
    "macs: width*H": "macs: 162*ceil(H/2)*width",
    "flops: 3*W": "flops: 1760*ceil(W/2)",
    "receptive_field: width": "receptive_field: 3",
    "stride: [width, H]": "stride: [2, 2]",
    "params: 5": "params: 112",
}


@pytest.mark.parametrize("said", WRONG)
def test_what_is_wrong_now_is_mended_for_every_value(said: str) -> None:
    told = claims(CONV % said)
    (failed,) = told.failed
    assert failed.fix == f"write {WRONG[said]}, or mend the layers"
    mended = WRONG[said] if ":" in WRONG[said] else f"{said.partition(':')[0]}: {WRONG[said]}"
    told = claims(CONV % mended)
    assert (told.hold, told.failed) == (1, ())


def test_a_wrong_claim_without_a_form_is_mended_at_the_present_values() -> None:
    told = claims("  - adaptive_avg_pool: {output_size: 4}\n    expect: {receptive_field: [H, W]}\n")
    assert told.failed[0].fix == "write receptive_field: [4, 3], or mend the layers"
