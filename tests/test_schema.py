"""The JSON schema says what the reader does: what is shipped passes, what the reader refuses is refused."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import documents
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from convcalc import ops
from convcalc.checks.metrics import LAYER_NAMES, NET_NAMES
from convcalc.diagnostics import Problem, SpecError
from convcalc.schema import METRICS, NET_METRICS, schema, text
from convcalc.source import Source
from convcalc.spec import reader, spec_from
from convcalc.spec.document import load
from convcalc.spec.findings import Findings
from convcalc.spec.model import Marks
from convcalc.spec.written import SIBLINGS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = schema()
VALIDATOR = Draft7Validator(SCHEMA)
SPECS = sorted((documents.ROOT / "specs").rglob("*.yaml"))


def data(text: str) -> Any:
    """The plain values of a text, by our rule for scalars."""
    source = Source("<text>", text)
    return load(source, Findings(source, Marks()))


def test_the_schema_is_valid_draft_07() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert json.loads(text()) == SCHEMA


def test_every_reference_leads_to_a_definition() -> None:
    definitions = SCHEMA["definitions"]
    used = {part["$ref"].removeprefix("#/definitions/") for part in _parts(SCHEMA) if "$ref" in part}
    assert used == set(definitions)
    assert {name for name in definitions if name[0].islower()} == set(ops.names())


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from _parts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _parts(part)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_shipped_spec_passes(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(data(path.read_text(encoding="utf-8")))] == []


def test_there_are_shipped_specs() -> None:
    assert len(SPECS) > 40


@pytest.mark.parametrize("name", ops.names())
def test_every_op_and_attribute_is_described(name: str) -> None:
    definition = SCHEMA["definitions"][name]
    assert len(definition["description"]) > 10
    arguments = next(form["properties"] for form in definition["anyOf"] if "properties" in form)
    assert arguments.keys() == ops.find(name).attributes.keys()
    for attribute in arguments.values():
        assert len(attribute["description"]) > 10


def test_every_key_is_known_and_described() -> None:
    assert SCHEMA["properties"].keys() == reader._SECTIONS.keys()
    entry = SCHEMA["definitions"]["Entry"]["properties"]
    assert [key for key in entry if key not in ops.names()] == list(SIBLINGS)
    for part in [*SCHEMA["properties"].values(), *(entry[key] for key in SIBLINGS)]:
        assert len(part["description"]) > 10


def test_what_can_be_expected_is_what_is_checked() -> None:
    assert set(NET_METRICS) == set(NET_NAMES)
    assert {"shape", *METRICS} == set(LAYER_NAMES)


GOOD = {
    "bare op": "layers: [relu, Unit]",
    "op with a colon": "layers: [relu: ]",
    "expressions": "layers: [conv: {out_channels: 2*w, kernel_size: [k, k], bias: a == b, stride: '2'}]",
    "words": "layers: [conv: {out_channels: 2, kernel_size: 3, padding: Same}]",
    "ceil_mode": "layers: [max_pool: {kernel_size: 2, ceil_mode: caffe}]",
    "an argument that is a word or a list": "layers: [pad: {padding: 1, mode: how}, split: {sections: parts}]",
    "all siblings": "layers: [{relu: , name: a, from: b.1, repeat: 2, when: true, share: c, expect: {shape: [1, H]}}]",
    "branches": "layers: [add: [[relu], []], {concat: {dim: 2}, from: [a, b]}, {concat: , from: [a, b]}]",
    "one branch less than crop takes": "layers: [crop: [[relu]]]",
    "a block": "layers: [Unit: {mid: [1, [2, same]], on: true, p: 0.5}, {Unit: , repeat: 3}]",
    "blocks": "layers: [A]\nblocks: {A: {args: {m: required, n: 2*m}, layers: []}, B: {args: [m], layers: [A]}}",
    "inputs of a block": "layers: [A]\nblocks: {A: {inputs: [x, y], layers: [relu]}, B: {inputs: x, layers: [relu]}}",
    "vars": "layers: [A]\nvars: {H: 224, W: 2*H, on: true}",
    "budget": 'layers: [A]\nbudget: {params: "<= 26.5M", macs: "> 1_000", peak_bytes: "<3 MiB"}',
    "expect": "layers: [A]\nexpect: {params: 4*w, output: [1, H], outputs: {a/1/b: [3]}, receptive_field: [3, 5]}",
    "variants": "layers: [A]\nvars: {w: 1}\nvariants: {a_1: {}, b: {vars: {w: 2}, expect: {macs: 3}}}",
    "weights": "layers: [A]\nweights: {a.weight: [[1, -1/2], [0.5, 2]]}",
    "sample": "layers: [A]\nsample: {input: {a: 1}, output: [1], at: {b/2: [[3]]}}",
    "samples": "layers: [A]\nsample: [{input: 1, grad: [2]}]",
    "everything": "format: 1\nname: a\nsource: b\nlayers: [A]\noutputs: [a, b/2/c.indices]",
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_what_the_reader_accepts_is_accepted(name: str) -> None:
    spec = {"input": [3, "H", "W"], **data(GOOD[name])}
    spec_from(spec)
    assert [error.message for error in VALIDATOR.iter_errors(spec)] == []


@pytest.mark.parametrize(
    "shape", ["[3, H]", "{shape: [3]}", "{a: [3], b: {shape: [H, W], dtype: int64}}", "{shape: [3], dtype: uint8}"]
)
def test_inputs_are_accepted(shape: str) -> None:
    assert VALIDATOR.is_valid(data(f"input: {shape}\nlayers: [relu]"))


BAD = {
    "unknown op": "layers: [conf]",
    "unknown op in a map": "layers: [conf: {out_channels: 3}]",
    "bare op that needs arguments": "layers: [conv]",
    "op without the arguments it needs": "layers: [conv: ]",
    "missing attribute": "layers: [conv: {out_channels: 3}]",
    "unknown attribute": "layers: [conv: {out_channels: 3, kernel: 3}]",
    "an argument where there are none": "layers: [relu: {inplace: true}]",
    "float for an integer": "layers: [linear: {out_features: 2.5}]",
    "boolean for an integer": "layers: [linear: {out_features: true}]",
    "null for an integer": "layers: [linear: {out_features: null}]",
    "list for an integer": "layers: [linear: {out_features: [3]}]",
    "too small": "layers: [linear: {out_features: 0}]",
    "too small in a list": "layers: [max_pool: {kernel_size: [2, 0]}]",
    "empty list": "layers: [max_pool: {kernel_size: []}]",
    "five axes": "layers: [max_pool: {kernel_size: [1, 1, 1, 1, 1]}]",
    "null for all axes": "layers: [adaptive_avg_pool: {output_size: null}]",
    "three for a pair": "layers: [pad: {padding: [[1, 2, 3]]}]",
    "number for a flag": "layers: [linear: {out_features: 2, bias: 2}]",
    "list for a number": "layers: [dropout: {p: [0.5]}]",
    "number for a word": "layers: [upsample: {scale_factor: 2, mode: 3}]",
    "a map for a list": "layers: [permute: {dims: {a: 1}}]",
    "two ops": "layers: [{relu: , tanh: }]",
    "two ops and a sibling": "layers: [{relu: , tanh: , name: a}]",
    "an op and a block": "layers: [{relu: , Unit: }]",
    "two blocks": "layers: [{Unit: , Other: , when: a, name: b}]",
    "no op": "layers: [{name: a, when: b}]",
    "an empty entry": "layers: [{}]",
    "unknown sibling": "layers: [{relu: , form: a}]",
    "attribute beside the op": "layers: [{linear: , out_features: 3}]",
    "a number for a layer": "layers: [3]",
    "a join without operands": "layers: [add]",
    "a join without branches": "layers: [{add: , name: a}]",
    "branches that are not lists": "layers: [add: [relu, tanh]]",
    "one branch": "layers: [add: [[relu]]]",
    "three branches for two operands": "layers: [sub: [[], [], []]]",
    "branches for one operand": "layers: [relu: [[], []]]",
    "a map in a block's argument": "layers: [Unit: {mid: {a: 1}}]",
    "text after a block": "layers: [Unit: 3]",
    "bad name": "layers: [{relu: , name: 3a}]",
    "number for a name": "layers: [{relu: , name: 3}]",
    "no names": "layers: [{relu: , from: []}]",
    "bad place in from": "layers: [{relu: , from: a/b}]",
    "negative repeat": "layers: [{relu: , repeat: -1}]",
    "float when": "layers: [{relu: , when: 0.5}]",
    "unknown metric": "layers: [{relu: , expect: {parameters: 3}}]",
    "metric of a net": "layers: [{relu: , expect: {depth: 3}}]",
    "shape that is none": "layers: [{relu: , expect: {shape: 3}}]",
    "float in a shape": "layers: [{relu: , expect: {shape: [3.5]}}]",
    "no layers": "layers: []",
    "layers that are none": "layers: relu",
    "unknown top-level key": "layers: [relu]\nbatch: 3",
    "another format": "layers: [relu]\nformat: 2",
    "format true": "layers: [relu]\nformat: true",
    "number for a name of the net": "layers: [relu]\nname: 3",
    "float variable": "layers: [relu]\nvars: {w: 0.5}",
    "variable without value": "layers: [relu]\nvars: {w: }",
    "reserved variable": "layers: [relu]\nvars: {min: 3}",
    "variable named like a word": "layers: [relu]\nvars: {same: 3}",
    "variable with a dash": "layers: [relu]\nvars: {a-b: 3}",
    "block in small letters": "layers: [relu]\nblocks: {unit: {layers: [relu]}}",
    "block without layers": "layers: [relu]\nblocks: {Unit: {args: [a]}}",
    "unknown key of a block": "layers: [relu]\nblocks: {Unit: {layers: [relu], name: a}}",
    "argument without default": "layers: [relu]\nblocks: {Unit: {args: {a: }, layers: [relu]}}",
    "argument called required": "layers: [relu]\nblocks: {Unit: {args: [required], layers: [relu]}}",
    "argument twice": "layers: [relu]\nblocks: {Unit: {args: [a, a], layers: [relu]}}",
    "input twice": "layers: [relu]\nblocks: {Unit: {inputs: [a, a], layers: [relu]}}",
    "budget without relation": "layers: [relu]\nbudget: {params: 26M}",
    "budget that is a number": "layers: [relu]\nbudget: {params: 26}",
    "budget with an unknown unit": 'layers: [relu]\nbudget: {params: "<= 26 X"}',
    "unknown budget": 'layers: [relu]\nbudget: {parameters: "<= 26 M"}',
    "unknown expectation": "layers: [relu]\nexpect: {parameters: 3}",
    "outputs that are a list": "layers: [relu]\nexpect: {outputs: [3]}",
    "unknown key of a variant": "layers: [relu]\nvariants: {a: {width: 3}}",
    "variant without a map": "layers: [relu]\nvariants: {a: }",
    "weights without a parameter": "layers: [relu]\nweights: {conv_1: [1]}",
    "text in an array": "layers: [relu]\nweights: {conv_1.bias: [a]}",
    "half a fraction": "layers: [relu]\nweights: {conv_1.bias: [1/0]}",
    "empty array": "layers: [relu]\nweights: {conv_1.bias: []}",
    "sample without input": "layers: [relu]\nsample: {output: [1]}",
    "unknown key of a sample": "layers: [relu]\nsample: {input: [1], outputs: [1]}",
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused_is_refused(name: str) -> None:
    assert not VALIDATOR.is_valid({"input": [3, "H", "W"], **data(BAD[name])})


@pytest.mark.parametrize("name", BAD)
def test_what_the_schema_refuses_is_a_mistake(name: str) -> None:
    """The schema must not be stricter than convcalc itself: an editor would underline what is right."""
    from convcalc import load as load_spec
    from convcalc.checks import check_claims

    spec = data(BAD[name])
    spec.setdefault("vars", {"H": 8, "W": 8, "a": 1})
    spec = {"input": [3, 8, 8], **spec}
    spec.setdefault("blocks", {"Unit": {"args": {"mid": 1}, "layers": ["relu"]}, "Other": {"layers": ["relu"]}})
    try:
        failed = check_claims(load_spec(spec).analyze()).failed
    except SpecError as error:
        failed = error.diagnostics
    assert failed


@pytest.mark.parametrize(
    "shape",
    [
        "[]", "3", "[3, 0]", "[1, 2, 3, 4, 5, 6]", "[3.5]", "{}", "{dtype: int8}", "{shape: []}", "{a: 3}",
        "{shape: [3], dtype: int4}", "{a: [3], b: {dtype: int8}}", "{1a: [3]}", "{shape: {shape: [3]}}",
    ],
)  # fmt: skip
def test_inputs_are_refused(shape: str) -> None:
    assert not VALIDATOR.is_valid(data(f"input: {shape}\nlayers: [relu]"))


@pytest.mark.parametrize("missing", ["input: [3]", "layers: [relu]"])
def test_input_and_layers_are_needed(missing: str) -> None:
    assert not VALIDATOR.is_valid(data(missing))


scalars: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([-0.5, 0.5, 1.5])
entries = scalars | st.lists(st.integers(-2, 2), max_size=3)
values: st.SearchStrategy[Any] = scalars | st.lists(entries, max_size=4) | st.just({})
ATTRIBUTES = [attribute for name in ops.names() for attribute in ops.find(name).attributes.values()]


@given(values)
def test_attributes_are_valid_where_they_can_be_read(value: Any) -> None:
    """For every value but text, of which the schema knows less."""
    for attribute in ATTRIBUTES:
        accepted = Draft7Validator(attribute.schema()).is_valid(value)
        try:
            attribute.read(value, lambda text: 1)
            refused = ""
        except Problem as problem:
            refused = problem.message
        if "differ in length" not in refused:  # of which the schema knows nothing
            assert accepted == (not refused), (attribute.name, refused)


@pytest.mark.parametrize("attribute", ATTRIBUTES, ids=lambda attribute: attribute.name)
def test_defaults_are_valid(attribute: Any) -> None:
    if not attribute.required and attribute.default is not None:
        assert Draft7Validator(attribute.schema()).is_valid(attribute.default)


def convcalc(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "convcalc", *arguments]
    return subprocess.run(command, cwd=documents.ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_prints_the_schema() -> None:
    done = convcalc("schema")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == SCHEMA


def test_the_command_replaces_a_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    (tmp_path / "link").symlink_to(path)
    done = convcalc("schema", "-o", str(tmp_path / "link"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads(path.read_text(encoding="utf-8")) == SCHEMA
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link", "schema.json"]


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    done = convcalc("schema", "-o", str(tmp_path / "none" / "schema.json"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"convcalc: {tmp_path}/none/schema.json: no such file or directory\n"
