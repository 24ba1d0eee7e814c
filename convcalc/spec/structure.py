"""Checks that every section needs: that a value is a map, a text, a name, an expression, a shape."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import Problem, did_you_mean
from convcalc.expressions import PADDING_WORDS, RESERVED, is_name, parse
from convcalc.spec.bounds import of_a_budget
from convcalc.spec.model import REQUIRED

if TYPE_CHECKING:
    from collections.abc import Collection

    from convcalc.spec.findings import Findings
    from convcalc.spec.model import Path

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""The name of a layer, an input or a variant."""

TENSOR = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.\w+)?", re.ASCII)
"""A name, and perhaps a port: ``split_1.0``, ``pool1.indices``."""

PLACE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(/[A-Za-z0-9_-]+)*(\.\w+)?", re.ASCII)
"""A tensor anywhere in the net: ``stage2/3/conv_1``."""

_NAMES = "a name has letters, digits, _ and -, and starts with a letter"


def kind(value: Any) -> str:
    """What a value is, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text '{value if len(value) <= 40 else value[:37] + '...'}'"
    return "a list" if isinstance(value, list) else "a map"


def mapping(found: Findings, value: Any, path: Path, what: str, example: str) -> dict[str, Any]:
    """The value if it is a map; a finding and an empty one if not."""
    if isinstance(value, dict):
        return value
    found.add(path, "not-a-map", f"{what} is a map, and this is {kind(value)}", f"write it as in `{example}`")
    return {}


def known_keys(found: Findings, value: dict[str, Any], path: Path, known: Collection[str], what: str) -> None:
    """A finding for every key that is not known."""
    for key in value:
        if key not in known:
            found.add((*path, key), "unknown-key", f"{what} has no key '{key}'", did_you_mean(key, known), key=True)


def text(found: Findings, value: Any, path: Path, what: str) -> str:
    """The value if it is a text; a finding and an empty one if not."""
    if isinstance(value, str):
        return value
    fix = f'write it in quotes: "{value}"' if isinstance(value, (int, float)) else "write a text"
    found.add(path, "not-text", f"{what} is a text, and this is {kind(value)}", fix)
    return ""


def name(found: Findings, value: Any, path: Path, what: str, form: re.Pattern[str] = NAME, *, key: bool = False) -> str:
    """The value if it is a name; a finding and an empty one if not."""
    if isinstance(value, str) and form.fullmatch(value):
        return value
    found.add(path, "bad-name", f"{kind(value)} is not {what}".removeprefix("the text "), _NAMES, key=key)
    return ""


def names(found: Findings, value: Any, path: Path, what: str, form: re.Pattern[str] = NAME) -> list[str]:
    """One name, or a list of them."""
    if not isinstance(value, list):
        one = name(found, value, path, what, form)
        return [one] if one else []
    if not value:
        found.add(path, "empty-list", "this list of names is empty", "name one, or remove the key")
    return [one for i, entry in enumerate(value) if (one := name(found, entry, (*path, i), what, form))]


def declarable(found: Findings, variable: str, path: Path, what: str) -> bool:
    """Whether a variable or an argument may be called so."""
    if variable in RESERVED or variable in PADDING_WORDS or variable == REQUIRED:
        message = f"'{variable}' has a meaning of its own, so {what} cannot be called so"
        found.add(path, "reserved-name", message, f"call it '{variable}_'", key=True)
        return False
    if not is_name(variable):
        fix = "use letters, digits and _, and start with a letter"
        found.add(path, "bad-name", f"'{variable}' cannot name {what}", fix, key=True)
        return False
    return True


def number(found: Findings, value: Any, path: Path, what: str) -> int | str | None:
    """An integer, or an expression, of which the syntax is checked; a finding and None if neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            parse(value)
        except Problem as problem:
            found.problem(path, problem)
            return None
        return value
    fix = "write a whole number or an expression"
    found.add(path, "not-an-integer", f"{what} is an integer, and this is {kind(value)}", fix)
    return None


def shape(found: Findings, value: Any, path: Path, what: str, example: str) -> list[int | str]:
    """A list of sizes, each an integer or an expression."""
    if not isinstance(value, list):
        found.add(path, "not-a-list", f"{what} is a list, and this is {kind(value)}", f"write it as in `{example}`")
        return []
    sizes = [number(found, size, (*path, i), "a size") for i, size in enumerate(value)]
    return [size for size in sizes if size is not None]


def expectations(found: Findings, value: Any, path: Path) -> dict[str, Any]:
    """The map after ``expect``: integers, expressions, and lists of them; ``outputs`` maps names to shapes."""
    given = mapping(found, value, path, "expect", "expect: {params: 100}")
    for key, claim in given.items():
        place = (*path, key)
        if key == "outputs":
            claims = mapping(found, claim, place, "outputs", "outputs: {logits: [1000]}")
            for output, size in claims.items():
                shape(found, size, (*place, output), "the shape of an output", f"{output}: [1000]")
        elif key in ("output", "shape") or isinstance(claim, list):
            shape(found, claim, place, f"the {key}", f"{key}: [64, 7, 7]")
        elif isinstance(claim, str) and (problem := of_a_budget(key, claim)):
            found.problem(place, problem)
        else:
            number(found, claim, place, f"the claim '{key}'")
    return given
