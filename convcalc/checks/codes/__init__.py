"""What each code of a finding means: one file a code, beside this module, found by its name.

A file is Markdown: the code as a heading, why it matters, and where a text can show it one that is wrong and one that
is right, each in a block: specs in YAML, configurations in TOML.
"""

from __future__ import annotations

import os
import re
from functools import cache
from textwrap import indent
from typing import NamedTuple

from convcalc.diagnostics import Misuse, did_you_mean

_FENCED = re.compile(r"^```\w+\n(.*?)^```$", re.M | re.S)


class Explanation(NamedTuple):
    """A code, its meaning in a sentence, the whole text in Markdown, and its two examples, where there are any."""

    code: str
    summary: str
    text: str
    wrong: str = ""
    right: str = ""

    @property
    def plain(self) -> str:
        """The text for a terminal: without signs of Markdown, examples indented."""
        told = _FENCED.sub(lambda block: indent(block[1].rstrip("\n"), "  "), self.text)
        return told.removeprefix("# ").replace("`", "")


@cache
def names() -> tuple[str, ...]:
    """Every code, sorted."""
    return tuple(sorted(file[:-3] for file in os.listdir(os.path.dirname(__file__)) if file.endswith(".md")))


def explain(code: str) -> Explanation:
    """The explanation of a code; raises Misuse where there is no such code."""
    known = names()
    if code not in known:
        raise Misuse(f"there is no code '{code}': {did_you_mean(code, known)}")
    with open(os.path.join(os.path.dirname(__file__), f"{code}.md"), encoding="utf-8") as file:
        text = file.read()
    summary = text.split("\n\n")[1].replace("\n", " ").partition(". ")[0].removesuffix(".")
    return Explanation(code, summary, text, *_FENCED.findall(text))


def reference() -> str:
    """The document with every code, in Markdown."""
    head = (
        "# Codes of findings\n\nGenerated. `convcalc explain-code CODE` tells of one, `convcalc explain-code` lists "
        "all. Codes are stable.\n\n"
    )
    return head + "\n".join(re.sub("^# ", "## ", explain(code).text) for code in names())
