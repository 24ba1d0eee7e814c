"""The expression grammar against Python's, its limits and its messages."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.diagnostics import Problem
from convcalc.expressions import (
    FUNCTIONS,
    LIMIT,
    MAX_DEPTH,
    MAX_LENGTH,
    RESERVED,
    evaluate,
    is_name,
    make_divisible,
    parse,
)

SCOPE = {"H": 224, "W": 7, "a": 3, "b": -4, "zero": 0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7), ("1_000", 1000), ("007", 7), ("H", 224), (" H ", 224), ("-a", -3), ("--a", 3), ("+-+a", -3),
        ("a - -b", -1),
        ("1+2*3", 7), ("(1+2)*3", 9), ("2-3-4", -5), ("100//7//2", 7), ("100%7*2", 4), ("7//-2", -4), ("-7//2", -4),
        ("-7%3", 2), ("-2^2", -4), ("(-2)^2", 4), ("2*a^2", 18), ("a^0", 1), ("2^9", 512), ("2*-a", -6),
        ("a < 4", 1), ("a < 3", 0), ("a <= 3", 1), ("a > b", 1), ("a >= 4", 0), ("a == 3", 1), ("a != 3", 0),
        ("a+1 == 2*2", 1),
        ("a == 3 and b == 3", 0), ("a == 3 or b == 3", 1), ("not a", 0), ("not not a", 1), ("not a == 4", 1),
        ("a and b", 1),
        ("0 or zero", 0), ("not 1 or 1", 1), ("1 or 1 and 0", 1), ("(1 or 1) and 0", 0), ("zero == 0 or 1//zero", 1),
        ("zero and 1//zero", 0), ("2*(a > 2)", 2), ("min(a, b, 1)", -4), ("max(a, min(H, 5))", 5),
        ("ceil(a/2)", 2), ("floor(a/2)", 1), ("ceil(-a/2)", -1), ("floor(-a/2)", -2), ("ceil(a)", 3), ("floor(a)", 3),
        ("ceil((H+1)/(2*a))", 38), ("ceil(H*a/5)", 135), ("ceil(a/-2)", -1), ("ceil(H//2/5)", 23),
        ("make_divisible(32*35/100, 8)", 16), ("make_divisible(33, 8)", 32), ("make_divisible(a, 8)", 8),
        ("H\n  // 2", 112), ("a if", None),
    ],
)  # fmt: skip
def test_what_an_expression_is_worth(text: str, value: int | None) -> None:
    if value is None:
        with pytest.raises(Problem):
            parse(text)
        return
    assert evaluate(text, SCOPE) == value
    assert type(evaluate(text, SCOPE)) is int


# (our text, Python's text) of the same expression
def joined(operators: list[str]) -> Any:
    return lambda inner: st.tuples(inner, st.sampled_from(operators), inner).map(
        lambda parts: tuple(f"({parts[0][side]}) {parts[1]} ({parts[2][side]})" for side in (0, 1))
    )


leaves = st.integers(0, 50).map(lambda n: (str(n), str(n))) | st.sampled_from(["a", "b", "W"]).map(lambda n: (n, n))
trees = st.recursive(
    leaves,
    lambda inner: (
        joined(["+", "-", "*", "//", "%", "<", "<=", "==", "!=", ">", ">="])(inner)
        | joined(["and", "or"])(inner).map(lambda pair: (pair[0], f"int(bool({pair[1]}))"))
        | inner.map(lambda pair: (f"-({pair[0]})", f"-({pair[1]})"))
        | inner.map(lambda pair: (f"not ({pair[0]})", f"int(not ({pair[1]}))"))
        | st.tuples(inner, st.integers(0, 4)).map(lambda p: (f"({p[0][0]})^{p[1]}", f"({p[0][1]})**{p[1]}"))
        | st.tuples(inner, inner).map(lambda p: (f"max({p[0][0]}, {p[1][0]})", f"max({p[0][1]}, {p[1][1]})"))
        | st.tuples(inner, inner).map(lambda p: (f"floor(({p[0][0]})/({p[1][0]}))", f"(({p[0][1]})//({p[1][1]}))"))
    ),
    max_leaves=8,
)


@given(trees)
def test_python_agrees(tree: tuple[str, str]) -> None:
    ours, python = tree
    if len(ours) > MAX_LENGTH:
        return
    try:
        expected = eval(python, {}, dict(SCOPE))
    except ZeroDivisionError:
        with pytest.raises(Problem, match="division by zero"):
            evaluate(ours, SCOPE)
        return
    try:
        assert evaluate(ours, SCOPE) == expected
    except Problem as problem:
        assert problem.code == "too-large"


@given(
    st.lists(st.sampled_from(["a", "b", "2", "13"]), min_size=2, max_size=8),
    st.lists(st.sampled_from(["+", "-", "*", "//", "%", " and ", " or ", "+-", "-(1)*"]), min_size=7, max_size=7),
)
def test_precedence_is_pythons(values: list[str], operators: list[str]) -> None:
    text = values[0] + "".join(operator + value for operator, value in zip(operators, values[1:], strict=False))
    try:
        expected = eval(text, {}, dict(SCOPE))
    except ZeroDivisionError:
        return
    if " and " in text or " or " in text:
        expected = bool(expected)
    assert evaluate(text, SCOPE) == expected


@given(st.text(alphabet="aHW0123456789_+-*/%^()<>=!,. \tandornotminmaxceilfloor", max_size=60))
def test_nothing_but_a_problem_is_ever_raised(text: str) -> None:
    try:
        assert isinstance(evaluate(text, SCOPE), int)
    except Problem as problem:
        assert problem.message and "\n" not in problem.message


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("", "an expression is empty", "write a number or a name"),
        ("  ", "an expression is empty", "write a number or a name"),
        ("2*", "in '2*': a value is missing at the end", "write a number or a name"),
        ("*2", "in '*2': '*' stands where a value belongs", "write a number, a name or a parenthesis"),
        ("H/2", "in 'H/2': '/' would leave the integers", "use a//b, ceil(a/b) or floor(a/b)"),
        ("(H/2)", "in '(H/2)': '/' would leave the integers", "use a//b, ceil(a/b) or floor(a/b)"),
        ("max(H/2, 1)", "in 'max(H/2, 1)': '/' would leave the integers", "use a//b, ceil(a/b) or floor(a/b)"),
        ("w**2", "in 'w**2': '**' is not an operator here", "write a power as ^ with a small literal exponent: w^2"),
        ("9**9**9", "in '9**9**9': '**' is not an operator here",
        "write a power as ^ with a small literal exponent: w^2"),
        ("9^9^9", "in '9^9^9': powers do not chain", "multiply the exponents"),
        ("2^H", "in '2^H': an exponent is a literal from 0 to 9", "write the product out"),
        ("2^10", "in '2^10': an exponent is a literal from 0 to 9", "write the product out"),
        ("2^-1", "in '2^-1': an exponent is a literal from 0 to 9", "write the product out"),
        ("2^", "in '2^': an exponent is a literal from 0 to 9", "write the product out"),
        ("1 < 2 < 3", "in '1 < 2 < 3': comparisons do not chain", "join two comparisons with 'and'"),
        ("(1 < 2 < 3)", "in '(1 < 2 < 3)': comparisons do not chain", "join two comparisons with 'and'"),
        ("2 H", "in '2 H': 'H' is not expected here", "an operator may be missing before it"),
        ("2H", "in '2H': 'H' is not expected here", "an operator may be missing before it"),
        ("2(3)", "in '2(3)': '(' is not expected here", "an operator may be missing before it"),
        ("(1+2", "in '(1+2': ')' is missing at the end",
         "close the parenthesis; inside [ ] quote an expression that has a comma"),
        ("(1 2)", "in '(1 2)': ')' is missing before '2'", "write it there"),
        ("1+2)", "in '1+2)': ')' is not expected here", "an operator may be missing before it"),
        ("a = 2", "in 'a = 2': '=' has no meaning in an expression", "write == to compare"),
        ("a && b", "in 'a && b': '&' has no meaning in an expression", "write 'and'"),
        ("a ? 1 : 2", "in 'a ? 1 : 2': '?' has no meaning in an expression", "multiply by the condition: it is 1 or 0"),
        ("a.b", "in 'a.b': '.' has no meaning in an expression", "use + - * // % ^ and comparisons"),
        ("1__0", "in '1__0': '__0' is not expected here", "an operator may be missing before it"),
        ("1_", "in '1_': '_' is not expected here", "an operator may be missing before it"),
        ("1.5*H", "in '1.5*H': 1.5 is not an integer", "variables are integers: use hundredths, as in 140*width//100"),
        ("flor(2)", "in 'flor(2)': there is no function 'flor'", "did you mean 'floor'?"),
        ("__import__(1)", "in '__import__(1)': there is no function '__import__'",
         "one of ceil, floor, make_divisible, max, min"),
        ("min", "in 'min': 'min' is a function", "write min(...)"),
        ("min(1)", "in 'min(1)': min takes two values or more", "write min(a, b)"),
        ("and", "in 'and': 'and' stands where a value belongs", "write a number, a name or a parenthesis"),
        ("ceil(1/2*3)", "in 'ceil(1/2*3)': '/' comes last inside ceil( )",
         "write ceil((...)/(...)) with parentheses around both parts"),
        ("make_divisible(1)", "in 'make_divisible(1)': ',' is missing before ')'", "write it there"),
        ("a\n+ + ", "in 'a + +': a value is missing at the end", "write a number or a name"),
        ("é", "in 'é': 'é' has no meaning in an expression", "use + - * // % ^ and comparisons"),
    ],
)  # fmt: skip
def test_messages(text: str, message: str, fix: str) -> None:
    with pytest.raises(Problem) as caught:
        parse(text)
    assert (caught.value.code, caught.value.message, caught.value.fix) == ("expression", message, fix)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("x + 1", "unknown-name", "there is no variable 'x' here"),
        ("1//zero", "expression", "division by zero"),
        ("1%zero", "expression", "division by zero"),
        ("ceil(1/zero)", "expression", "division by zero"),
        ("floor(1/zero)", "expression", "division by zero"),
        ("make_divisible(1/zero, 8)", "expression", "make_divisible divides by positive numbers only"),
        ("make_divisible(1, b)", "expression", "make_divisible divides by positive numbers only"),
        ("9^9*9^9*9^9", "too-large", "the value does not fit in 63 bits"),
        ("(H*H*H)^9", "too-large", "the value does not fit in 63 bits"),
        ("-9223372036854775807 - 1", "too-large", "the value does not fit in 63 bits"),
    ],
)
def test_what_only_shows_when_evaluated(text: str, code: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        evaluate(text, SCOPE)
    assert (caught.value.code, caught.value.message) == (code, message)


def test_an_unknown_name_is_answered_with_a_near_one() -> None:
    with pytest.raises(Problem) as caught:
        evaluate("widht", {"width": 1, "H": 1})
    assert caught.value.fix == "did you mean 'width'?"


def test_limits() -> None:
    assert evaluate("1" + "+1" * 99, {}) == 100
    assert len("1" + "+1" * 99 + " ") == MAX_LENGTH
    with pytest.raises(Problem, match="longer than 200 characters"):
        parse("1" + "+1" * 100)
    assert evaluate("(" * (MAX_DEPTH - 1) + "1" + ")" * (MAX_DEPTH - 1), {}) == 1
    with pytest.raises(Problem, match="nested deeper than 40"):
        parse("(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH)
    assert evaluate(str(LIMIT - 1), {}) == LIMIT - 1
    with pytest.raises(Problem, match="63 bits"):
        parse(str(LIMIT))
    assert evaluate("-" * 199 + "1", {}) == -1
    assert evaluate("not " * 49 + "0", {}) == 1
    assert evaluate("ceil(" * 33 + "1" + ")" * 33, {}) == 1


def test_the_names_of_an_expression_are_known_without_evaluating_it() -> None:
    assert parse("a + max(b, 2*c) // c").names == {"a", "b", "c"}
    assert parse("1 + 2").names == frozenset()


def test_what_may_be_a_name() -> None:
    assert all(is_name(name) for name in ("H", "_x", "width2", "same"))
    assert not any(is_name(name) for name in ("", "2x", "a-b", "a.b", "é", "a ", *RESERVED))
    assert set(FUNCTIONS) < RESERVED


def test_a_name_may_stand_for_anything_with_operators() -> None:
    assert evaluate("(H + 1) // 2 * w", {"H": Fraction(7), "w": Fraction(1, 2)}) == 2


def reference(value: Fraction, divisor: int) -> int:
    """The published code, in exact numbers: ``v`` and ``0.9 * v`` are floats there."""
    rounded = max(divisor, int(value + Fraction(divisor, 2)) // divisor * divisor)
    if rounded < Fraction(9, 10) * value:
        rounded += divisor
    return rounded


def test_make_divisible_is_that_of_mobilenet() -> None:
    for divisor in (1, 2, 3, 4, 8, 16):
        for hundredths in (10, 25, 35, 50, 75, 100, 130, 140, 175, 333):
            for channels in range(400):
                expected = reference(Fraction(channels * hundredths, 100), divisor)
                assert make_divisible(channels * hundredths, 100, divisor) == expected
    assert evaluate("make_divisible(24*75/100, 8)", {}) == make_divisible(24 * 75, 100, 8) == 24


def test_make_divisible_never_loses_a_tenth() -> None:
    for channels in range(1, 2000):
        assert 10 * make_divisible(channels, 1, 8) >= 9 * channels
