"""The example that the format was designed with, completed to the whole net."""

from __future__ import annotations

import documents
import pytest

from convcalc import SpecError, load
from convcalc.checks import check_claims
from convcalc.checks.specs import check_spec

PATH = documents.ROOT / "tests" / "specs" / "design_example.yaml"


def test_it_passes_in_both_variants() -> None:
    assert check_spec(str(PATH)) == (str(PATH), (), 2, 0)


def test_its_figures_are_those_of_the_paper() -> None:
    analysis = load(PATH).analyze()
    assert analysis.totals.params == 25_557_032
    assert analysis.totals.macs == 4_089_184_256
    assert analysis.totals.receptive_field == (427, 427)
    assert analysis.outputs == {"linear_1": (1000,)}
    claims = check_claims(analysis)
    assert (claims.hold, claims.suspended) == (8, 0)


def test_its_variant() -> None:
    analysis = load(PATH, variant="design_example_width128").analyze()
    # params(w) = 5724 w^2 + 32977 w + 1000
    assert analysis.totals.params == 98_004_072 == 5724 * 128**2 + 32977 * 128 + 1000
    claims = check_claims(analysis)
    assert (claims.hold, claims.suspended, claims.failed) == (6, 2, ())  # macs and output are about width 64


def test_a_budget_holds_in_variants_too() -> None:
    text = PATH.read_text(encoding="utf-8").replace("<= 100M", "<= 26M")
    assert not check_claims(load(text).analyze()).failed
    (failed,) = check_claims(load(text, variant="design_example_width128").analyze()).failed
    assert failed.code == "budget"


@pytest.mark.parametrize(("size", "params"), [(225, 25_557_032), (1, 25_557_032)])
def test_claims_with_variables_hold_at_other_sizes(size: int, params: int) -> None:
    analysis = load(PATH).analyze(H=size, W=size)
    assert analysis.totals.params == params
    assert check_claims(analysis).failed == ()


def test_a_wrong_claim_is_noticed() -> None:
    text = PATH.read_text(encoding="utf-8").replace("147*width", "148*width")
    (failed,) = check_claims(load(text).analyze(width=32)).failed
    assert (failed.code, failed.span and failed.span.line) == ("expectation", 30)


def test_without_a_projection_the_shapes_disagree() -> None:
    text = PATH.read_text(encoding="utf-8").replace("stride != 1", "0")
    with pytest.raises(SpecError, match="add_1"):
        load(text).analyze()
