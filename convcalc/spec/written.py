"""How a line of a spec is written: where a value in it ends, what is not quoted, what lacks a space."""

from __future__ import annotations

import re

SIBLINGS = ("name", "from", "repeat", "when", "share", "expect")
"""The keys that stand beside the op of a layer."""

MAX_LINE = 1000
"""Nobody wrote a longer line by hand: no mistake in it is explained at length."""

OPENERS = {"[": "]", "{": "}"}
"""What each bracket is closed by."""

_KEY_WITHOUT_SPACE = re.compile(r"([A-Za-z_][\w.-]*):(?=[^\s:/])")


def quoted(text: str) -> str:
    """The text as a quoted YAML scalar."""
    return f'"{text}"' if '"' not in text and "\\" not in text else "'" + text.replace("'", "''") + "'"


def spaced(text: str) -> str:
    """The fix for ``kernel_size:3`` and ``-relu``; nothing when no space is missing."""
    text = text.strip()
    if re.match(r"-[A-Za-z_]", text):
        return f"write `- {text[1:]}`"
    match = _KEY_WITHOUT_SPACE.match(text)
    return f"write `{match[1]}: {text[match.end() :]}`" if match else ""


def value_at(line: str, column: int) -> str:
    """The whole value that starts at a column: up to a comment, or, inside brackets, to what ends an entry."""
    return entry(line[column:], inside=open_brackets(line[:column]) > 0)


def entry(text: str, *, inside: bool = True) -> str:
    """The value a text starts with, whole even where a comma stands within parentheses."""
    depth = 0
    before = ""
    for end, character in enumerate(text):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth < 0 and character != ")":
                return text[:end].rstrip()
        elif (character == "," and depth == 0 and inside) or (character == "#" and before in (" ", "\t")):
            return text[:end].rstrip()
        before = character
    return text.rstrip()


def open_brackets(text: str) -> int:
    """How many brackets a text opens and does not close."""
    return sum(text.count(opener) - text.count(closer) for opener, closer in OPENERS.items())
