"""YAML text to plain values and places; our own scalar rule; hostile texts."""

from __future__ import annotations

import math
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from convcalc.diagnostics import Diagnostic, Problem, SpecError
from convcalc.source import Source, Span
from convcalc.spec.document import MAX_DEPTH, load
from convcalc.spec.findings import MOST, Findings
from convcalc.spec.model import Marks
from convcalc.spec.scalars import scalar


def loaded(text: str) -> tuple[Any, Marks]:
    found = Findings(Source("net.yaml", text), Marks())
    values = load(found.source, found)
    found.stop()
    return values, found.marks


def findings(text: str) -> tuple[Diagnostic, ...]:
    start = time.process_time()
    with pytest.raises(SpecError) as caught:
        loaded(text)
    assert time.process_time() - start < 1
    return caught.value.diagnostics


def finding(text: str) -> Diagnostic:
    (only,) = findings(text)
    assert len(only.message) < 200 and len(only.fix) < 1200
    return only


# The scalar rule


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("010", 10), ("0", 0), ("-0", 0), ("+7", 7), ("-7", -7), ("1_000", 1000), ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775807", 1 - 2**63), ("000000000000000000000000000001", 1),
        ("1.5", 1.5), ("1e3", 1000.0), ("1E-3", 0.001), (".5", 0.5), ("5.", 5.0), ("-1_0.5", -10.5),
        ("true", True), ("false", False), ("null", None), ("~", None), ("", None),
    ],
)  # fmt: skip
def test_what_a_plain_scalar_means(written: str, value: object) -> None:
    assert scalar(written) == value
    assert type(scalar(written)) is type(value)


@pytest.mark.parametrize(
    "written",
    [
        "NO", "no", "yes", "on", "off", "True", "TRUE", "Null", "3:28", "0o10", "0x1f", "1e", "1__0", "_1", "1_",
        "2024-01-31",
        "-1/2", "4*width", "inf", ".inf", "nan", ".nan", "-", "+", ".", "1.2.3", "١", "²", "7x7", "1 000", "=",
        "e5", "--1",
    ],
)  # fmt: skip
def test_what_remains_text(written: str) -> None:
    assert scalar(written) == written


@pytest.mark.parametrize("written", ["9223372036854775808", "-9223372036854775808", "9" * 10**6, "1e999", "-1e999"])
def test_numbers_that_fit_nowhere_are_refused(written: str) -> None:
    with pytest.raises(Problem) as caught:
        scalar(written)
    assert caught.value.code == "too-large"


@given(st.integers(1 - 2**63, 2**63 - 1))
def test_every_integer_reads_as_itself(number: int) -> None:
    assert scalar(str(number)) == number
    assert scalar(f"{number:_}") == number
    assert scalar(f"{number:025d}") == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_reads_as_itself(number: float) -> None:
    value = scalar(repr(number))
    assert isinstance(value, float) and math.copysign(1, value) == math.copysign(1, number) and value == number


@given(st.text())
def test_text_without_digits_remains_text(written: str) -> None:
    if any(character in "0123456789" for character in written) or written in ("", "~", "true", "false", "null"):
        return
    assert scalar(written) == written


@given(st.text(alphabet="0123456789_+-.eE", max_size=12))
def test_a_number_is_what_python_takes_for_a_decimal_number(written: str) -> None:
    try:
        value = scalar(written)
    except Problem:
        assert math.isinf(float(written))
        return
    try:
        expected: object = int(written, 10)
    except ValueError:
        try:
            expected = float(written)
        except ValueError:
            expected = written or None
    if "_" in written and not isinstance(value, int):
        return  # Python also allows underscores within an exponent
    assert value == expected


def test_quoted_scalars_are_text() -> None:
    assert loaded("""{a: "1", b: 'true', c: "", d: "~"}""")[0] == {"a": "1", "b": "true", "c": "", "d": "~"}


# Values and places


