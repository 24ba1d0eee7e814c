"""Periodic dims and sets of sizes, held against integers one by one."""

from __future__ import annotations

import operator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.dims import Free, least
from convcalc.symbolic import periodic as periodic_module
from convcalc.symbolic import sizes as sizes_module
from convcalc.symbolic.periodic import Periodic, Product, Unknown, size
from convcalc.symbolic.sizes import EVERY, NONE, Sizes, TooWide, of, where

UPTO = 400
H = size("H")
OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "//": operator.floordiv, "%": operator.mod}


def at(dim: Any, n: int) -> int:
    return dim.at(n) if isinstance(dim, Periodic) else dim


@st.composite
def dims(draw: st.DrawFn) -> tuple[Any, list[int]]:
    """A dim of H and its values from 0 on, both made by the same steps."""
    dim, plain = H, list(range(UPTO))
    for _ in range(draw(st.integers(0, 5))):
        sign = draw(st.sampled_from(list(OPERATORS)))
        number = draw(st.integers(1, 5) if sign in ("//", "%") else st.integers(-6, 6))
        dim, plain = OPERATORS[sign](dim, number), [OPERATORS[sign](n, number) for n in plain]
    return dim, plain


@given(dims(), dims(), st.sampled_from(["+", "-"]))
def test_dims_are_their_values(one: Any, other: Any, sign: str) -> None:
    for dim, plain in (one, other):
        assert [at(dim, n) for n in range(UPTO)] == plain
    joined = OPERATORS[sign](one[0], other[0])
    assert [at(joined, n) for n in range(UPTO)] == list(map(OPERATORS[sign], one[1], other[1]))


@given(dims(), dims())
def test_equal_dims_are_equal_however_they_were_made(one: Any, other: Any) -> None:
    # both repeat themselves long before the last of their values
    assert (one[0] == other[0]) == (one[1] == other[1])
    assert one[0] - other[0] + other[0] == one[0]


@given(dims(), dims(), st.sampled_from(["min", "max", "==", "!=", "<", "<=", ">", ">="]))
def test_what_is_more_than_arithmetic(one: Any, other: Any, function: str) -> None:
    if not isinstance(one[0], Free):
        return
    functions = {
        "min": min, "max": max, "==": operator.eq, "!=": operator.ne,
        "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    }  # fmt: skip
    found = one[0].apply(function, one[0], other[0])
    if isinstance(found, Unknown):
        assert function in ("min", "max")
    else:
        assert [at(found, n) for n in range(UPTO)] == list(map(functions[function], one[1], other[1]))
    if isinstance(found, Periodic) and function in (">=", "=="):
        assert found.apply("not", found) == 1 - found


def test_a_minimum_settles() -> None:
    assert [at(least(H, 5), n) for n in range(8)] == [0, 1, 2, 3, 4, 5, 5, 5]
    assert least(H // 2, H) == H // 2
    assert isinstance(least(H % 2 * H, 5), Unknown)


def test_floors_collapse() -> None:
    assert (H // 2 + 3) // 4 == (H + 6) // 8
    assert (H + 1) // 2 == -(-H // 2)
    assert H - H == 0
    assert H // 2 * 2 + H % 2 == H


@pytest.mark.parametrize(
    ("dim", "why"),
    [
        (H + size("W"), "a sum of H and W"),
        (H * H + 1, "a sum with a product of H and H"),
        (H * size("W") // 3, "a product of H and W in one floor"),
        (H * size("W") % 3, "a product of H and W in one remainder"),
        (H // size("W"), "a size that hangs on W divides"),
        (7 % H, "a size that hangs on H divides"),
        (H // 16384 // 2, "what hangs on H repeats after 32,768 positions only"),
        ((H + size("W")) * 2 // 3 + H, "a sum of H and W"),
        (H * (H + size("W")), "a sum of H and W"),
    ],
)
def test_what_cannot_be_decided_says_why(dim: Any, why: str) -> None:
    assert isinstance(dim, Unknown)
    assert dim.why == why


def test_products_stay_in_factors() -> None:
    w = size("W")
    assert H * w * 6 // 3 == w * 2 * H
    assert 512 * (H // 32) * (w // 32) - 512 * (w // 32) * (H // 32) == 0
    assert H * w * 6 % 3 == 0
    assert isinstance(H * w, Product)
    squared = H * (H + 1) % 4
    assert [at(squared, n) for n in range(20)] == [n * (n + 1) % 4 for n in range(20)]


@given(dims(), st.sampled_from([">=", "<=", "=="]))
def test_where_a_relation_holds(pair: Any, relation: str) -> None:
    dim, plain = pair
    holds = {">=": operator.ge, "<=": operator.le, "==": operator.eq}[relation]
    found = where(dim, relation)
    assert [n in found for n in range(UPTO)] == [n > 0 and holds(value, 0) for n, value in enumerate(plain)]


@st.composite
def some(draw: st.DrawFn) -> tuple[Sizes, set[int]]:
    start, period = draw(st.integers(0, 12)), draw(st.integers(1, 12))
    early = draw(st.integers(0, 4095)) & (1 << start) - 1
    cycle = draw(st.integers(0, 4095)) & (1 << period) - 1
    members = {n for n in range(1, UPTO) if (early >> n & 1 if n < start else cycle >> n % period & 1)}
    return sizes_module.sizes(start, period, early, cycle), members


@given(some(), some())
def test_sets_are_their_members(one: tuple[Sizes, set[int]], other: tuple[Sizes, set[int]]) -> None:
    for found, members in (one, other):
        assert {n for n in range(UPTO) if n in found} == members
        assert bool(found) == bool(members)
        assert found.is_finite == (not members or max(members) < 30)
        for n in range(60):
            assert found.below(n) == max((m for m in members if m <= n), default=None)
            assert found.above(n) == min((m for m in members if m >= n), default=None)
    (a, mine), (b, theirs) = one, other
    assert {n for n in range(UPTO) if n in a & b} == mine & theirs
    assert {n for n in range(UPTO) if n in a | b} == mine | theirs
    assert (a <= b) == (mine <= theirs)
    assert (a == b) == (mine == theirs)
    assert a != b or hash(a) == hash(b)


def test_members_come_in_order() -> None:
    assert list(of([9, 4, 7])) == [4, 7, 9]
    assert of([]) == NONE
    assert [n for n, _ in zip(where(H % 5, "==") & where(H - 12, ">="), range(3), strict=False)] == [15, 20, 25]
    assert where(H - 1, ">=") == EVERY


def test_sets_that_begin_too_late_are_refused() -> None:
    with pytest.raises(TooWide):
        where(H - sizes_module.MOST - 1, ">=")
    assert where(H - 1_000_000, ">=").above(1) == 1_000_000


@pytest.mark.parametrize("plant", ["increment", "period"])
def test_a_planted_fault_is_seen(plant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dim whose increment or period is wrong is seen by the comparison with integers."""
    right = periodic_module.periodic

    def wrong(symbol: str, period: int, increment: int, values: list[int]) -> Any:
        if plant == "increment":
            return right(symbol, period, increment + 1, values)
        return right(symbol, max(period - 1, 1), increment, values[: len(values) - (period > 1)])

    monkeypatch.setattr(periodic_module, "periodic", wrong)
    with pytest.raises(AssertionError):
        test_dims_are_their_values.hypothesis.inner_test(
            (H // 3, [n // 3 for n in range(UPTO)]), (H, list(range(UPTO))), "+"
        )
