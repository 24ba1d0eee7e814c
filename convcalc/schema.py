"""The spec format as a JSON schema (draft-07), so that an editor completes and explains it.

Generated from the op classes. It accepts what the reader accepts, as far as JSON schema can say that: whether
names, expressions and shapes fit is for ``convcalc check``. Definitions of ops bear the op's name, all others
start with a capital, as blocks do in a spec.
"""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

from convcalc import ops
from convcalc.expressions import PADDING_WORDS, RESERVED
from convcalc.ops._attributes import INTEGER_SCHEMA
from convcalc.spec import structure
from convcalc.spec.bounds import UNITS
from convcalc.spec.model import REQUIRED
from convcalc.spec.reader import DTYPES, MAX_AXES
from convcalc.spec.written import SIBLINGS

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from convcalc.ops._attributes import Attribute
    from convcalc.ops._op import Op

Schema = dict[str, Any]

METRICS = {
    "params": "Learnt parameters.",
    "macs": "Multiply-accumulates of convolutions, filters, linear layers and matmul; a bias is none.",
    "flops": "2 for each MAC, 1 for every other operation.",
    "weight_macs": "Multiply-accumulates of the gradients of parameters.",
    "input_macs": "Multiply-accumulates of the gradients of what layers read, none of the net's inputs.",
    "adds": "Additions and subtractions outside of MACs, biases among them.",
    "multiplies": "Multiplications outside of MACs.",
    "compares": "Comparisons.",
    "divides": "Divisions.",
    "exponentials": "Exponentials, logarithms and powers.",
    "receptive_field": "Input positions from the first to the last that an output sees, global ops left out: "
    "one number for every axis, or a list with one for each.",
    "stride": "Input positions between neighbouring outputs: one number for every axis, or a list with one for each.",
}
"""What can be expected of a layer, and of the net."""

NET_METRICS = {
    **METRICS,
    "depth": "Layers with MACs and parameters on the longest way from an input to an output.",
    "buffers": "Values that are kept but not learnt: running means and variances.",
    "parameter_bytes": "Bytes of the parameters.",
    "activation_bytes": "Bytes of all results together.",
    "peak_bytes": "Most bytes of activations alive at once in inference.",
    "backward_bytes": "Bytes that training keeps for the backward pass.",
    "memory": "Bytes that inference needs: parameters and the peak of activations.",
}
"""What can be expected of the net, or budgeted."""