def test_the_structure_is_that_of_yaml() -> None:
    text = """\
a: [1, [2.5, x], {}, []]
b:
  - c
  - d: null
    e:
  - - f: {g: true}
    - ~
  - []
h: >
  folded
  text
i: "quoted
  text"
j: [max(a), b]
"""
    # YAML's own composer agrees where YAML 1.1 has no surprises.
    assert loaded(text)[0] == yaml.safe_load(text)


# YAML 1.1 takes "08" for text, since it is no octal number; so it is written without quotes.
texts = st.text("abcXYZ (),:-#'\"0123456789é", max_size=12).filter(lambda text: isinstance(scalar(text), str | None))
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(plain_values, st.booleans())
def test_what_yaml_writes_is_read_back(value: object, flow: bool) -> None:
    text = yaml.safe_dump([value], default_flow_style=flow, allow_unicode=True)
    try:
        assert loaded(text)[0] == [value]
    except SpecError as error:
        # A list of "(" and ")" looks like an expression that a comma split.
        assert flow and {finding.code for finding in error.diagnostics} == {"split-by-comma"}


def test_every_key_and_value_keeps_its_place() -> None:
    _, marks = loaded('name: a net\nlayers:\n  - conv: {out: 64, size: [3, "5"]}\n    when: x > 3\n  - relu\nend:\n')
    assert marks.keys == {
        ("name",): Span(1, 1, 4),
        ("layers",): Span(2, 1, 6),
        ("layers", 0, "conv"): Span(3, 5, 4),
        ("layers", 0, "conv", "out"): Span(3, 12, 3),
        ("layers", 0, "conv", "size"): Span(3, 21, 4),
        ("layers", 0, "when"): Span(4, 5, 4),
        ("end",): Span(6, 1, 3),
    }
    assert marks.values == {
        (): Span(1, 1, 1),
        ("name",): Span(1, 7, 5),
        ("layers",): Span(3, 3, 1),
        ("layers", 0): Span(3, 5, 1),
        ("layers", 0, "conv"): Span(3, 11, 25),
        ("layers", 0, "conv", "out"): Span(3, 17, 2),
        ("layers", 0, "conv", "size"): Span(3, 27, 8),
        ("layers", 0, "conv", "size", 0): Span(3, 28, 1),
        ("layers", 0, "conv", "size", 1): Span(3, 31, 3),
        ("layers", 0, "when"): Span(4, 11, 5),
        ("layers", 1): Span(5, 5, 4),
        ("end",): Span(6, 5, 1),
    }


def test_places_count_characters_not_bytes() -> None:
    assert loaded('a: ["Müller 🙂", x]\n')[1].value(("a", 1)) == Span(1, 17, 1)


def test_a_text_over_several_lines_is_marked_on_its_first() -> None:
    assert loaded("a: one\n  two\n")[1].value(("a",)) == Span(1, 4, 3)


def test_a_path_without_a_place_falls_back_to_what_holds_it() -> None:
    _, marks = loaded("a:\n  b: 1\n")
    assert marks.value(("a", "b", "c", 0)) == Span(2, 3, 1)
    assert marks.key(("a", "x")) == Span(1, 1, 1)
    assert Marks().value(("a",)) is None


def test_the_python_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: [1, x]\nb:\n  - c: 'd'\n    e: 010\n"
    fast = loaded(text)
    monkeypatch.delattr(yaml, "CLoader")
    slow = loaded(text)
    assert fast[0] == slow[0] and fast[1].values == slow[1].values and fast[1].keys == slow[1].keys
    assert finding("a: [1\nb: 2\n").span == Span(1, 4, 1)
    assert finding("a: 'b\n").code == "quotes"
    assert finding("a: \0\n").code == "not-text"


# Mistakes; errors/*.yaml has one of each kind


