"""The normal form of dims: its identities, and that every way to write a form says what it is."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import pytest

from convcalc.dims import Demand, ceil_div
from convcalc.expressions import MAX_LENGTH, parse
from convcalc.symbolic.deciding import equal_where, is_zero, never_negative
from convcalc.symbolic.forms import Form, factors, symbol, whole
from convcalc.symbolic.writing import latex, python, sympy, text

H, W, w, s, k = map(symbol, ("H", "W", "w", "s", "k"))


def chain(n: Any, *windows: tuple[int, int, int]) -> Any:
    for kernel, stride, padding in windows:
        n = (n + 2 * padding - kernel) // stride + 1
    return n


# What a form is written as, in the shortest way.
READINGS = {
    "ceil(H/32)": chain(H, (7, 2, 3), (3, 2, 1), (3, 2, 1), (3, 2, 1), (3, 2, 1)),
    "floor((H - 31)/32)": chain(H, (11, 4, 2), (3, 2, 0), (3, 2, 0), (3, 2, 0)),
    "16*floor((H + 4)/16) - 188": 16 * ((H + 4) // 16) - 188,
    "5724*w^2 + 32977*w + 1000": 5724 * w * w + 32977 * w + 1000,
    "H % 16": H % 16,
    "3 - 2*(H % 16)": 3 - H % 16 * 2,
    "ceil(H/2)": H - H // 2,
    "floor((H + 3)/s)": (H + 3) // s,
    "H + floor(3/s)": (s * H + 3) // s,
    "7*ceil(H/2)*ceil(W/2)": 7 * ((H + 1) // 2) * ((W + 1) // 2),
    "3*(W - 2)*(floor(H/2) + 1)": whole(H // 2 + 1) * whole(W - 2) * 3,
    "max(H, 3)": H.apply("max", H, 3),
    "make_divisible(H, 8)": H.apply("make_divisible", H, 1, 8),
    "(H > W)": H.apply(">", H, W),
    "W^2*w": W * w * W,
    "-H": -H,
}  # fmt: skip


@pytest.mark.parametrize("written", READINGS)
def test_the_shortest_reading(written: str) -> None:
    assert text(READINGS[written]) == written


# Dims that are equal whatever the symbols are, and that the normal form makes one.
SAME = [
    ((H + 1) // 2, ceil_div(H, 2)),
    (((H // 2) // 3 + 5) // 7, (H + 30) // 42),
    (((H + 1) // 2 + 1) // 2, ceil_div(H, 4)),
    ((H // s) // s, H // (s * s)),
    ((6 * w) // w, 6),
    (w % w, 0),
    ((4 * H + 7) // 2, 2 * H + 3),
    ((H - 5) // -3, (5 - H) // 3),
    (H.apply("max", H, 1), H),
    (k.apply("min", -k, 0), -k),
    (H.apply(">=", H, 1), 1),
    (H.apply("!=", H + 1, H), 1),
    (H - H, 0),
]


@pytest.mark.parametrize("place", range(len(SAME)))
def test_equal_forms_that_are_one(place: int) -> None:
    one, other = SAME[place]
    assert one == other
    assert hash(one) == hash(other)


# Identities that the normal form alone does not see; SymPy denies the first.
IDENTITIES = [
    (-(-H // 2), (H + 1) // 2),
    (H // 2 + (H + 1) // 2, H),
    (H // 3 + (H + 1) // 3 + (H + 2) // 3, H),
    ((H % 6) % 3, H % 3),
    ((H * H) % 4, H % 2),
    ((H * (H + 1)) % 2, 0),
    (((H + 1) // 2) * ((W + 1) // 2) * 4, (H + H % 2) * (W + W % 2)),
]
FALSE = [(-(-H // 2), H // 2), (H // 3 + (H + 1) // 3, H // 2), ((H * H) % 3, H % 3), (H * W, H * W + (H * W) % 2)]


def test_sympy_denies_an_identity_that_is_one() -> None:
    sp = pytest.importorskip("sympy")
    n = sp.Symbol("n", integer=True)
    assert ((n + 1) // 2 - sp.ceiling(n / 2)).equals(0) is False
    assert is_zero((H + 1) // 2 - -(-H // 2)) is True


@pytest.mark.parametrize("place", range(len(IDENTITIES)))
def test_identities_are_decided(place: int) -> None:
    one, other = IDENTITIES[place]
    assert is_zero(one - other) is True
    assert equal_where([(one, other)], (), {}, {"H": 1, "W": 1}).proved


@pytest.mark.parametrize("place", range(len(FALSE)))
def test_what_is_not_equal_is_refuted_by_the_smallest_values(place: int) -> None:
    one, other = FALSE[place]
    assert is_zero(one - other) is False
    found = equal_where([(one, other)], (), {}, {"H": 1, "W": 1}).counterexample
    assert found is not None
    names = sorted(found)
    grid = (dict(zip(names, point, strict=True)) for point in product(range(1, 40), repeat=len(names)))
    differ = [point for point in grid if one.evaluate(point) != value_at(other, point)]
    assert sum(found.values()) == min(sum(point.values()) for point in differ)
    assert found in differ


def test_a_condition_narrows_what_must_agree() -> None:
    even = Demand(H % 2, "==", 0, "", "")
    claim = [(2 * (H // 2), H)]
    assert equal_where(claim, (even,), {}, {"H": 1}).proved
    assert equal_where(claim, (), {}, {"H": 1}).counterexample == {"H": 1}
    large = Demand(H, ">=", 100, "", "")
    assert equal_where(claim, (large,), {}, {"H": 1}).counterexample == {"H": 101}
    assert equal_where([(H.apply("max", H, 9), H)], (large,), {}, {"H": 1}).why.startswith("max(H, 9) is no")


def test_signs_are_decided_from_the_least_values() -> None:
    assert never_negative(k - 1 - k // 2)
    assert never_negative(H * W - 1)
    assert not never_negative(H - 2)
    assert not never_negative(5 - H)
    assert not never_negative(symbol("p", None))
    assert never_negative(H // 3 + 2 - (H + 1) // 4)


def test_products_of_sums_are_found_again() -> None:
    told = 6 * (H // 2 - 3) * (2 * W - 4)
    assert factors(told) == [12, H // 2 - 3, W - 2]
    assert factors(told + 1) == [told + 1]
    assert whole(told).multiplied_out() == told


# Random forms against the same arithmetic on ints.


def value_at(dim: Any, values: dict[str, int]) -> int:
    return dim.evaluate(values) if isinstance(dim, Form) else dim


class Grown:
    """A random expression: the form, and a function of values that computes it on ints."""

    def __init__(self, random_: random.Random, depth: int) -> None:
        self.random = random_
        self.form, self.value = self.grow(depth)

    def grow(self, depth: int) -> tuple[Any, Any]:
        pick = self.random.choice
        if depth == 0 or self.random.random() < 0.1:
            if self.random.random() < 0.25:
                number = self.random.randrange(-9, 40)
                return number, lambda values: number
            name = pick("HW")
            return {"H": H, "W": W}[name], lambda values: values[name]
        operator = pick(["+", "-", "*", "//", "//", "%", "min", "max"])
        left, of_left = self.grow(depth - 1)
        if operator in ("//", "%"):
            number = pick([2, 2, 3, 4, 5, 8])
            right, of_right = number, lambda values: number
        elif operator == "*":
            number = self.random.randrange(-3, 6)
            right, of_right = (number, lambda values: number) if depth > 2 else self.grow(0)
        else:
            right, of_right = self.grow(depth - 1)
        does = {
            "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
            "//": lambda a, b: a // b, "%": lambda a, b: a % b, "min": min, "max": max,
        }[operator]  # fmt: skip
        if operator in ("min", "max") and (isinstance(left, Form) or isinstance(right, Form)):
            form = H.apply(operator, left, right)
        else:
            form = does(left, right)
        return form, lambda values: does(of_left(values), of_right(values))


POINTS = [{"H": a, "W": b} for a, b in product((1, 2, 3, 5, 8, 31, 224), (1, 4, 7, 33))]


@pytest.mark.parametrize("seed", range(400))
def test_a_form_is_what_it_is_made_of(seed: int) -> None:
    grown = Grown(random.Random(seed), 4)
    if not isinstance(grown.form, Form):
        assert all(grown.value(point) == grown.form for point in POINTS)
        return
    told = text(grown.form)
    code = eval(f"lambda H, W: {python(grown.form)}", {})  # the text is ours
    for point in POINTS:
        expected = grown.value(point)
        assert grown.form.evaluate(point) == expected
        assert code(**point) == expected
        if len(told) <= MAX_LENGTH:
            assert parse(told).evaluate(point) == expected
    assert latex(grown.form).count("{") == latex(grown.form).count("}")


@pytest.mark.parametrize("seed", range(0, 400, 20))
def test_sympy_has_the_same_values(seed: int) -> None:
    pytest.importorskip("sympy")
    grown = Grown(random.Random(seed), 3)
    expression = sympy(grown.form)
    symbols = {one.name: one for one in expression.free_symbols}
    assert all(one.is_integer for one in symbols.values())
    for point in POINTS[::3]:
        assert expression.subs({symbols[name]: point[name] for name in symbols}) == grown.value(point)


@pytest.mark.parametrize("seed", range(100))
def test_deciding_agrees_with_trying(seed: int) -> None:
    choose = random.Random(seed)
    parts = [(H + choose.randrange(6)) // choose.choice([1, 2, 3, 4]) * choose.choice([-1, 1]) for _ in range(3)]
    form = parts[0] + parts[1] + parts[2]
    if not isinstance(form, Form):
        return
    values = [form.evaluate({"H": n}) for n in range(1, 200)]
    assert is_zero(form) == (set(values) == {0})
    if never_negative(form):
        assert min(values) >= 0
    if min(values) < 0:
        assert not never_negative(form)
