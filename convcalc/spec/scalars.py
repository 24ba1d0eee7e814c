"""What a plain scalar means, by our own rule: none of YAML 1.1's dates, octals, sexagesimals, or ``NO``."""

from __future__ import annotations

import re

from convcalc.diagnostics import Problem
from convcalc.expressions import LIMIT

_DIGITS = r"[0-9]+(?:_[0-9]+)*"
_INTEGER = re.compile(rf"[-+]?{_DIGITS}")
_FLOAT = re.compile(rf"[-+]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_STARTS = frozenset("0123456789+-.")


def scalar(text: str) -> int | float | bool | str | None:
    """The value of an unquoted scalar: integer, float, true, false, null, else the text itself.

    ``010`` is ten, ``1_000`` a thousand, ``1e3`` a float. Raises Problem (``too-large``) for an integer
    past 63 bits and a float past the largest.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _STARTS:
        return text
    if _INTEGER.fullmatch(text):
        # The length first: int() of a million digits takes its time.
        if len(text) > 18 and len(text.replace("_", "").lstrip("+-0")) > 19:
            raise _too_large("63 bits")
        value = int(text)
        if not -LIMIT < value < LIMIT:
            raise _too_large("63 bits")
        return value
    if _FLOAT.fullmatch(text):
        number = float(text)
        if number - number != 0:
            raise _too_large("a float")
        return number
    return text


def _too_large(room: str) -> Problem:
    return Problem("too-large", f"the number does not fit in {room}", "write a smaller number")