def test_mistakes_that_leave_the_rest_readable_are_all_found() -> None:
    text = "a: 1\na: 2\nb: &x 3\nc: *x\nd: !t 4\n1: 5\ne: 99999999999999999999\nf: {g: 1, g: {h: 1}}\ni: [max(1, 2)]\n"
    assert [(d.code, d.span.line) for d in findings(text) if d.span] == [
        ("duplicate-key", 2), ("anchor", 3), ("alias", 4), ("tag", 5), ("key-not-text", 6), ("too-large", 7),
        ("duplicate-key", 8), ("split-by-comma", 9),
    ]  # fmt: skip


def test_a_duplicate_key_names_both_places() -> None:
    only = finding("a:\n  b: 1\n  c: 2\n  b: [1, 2]\n")
    assert only.span == Span(4, 3, 1)
    assert [(note.message, note.span) for note in only.notes] == [("first given here", Span(2, 3, 1))]


def test_the_same_key_elsewhere_is_no_duplicate() -> None:
    assert loaded("a: {b: 1}\nc: {b: 1}\n")[0] == {"a": {"b": 1}, "c": {"b": 1}}


def test_too_deep_is_refused_and_just_not_too_deep_is_read() -> None:
    assert loaded("[" * MAX_DEPTH + "]" * MAX_DEPTH)[0] is not None
    assert finding("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)).code == "too-deep"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[" * 200_000, "too-deep"),
        ("{a: " * 200_000, "too-deep"),
        ("- " * 200_000, "too-deep"),
        ("? " * 200_000, "key-not-text too-deep"),
        ("a: 1\na: " + "[" * 200_000, "duplicate-key too-deep"),
        ("a: " + "x" * 10**6 + ": b\n", "yaml"),
        ("a: " + "9" * 10**6, "too-large"),
        ("a: \ud800", "not-text"),
        ("a: \0", "not-text"),
        ('a: "' + "\\" * 10**6, "yaml"),
        ("[" + "(," * 10**5 + "]", ""),
        ("a: '" * 10**5, "yaml"),
        ("a: b" + "\n" * 10**6 + "c", "missing-colon"),
    ],
)
def test_hostile_texts_get_a_short_answer_soon(text: str, code: str) -> None:
    start = time.process_time()
    try:
        loaded(text)
        codes = ""
    except SpecError as error:
        codes = " ".join(dict.fromkeys(d.code for d in error.diagnostics))
        assert len(error.diagnostics) <= 2
        assert all(len(d.message) < 200 and len(d.fix) < 200 for d in error.diagnostics)
    assert time.process_time() - start < 1
    assert codes == code


def test_an_alias_bomb_is_one_anchor_and_one_alias() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))
    assert [d.code for d in findings(bomb)] == ["anchor", "alias"]


def test_findings_end_somewhere() -> None:
    assert len(findings("a: 1\n" * 10**4)) == MOST


# VmHWM begins at nothing with the program; ru_maxrss would begin at the peak of the process that ran the tests.
LARGE = """
from convcalc.source import Source
from convcalc.diagnostics import SpecError
from convcalc.spec import read_spec
try:
    read_spec(Source("net.yaml", {text}))
except SpecError as error:
    print(error.diagnostics[0].code)
with open("/proc/self/status") as status:
    print(next(int(line.split()[1]) >> 10 for line in status if line.startswith("VmHWM:")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of one program")
@pytest.mark.parametrize(
    ("text", "code", "most"),
    [
        ('"a: [" + "1," * (2 << 20)', "too-many-values", 200),
        ('"[" * (4 << 20)', "too-deep", 100),
        ('"a: *b\\n" * 500_000', "alias", 100),
    ],
)
def test_hostile_texts_take_little_memory(text: str, code: str, most: int) -> None:
    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    done = subprocess.run(
        [sys.executable, "-c", LARGE.replace("{text}", text)],
        capture_output=True, text=True, timeout=30, preexec_fn=bounded, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert done.stderr == ""
    answer, peak = done.stdout.split()
    assert answer == code and int(peak) < most
