"""The documents tell everything there is, and nothing that is not."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import documents
import pytest

from convcalc import Diagnostic, SpecError, Unreadable, load
from convcalc.analysis import Analysis, Row, Totals
from convcalc.analysis.memory import Memory
from convcalc.checks import check_claims
from convcalc.checks.metrics import LAYER_NAMES, NET_NAMES
from convcalc.expressions import FUNCTIONS, RESERVED
from convcalc.ops._op import Cost
from convcalc.ops._window import WORDS
from convcalc.report.document import VERSION
from convcalc.report.json import write_json
from convcalc.spec import reader
from convcalc.spec.bounds import UNITS
from convcalc.spec.written import SIBLINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def document(name: str) -> str:
    return (documents.ROOT / "docs" / name).read_text(encoding="utf-8")


def code(text: str) -> set[str]:
    """All words in backquotes, outside of fenced blocks."""
    return {word for span in re.findall(r"`([^`\n]+)`", unfenced(text)) for word in re.findall(r"\w+", span)}


def unfenced(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


@pytest.mark.parametrize(
    "words",
    [
        reader._SECTIONS, SIBLINGS, LAYER_NAMES, NET_NAMES, ("output", "outputs"), FUNCTIONS, RESERVED, WORDS,
        [unit for unit in UNITS if unit], reader.DTYPES, ("args", "inputs", "layers", "input", "output", "grad", "at"),
    ],
)  # fmt: skip
def test_the_spec_format_has_every_word(words: Any) -> None:
    assert set(words) - code(document("spec-format.md")) == set()


def test_every_key_has_a_section_or_an_example() -> None:
    examples = " ".join(re.findall(r"^```yaml\n(.*?)^```$", document("spec-format.md"), flags=re.M | re.S))
    for key in (*reader._SECTIONS, *SIBLINGS):
        assert re.search(rf"\b{key}:", examples), key


FROM_PYTHON_OR_TOO_LONG = {"free-variable", "not-plain", "too-deep", "too-many-values", "too-many-variables"}


def test_every_mistake_has_an_example() -> None:
    files = [*(documents.ROOT / "convcalc" / "spec").glob("*.py"), documents.ROOT / "convcalc" / "expand.py"]
    codes = {code for file in files for code in re.findall(r'"([a-z]+(?:-[a-z]+)+)"', file.read_text(encoding="utf-8"))}
    shown = set(re.findall(r"fails: ([a-z-]+)", document("spec-format.md")))
    assert codes - shown - FROM_PYTHON_OR_TOO_LONG == set()


def test_every_operator_is_evaluated() -> None:
    (example,) = re.findall(r"for text in \[\n(.*?)\]:", document("spec-format.md"), flags=re.S)
    tokens = set(re.findall(r"//|[=!<>]=|[-+*/%^<>]|\w+", example))
    assert {"+", "-", "*", "//", "%", "^", "==", "!=", "<", "<=", ">", ">=", *RESERVED} - tokens == set()


PUBLIC = tuple(name for name in Analysis.__slots__ if not name.startswith("_"))


@pytest.mark.parametrize(
    "fields",
    [PUBLIC, Row._fields, Totals._fields, Memory._fields, Cost._fields, Diagnostic._fields],
)
def test_python_has_every_field(fields: tuple[str, ...]) -> None:
    assert set(fields) - code(document("python.md")) == set()


@pytest.mark.parametrize("kind", [Row, Totals])
def test_python_has_every_property(kind: Any) -> None:
    own = {name for name, value in vars(kind).items() if isinstance(value, property)}
    assert own - code(document("python.md")) == set()


MAPS = ("nets[].variables", "nets[].inputs", "nets[].outputs", "nets[].layers[].parameters")
"""Where the keys are names of the spec."""

TYPES: dict[str, Callable[[Any], bool]] = {
    "integer": lambda value: type(value) is int,
    "integer or null": lambda value: value is None or type(value) is int,
    "text": lambda value: isinstance(value, str),
    "text or null": lambda value: value is None or isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "map": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
    "list of integers": lambda value: isinstance(value, list) and all(type(entry) is int for entry in value),
    "list of texts": lambda value: isinstance(value, list) and all(isinstance(entry, str) for entry in value),
    "list of integers or texts": lambda value: isinstance(value, list) and {*map(type, value)} <= {int, str},
}

SPECS = [
    "input: [1, 8]\nlayers: [relu]",
    "vars: {a: 3}\ninput: [3, 9, 9]\nlayers: [conv: {out_channels: a, kernel_size: 3}]\nexpect: {params: 1, macs: a}",
    "input: {a: [1, 2], b: [1, 2]}\nsample: {input: {a: [1, 2]}}\n"
    "layers: [{concat: , from: [a, b]}, conv_transpose: {out_channels: 1, kernel_size: 2, stride: 2}]",
    "input: [4]\nvars: {a: 1}\nvariants: {x: {}}\n"
    "layers: [linear: {out_features: 2}]\nweights: {linear_1.bias: [1, 2]}",
]  # fmt: skip


def fields(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field of a JSON document with its path."""
    if isinstance(value, dict):
        for key, entry in value.items():
            step = "<name>" if path in MAPS else key
            inner = f"{path}.{step}" if path else step
            yield inner, entry
            yield from fields(entry, inner)
    elif isinstance(value, list):
        for entry in value:
            if isinstance(entry, dict):
                yield from fields(entry, f"{path}[]")


def written() -> Any:
    nets = [load(spec, variant="x" if "variants" in spec else "").analyze() for spec in SPECS]
    file = io.StringIO()
    write_json([(net, check_claims(net)) for net in nets], file)
    return json.loads(file.getvalue())


def described() -> dict[str, str]:
    """The path and type of each field that the document has."""
    found: dict[str, str] = {}
    prefixes = [""]
    for line in unfenced(document("json.md")).splitlines():
        if line.startswith("## "):
            prefixes = [f"{prefix}." for prefix in re.findall(r"`(.+?)`", line)] or [""]
        elif row := re.match(r"\| `(.+?)` \| (.+?) \|", line):
            for prefix in prefixes:
                assert prefix + row[1] not in found
                found[prefix + row[1]] = row[2]
    return found


def test_the_json_document_has_the_fields_that_are_written() -> None:
    assert {path for path, _ in fields(written())} == described().keys()


def test_the_json_document_has_their_types() -> None:
    types = described()
    assert [(path, value) for path, value in fields(written()) if not TYPES[types[path]](value)] == []


def test_the_json_document_has_the_version() -> None:
    assert f"`version` is {VERSION}." in document("json.md")


def test_every_error_is_in_the_document() -> None:
    assert {SpecError.__name__, Unreadable.__name__, "Misuse"} <= code(document("python.md"))