def schema() -> Schema:
    """The schema of a spec."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "convcalc spec",
        "description": "A convolutional network, for convcalc.",
        "type": "object",
        "required": ["input", "layers"],
        "additionalProperties": False,
        "properties": _sections(),
        "definitions": {**_definitions(), **{name: _op(ops.find(name)) for name in ops.names()}},
    }


def text() -> str:
    """The schema as a JSON document."""
    return json.dumps(schema(), indent=1) + "\n"


def _sections() -> Schema:
    """The top-level keys."""
    return {
        "format": {"description": "Version of the format.", "const": 1},
        "name": {"description": "What the net is called in reports.", "type": "string"},
        "source": {"description": "Where the net comes from: a paper, a table, a figure.", "type": "string"},
        "vars": _told("Variables and their defaults, each an integer or an expression over earlier ones.", "Variables"),
        "input": _told("The input's shape without the batch axis, [C, H, W], or a map of several inputs.", "Inputs"),
        "blocks": _told("Named lists of layers, used like ops; their names start with a capital.", "Blocks"),
        "layers": {**_told("The layers in the order they run.", "Layers"), "minItems": 1},
        "outputs": {
            "description": "The layers whose results are the net's; by default the last one.",
            **_names(structure.PLACE),
        },
        "expect": _told("What the net is claimed to have; a report says where that is not so.", "Expect"),
        "budget": {
            "description": 'Limits that always hold, as text: "<= 26M".',
            **_map({key: _told(doc, "Bound") for key, doc in NET_METRICS.items()}),
            "patternProperties": {rf"^.+\.({'|'.join(METRICS)})$": _told("The same of a layer or a block.", "Bound")},
        },
        "variants": _told("A family of nets: variants override variables and expect their own figures.", "Variants"),
        "weights": _told("Parameters of a worked example, by layer and parameter: conv_1.weight.", "Weights"),
        "sample": {
            "description": "A worked example, or a list of them: arrays that go in and arrays that come out.",
            "anyOf": [_ref("Sample"), {"type": "array", "items": _ref("Sample")}],
        },
    }


def _siblings() -> Schema:
    """The keys beside the op of a layer."""
    told = {
        "name": {"description": "The layer's name; without it <op>_<n>.", **_text(structure.NAME)},
        "from": {
            "description": "The layers above that this one reads, or their ports (pool.indices); "
            "without it the one before.",
            **_names(structure.TENSOR),
        },
        "repeat": {"description": "How many copies, one behind the other.", **INTEGER_SCHEMA, "minimum": 0},
        "when": {
            "description": "A condition: where it is 0 the layer is off and passes its input on.",
            "type": ["boolean", "integer", "string"],
        },
        "share": {"description": "The layer above whose parameters this one uses.", **_text(structure.NAME)},
        "expect": {
            "description": "What this layer is claimed to have; of a repeated one the shape is the last copy's, "
            "counts are sums.",
            **_map({
                "shape": _told("The shape of the result, without the batch axis.", "Shape"),
                **{key: _told(doc, "Figure") for key, doc in METRICS.items()},
            }),
        },
    }  # fmt: skip
    return {key: told[key] for key in SIBLINGS}


def _definitions() -> Schema:
    """What is used in several places."""
    found = [ops.find(name) for name in ops.names()]
    alone = [op for op in found if not _needs(op) and op.operands[0] == 1]
    block = {"type": "string", "pattern": _BLOCK}
    size = {**INTEGER_SCHEMA, "minimum": 1}
    return {
        "Layers": {"type": "array", "items": _ref("Layer")},
        "Layer": {
            "anyOf": [
                {"enum": [op.name for op in alone], "enumDescriptions": [_documented(op) for op in alone]},
                {"description": "A block, all of its arguments at their defaults.", **block},
                _ref("Entry"),
            ]
        },
        "Entry": {
            "description": "One op or block, and what is said beside it.",
            "type": "object",
            "properties": {**{op.name: _ref(op.name) for op in found}, **_siblings()},
            "patternProperties": {_BLOCK: _ref("Call")},
            "additionalProperties": False,
            "allOf": [_ref("Room0of0")],
            # Without `from` there is one operand: what joins several has to be told its branches.
            "if": {"not": {"required": ["from"]}},
            "then": {"properties": {op.name: {"type": "array"} for op in found if op.operands[0] > 1}},
        },
        **dict(_rooms()),
        "Call": {
            "description": "A block of this file with its arguments.",
            "anyOf": [{"type": "null"}, {**_variables(_ref("Value")), "description": "The block's arguments."}],
        },
        "Value": {
            "anyOf": [{"type": ["number", "string", "boolean"]}, {"type": "array", "items": _ref("Value")}],
        },
        "Argument": {"description": "The name of a block's argument.", "type": "string", "pattern": _VARIABLE},
        "Variables": _variables({"type": ["integer", "string", "boolean"]}),
        "Inputs": {
            "if": {"type": "object", "propertyNames": {"enum": ["shape", "dtype"]}, "minProperties": 1},
            "then": _ref("Input"),
            "else": {
                "anyOf": [
                    _ref("Sizes"),
                    {
                        "type": "object",
                        "propertyNames": _text(structure.NAME),
                        "additionalProperties": _ref("Input"),
                        "minProperties": 1,
                    },
                ]
            },
        },
        "Sizes": {"type": "array", "items": size, "minItems": 1, "maxItems": MAX_AXES},
        "Input": {
            "anyOf": [
                _ref("Sizes"),
                _map(
                    {
                        "shape": _told("Channels, then spatial axes; the batch axis is implicit.", "Sizes"),
                        "dtype": {"description": "Type of the values; float32 without it.", "enum": list(DTYPES)},
                    },
                    required=["shape"],
                ),
            ]
        },
        "Blocks": {
            "type": "object",
            "propertyNames": {"pattern": _BLOCK},
            "additionalProperties": _map(
                {
                    "args": {
                        "description": "Arguments with their defaults, `required` for none; or a list of names.",
                        "anyOf": [
                            _variables(_ref("Value")),
                            {"type": "array", "items": {"type": "string", **_DECLARABLE}, "uniqueItems": True},
                        ],
                    },
                    "inputs": {
                        "description": "Names of the block's operands, bound in the order of `from`.",
                        **_names(structure.NAME, unique=True),
                    },
                    "layers": _told("The layers in the order they run.", "Layers"),
                },
                required=["layers"],
            ),
        },
        "Shape": {"description": "Sizes without the batch axis.", "type": "array", "items": INTEGER_SCHEMA},
        "Figure": {"anyOf": [INTEGER_SCHEMA, {"type": "array", "items": INTEGER_SCHEMA}]},
        "Expect": _map({
            "output": _told("The shape of the only output, without the batch axis.", "Shape"),
            "outputs": {
                "description": "The shapes of several outputs by name.",
                "type": "object",
                "additionalProperties": _ref("Shape"),
            },
            **{key: _told(doc, "Figure") for key, doc in NET_METRICS.items()},
        }),
        "Bound": {
            "type": "string",
            "pattern": rf"^\s*(<=|>=|<|>) *[0-9]+(_[0-9]+)*(\.[0-9]+)? *({'|'.join(UNITS)})\s*$",
        },
        "Variants": {
            "type": "object",
            "propertyNames": _text(structure.NAME),
            "additionalProperties": _map({
                "vars": _told("The variables that this variant sets to other values.", "Variables"),
                "expect": _told("Claims that replace the file's, key by key.", "Expect"),
            }),
        },
        "Weights": {**_arrays(), "propertyNames": {"allOf": [_text(structure.PLACE), {"pattern": r"\."}]}},
        "Sample": _map(
            {
                "input": {"description": "What goes in: an array, or one for each input.", **_array_or_map()},
                "output": {"description": "What comes out: an array, or one for each output.", **_array_or_map()},
                "grad": {
                    "description": "The gradient at the output, or gradients by name of input, layer or output.",
                    **_array_or_map(),
                },
                "at": {"description": "What comes out of layers, by name.", **_arrays()},
            },
            required=["input"],
        ),
        "Array": {
            "description": "A number, a fraction like -1/2, or a list of arrays of one shape.",
            "anyOf": [
                {"type": "number"},
                {"type": "string", "pattern": r"^[-+]?[0-9]+ ?/ ?0*[1-9][0-9]*$"},
                {"type": "array", "items": _ref("Array"), "minItems": 1},
            ],
        },
    }  # fmt: skip


def _op(op: type[Op]) -> Schema:
    """What may stand after the name of an op."""
    forms = [] if _needs(op) else [{"type": "null"}]
    arguments = {key: _attribute(attribute) for key, attribute in op.attributes.items()}
    forms.append(_map(arguments, required=_needs(op)))
    fewest, most = op.operands
    if most != 1:
        branches: Schema = {"type": "array", "items": _ref("Layers"), "minItems": fewest}
        limit: Schema = {} if most is None else {"maxItems": most}
        forms.append({"description": "Branches: lists of layers to fork into.", **branches, **limit})
    return {"description": _documented(op), "anyOf": forms}


def _needs(op: type[Op]) -> list[str]:
    return [key for key, attribute in op.attributes.items() if attribute.required]


def _documented(op: type[Op]) -> str:
    told = (inspect.getdoc(op) or "").replace("``", "`")
    return f"{told}\n\nElsewhere: {', '.join(op.also)}." if op.also else told


def _attribute(attribute: Attribute[Any]) -> Schema:
    accepted = attribute.schema()
    if "anyOf" not in accepted and "string" not in accepted.get("type", ()):
        # In a block an argument may stand for a word or a list; elsewhere any text is accepted as it is.
        accepted = {"anyOf": [accepted, _ref("Argument")]}
    told = attribute.doc + (f" Elsewhere: {', '.join(attribute.also)}." if attribute.also else "")
    default = {} if attribute.required or attribute.default is None else {"default": attribute.default}
    return {"description": told.replace("``", "`"), **accepted, **default}


def _rooms() -> Iterator[tuple[str, Schema]]:
    """One op or block besides the siblings: a layer with n siblings has n + 1 keys.

    JSON schema cannot count the keys that match; it can ask for one sibling after the other, and say at the
    end how many keys there are.
    """
    for asked, sibling in enumerate(SIBLINGS):
        for n in range(asked + 1):
            there, absent = _ref(f"Room{n + 1}of{asked + 1}"), _ref(f"Room{n}of{asked + 1}")
            yield f"Room{n}of{asked}", {"if": {"required": [sibling]}, "then": there, "else": absent}
    for n in range(len(SIBLINGS) + 1):
        yield f"Room{n}of{len(SIBLINGS)}", {"minProperties": n + 1, "maxProperties": n + 1}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _told(description: str, name: str) -> Schema:
    """A definition with a description of its own; draft-07 ignores whatever stands beside a $ref."""
    return {"description": description, "allOf": [_ref(name)]}


def _map(properties: Schema, required: list[str] | None = None) -> Schema:
    needed = {"required": required} if required else {}
    return {"type": "object", "properties": properties, **needed, "additionalProperties": False}


def _arrays() -> Schema:
    return {"type": "object", "propertyNames": _text(structure.PLACE), "additionalProperties": _ref("Array")}


def _array_or_map() -> Schema:
    return {"anyOf": [_ref("Array"), _arrays()]}


def _variables(values: Schema) -> Schema:
    return {"type": "object", "propertyNames": _DECLARABLE, "additionalProperties": values}


def _pattern(form: re.Pattern[str]) -> str:
    """The whole text in this form; what JSON schema means by ``\\w`` is left to nobody."""
    return f"^({form.pattern.replace(chr(92) + 'w', '[A-Za-z0-9_]')})$"


def _text(form: re.Pattern[str]) -> Schema:
    return {"type": "string", "pattern": _pattern(form)}


def _names(form: re.Pattern[str], *, unique: bool = False) -> Schema:
    several: Schema = {"type": "array", "items": _text(form), "minItems": 1}
    if unique:
        several["uniqueItems"] = True
    return {"anyOf": [_text(form), several]}


_BLOCK = "^[A-Z][A-Za-z0-9_]*$"
_VARIABLE = "^[A-Za-z_][A-Za-z0-9_]*$"
_DECLARABLE = {"pattern": _VARIABLE, "not": {"enum": sorted({*RESERVED, *PADDING_WORDS, REQUIRED})}}
