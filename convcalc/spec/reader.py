"""Plain values to a Spec: what each section may hold, every mistake reported in one run."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import Problem, did_you_mean
from convcalc.source import Source
from convcalc.spec import structure
from convcalc.spec.arrays import array, arrays
from convcalc.spec.bounds import bound
from convcalc.spec.findings import Findings
from convcalc.spec.layers import every_layer, layers
from convcalc.spec.model import REQUIRED, Block, Input, Marks, Sample, Spec, Variant

if TYPE_CHECKING:
    from convcalc.spec.model import Path

DTYPES = ("float16", "bfloat16", "float32", "float64", "int8", "uint8", "int32", "int64", "bool")
MAX_AXES = 5
"""Channels and up to four spatial axes."""

_BLOCK = re.compile(r"[A-Z]\w*", re.ASCII)


def read_spec(source: Source, *, partial: bool = False) -> Spec:
    """The Spec a text describes; raises SpecError with everything that is wrong in it.

    With ``partial``, layers with mistakes are marked as broken and the mistakes left in ``Spec.diagnostics``,
    so that what follows can look for further ones.
    """
    from convcalc.spec.document import load  # YAML is slow to import, and spec_from needs none

    marks = Marks()
    found = Findings(source, marks)
    return _spec(load(source, found), found, partial)


def spec_from(data: dict[str, Any], name: str = "<python>") -> Spec:
    """The Spec that plain Python data describes, by the same rules as a text; findings name paths, not lines."""
    from convcalc.spec.plain import plain

    found = Findings(Source(name, ""), Marks())
    return _spec(plain(data, found), found, False)


def _spec(data: Any, found: Findings, partial: bool) -> Spec:
    spec = Spec(found.source, found.marks)
    given = structure.mapping(found, data, (), "a spec", "layers: [relu]")
    if not isinstance(data, dict):
        found.stop()
    structure.known_keys(found, given, (), _SECTIONS, "a spec")
    for key in ("input", "layers"):
        if key not in given:
            example = "input: [3, H, W]" if key == "input" else "layers: [relu]"
            found.add((), f"missing-{key}", f"the spec has no `{key}`", f"add one, as in `{example}`", key=True)
    for key, read in _SECTIONS.items():
        if key in given:
            read(spec, found, given[key], (key,))
    if not partial:
        found.stop()
    bodies = [spec.layers, *(block.layers for block in spec.blocks.values())]
    spec.mistaken = set(found.variables().values())
    spec.diagnostics = found.settle({layer.path: layer for body in bodies for layer in every_layer(body)})
    return spec


def _format(spec: Spec, found: Findings, value: Any, path: Path) -> None:
    if value != 1 or isinstance(value, bool):
        message = f"the format is 1, and this is {structure.kind(value)}"
        found.add(path, "format", message, "write `format: 1`, or use a newer convcalc")


def _name(spec: Spec, found: Findings, value: Any, path: Path) -> None:
    spec.name = structure.text(found, value, path, "the name")


def _citation(spec: Spec, found: Findings, value: Any, path: Path) -> None:
    spec.citation = structure.text(found, value, path, "the source")


def _vars(spec: Spec, found: Findings, value: Any, path: Path) -> None:
    spec.vars = _variables(found, value, path)


def _variables(found: Findings, value: Any, path: Path) -> dict[str, int | str]:
    variables: dict[str, int | str] = {}
    for name, default in structure.mapping(found, value, path, "vars", "vars: {H: 224}").items():
        place = (*path, name)
        # Even a mistaken variable is declared: those who use it have made no mistake.
        variables[name] = 0
        if not structure.declarable(found, name, place, "a variable"):
            continue
        if default is None:
            message = f"the variable '{name}' has no value"
            found.add(place, "missing-value", message, f"give it a default, as in `{name}: 224`")
        elif isinstance(default, float):
            message = f"variables are integers, and this is {structure.kind(default)}"
            fix = f"use hundredths, as in `{name}: 140` and `{name}*width//100`"
            found.add(place, "not-an-integer", message, fix)
        elif isinstance(default, bool):
            variables[name] = int(default)
        else:
            variables[name] = structure.number(found, default, place, "a variable") or 0
    return variables


def _input(spec: Spec, found: Findings, value: Any, path: Path) -> None:
    if not isinstance(value, dict) or (value and value.keys() <= {"shape", "dtype"}):
        spec.inputs = {"input": _one_input(found, value, path)}
        return
    if not value:
        found.add(path, "missing-input", "there is no input", "write one, as in `input: [3, H, W]`")
    for name, entry in value.items():
        place = (*path, name)
        if structure.name(found, name, place, "the name of an input", key=True):
            spec.inputs[name] = _one_input(found, entry, place)


def _one_input(found: Findings, value: Any, path: Path) -> Input:
    place, dtype = path, "float32"
    if isinstance(value, dict):
        structure.known_keys(found, value, path, ("shape", "dtype"), "an input")
        place, dtype = (*path, "shape"), value.get("dtype", dtype)
        if dtype not in DTYPES:
            message = f"{structure.kind(dtype)} is not a dtype".removeprefix("the text ")
            found.add((*path, "dtype"), "unknown-dtype", message, did_you_mean(str(dtype), DTYPES))
            dtype = "float32"
        if "shape" not in value:
            found.add(path, "missing-shape", "this input has no shape", "add one, as in `shape: [3, H, W]`", key=True)
            return Input([], dtype, path)
        value = value["shape"]
    shape = structure.shape(found, value, place, "a shape", "[3, H, W]")
    for i, size in enumerate(value if isinstance(value, list) else ()):
        if isinstance(size, int) and not isinstance(size, bool) and size < 1:
            message = f"a size is at least 1, and this is {size}"
            found.add((*place, i), "not-positive", message, "write a positive number")
    if isinstance(value, list) and not 1 <= len(value) <= MAX_AXES:
        message = f"a shape has 1 to {MAX_AXES} entries (channels, then spatial axes), and this has {len(value)}"
        found.add(place, "bad-rank", message, "leave the batch axis out: it is implicit")
    return Input(shape, dtype, path)


def _blocks(spec: Spec, found: Findings, value: Any, path: Path) -> None:
    for name, body in structure.mapping(found, value, path, "blocks", "blocks: {Unit: {layers: [relu]}}").items():
        place = (*path, name)
        if not _BLOCK.fullmatch(name):
            fix = f"call it '{name[:1].upper() + name[1:]}'" if name[:1].islower() else "use letters, digits and _"
            found.add(place, "bad-name", f"a block's name starts with a capital, and '{name}' does not", fix, key=True)
        spec.blocks[name] = _block(found, name, body, place)


def _block(found: Findings, name: str, value: Any, path: Path) -> Block:
    given = structure.mapping(found, value, path, "a block", f"{name}: {{layers: [relu]}}")
    structure.known_keys(found, given, path, ("args", "inputs", "layers"), "a block")
    args = _args(found, given["args"], (*path, "args")) if "args" in given else {}
    inputs = {"input": path}
    if "inputs" in given:
        place = (*path, "inputs")
        listed = structure.names(found, given["inputs"], place, "the name of an input")
        for i, entry in enumerate(listed):
            if entry in listed[:i]:
                found.add((*place, i), "duplicate-name", f"the name '{entry}' is taken", "choose another name")
        inputs = dict.fromkeys(listed, place)
    body = layers(found, given["layers"], (*path, "layers"), inputs) if "layers" in given else []
    if "layers" not in given and isinstance(value, dict):
        message, fix = f"the block '{name}' has no `layers`", "add some, as in `layers: [relu]`"
        found.add(path, "missing-layers", message, fix, key=True)
    return Block(name, path, list(inputs), args, body)


def _args(found: Findings, value: Any, path: Path) -> dict[str, Any]:
    if isinstance(value, list):
        args: dict[str, Any] = {}
        for i, name in enumerate(value):
            place = (*path, i)
            if not isinstance(name, str):
                message = f"an argument is named by text, and this is {structure.kind(name)}"
                found.add(place, "bad-name", message, "write its name")
            elif name in args:
                found.add(place, "duplicate-name", f"the argument '{name}' is given twice", "remove one of the two")
            elif structure.declarable(found, name, place, "an argument"):
                args[name] = REQUIRED
        return args
    given = structure.mapping(found, value, path, "args", "args: {mid: required, stride: 1}")
    for name, default in given.items():
        place = (*path, name)
        if not structure.declarable(found, name, place, "an argument"):
            continue
        if default is None:
            message = f"the argument '{name}' has no default"
            found.add(place, "missing-value", message, f"give it one, or write `{name}: required`")
        elif isinstance(default, dict):
            fix = "write a number, a word, an expression or a list"
            found.add(place, "bad-default", "an argument's default cannot be a map", fix)
    return given


def _layers(spec: Spec, found: Findings, value: Any, path: Path) -> None:
    if value == [] or value is None:
        found.add(path, "missing-layers", "there are no layers", "list some, as in `layers: [relu]`")
        return
    spec.layers = layers(found, value, path, {name: entry.path for name, entry in spec.inputs.items()})


def _outputs(spec: Spec, found: Findings, value: Any, path: Path) -> None:
    spec.outputs = structure.names(found, value, path, "the name of a layer", structure.PLACE) or None


def _expect(spec: Spec, found: Findings, value: Any, path: Path) -> None:
    spec.expect = structure.expectations(found, value, path)


def _budget(spec: Spec, found: Findings, value: Any, path: Path) -> None:
    for metric, limit in structure.mapping(found, value, path, "budget", 'budget: {params: "<= 26M"}').items():
        place = (*path, metric)
        if isinstance(limit, str):
            try:
                spec.budget[metric] = bound(limit)
            except Problem as problem:
                found.problem(place, problem)
            continue
        known = isinstance(limit, int) and not isinstance(limit, bool)
        fix = f'say `"<= {limit}"`' if known else 'write a text like `"<= 26M"`'
        found.add(place, "bound", f"a budget is a relation and a number, and this is {structure.kind(limit)}", fix)


def _variants(spec: Spec, found: Findings, value: Any, path: Path) -> None:
    stem, extension = os.path.splitext(found.source.file)
    example = "variants: {wide: {vars: {width: 128}}}"
    for name, entry in structure.mapping(found, value, path, "variants", example).items():
        place = (*path, name)
        named = structure.name(found, name, place, "the name of a variant", key=True)
        if named and extension in (".yaml", ".yml") and not name.startswith(stem):
            message = f"the name of a variant starts with the file's, '{stem}'"
            found.add(place, "variant-name", message, f"call it '{stem}_{name}'", key=True)
        given = structure.mapping(found, entry, place, "a variant", f"{name}: {{vars: {{width: 128}}}}")
        structure.known_keys(found, given, place, ("vars", "expect"), "a variant")
        variables = _variables(found, given["vars"], (*place, "vars")) if "vars" in given else {}
        for variable in variables:
            if variable not in spec.vars:
                fix = did_you_mean(variable, spec.vars) or "declare it under vars"
                message = f"there is no variable '{variable}' to override"
                found.add((*place, "vars", variable), "unknown-name", message, fix, key=True)
        expect = structure.expectations(found, given["expect"], (*place, "expect")) if "expect" in given else {}
        spec.variants[name] = Variant(name, place, variables, expect)


def _weights(spec: Spec, found: Findings, value: Any, path: Path) -> None:
    spec.weights = arrays(found, value, path, "weights: {conv_1.weight: [[1, 2]]}")
    for key in spec.weights:
        if "." not in key:
            fix = f"write the parameter too, as in `{key}.weight`"
            found.add((*path, key), "bad-name", f"'{key}' names no parameter", fix, key=True)


def _sample(spec: Spec, found: Findings, value: Any, path: Path) -> None:
    if isinstance(value, list):
        spec.samples = [_one_sample(found, entry, (*path, i)) for i, entry in enumerate(value)]
    else:
        spec.samples = [_one_sample(found, value, path)]


def _one_sample(found: Findings, value: Any, path: Path) -> Sample:
    given = structure.mapping(found, value, path, "a sample", "sample: {input: [[1, 2]], output: [[2, 4]]}")
    structure.known_keys(found, given, path, ("input", "output", "grad", "at"), "a sample")
    if "input" not in given and isinstance(value, dict):
        found.add(path, "missing-input", "this sample has no input", "add one, as in `input: [[1, 2]]`", key=True)
    for key in given.keys() & {"input", "output", "grad"}:
        place = (*path, key)
        if isinstance(given[key], dict):
            arrays(found, given[key], place, f"{key}: {{{key}: [[1, 2]]}}")
        else:
            array(found, given[key], place)
    at = arrays(found, given["at"], (*path, "at"), "at: {conv_1: [[1, 2]]}") if "at" in given else {}
    return Sample(path, given.get("input"), given.get("output"), given.get("grad"), at)


# The order is that of reading: variants need the variables, layers the inputs.
_SECTIONS = {
    "format": _format,
    "name": _name,
    "source": _citation,
    "vars": _vars,
    "input": _input,
    "blocks": _blocks,
    "layers": _layers,
    "outputs": _outputs,
    "expect": _expect,
    "budget": _budget,
    "variants": _variants,
    "weights": _weights,
    "sample": _sample,
}
