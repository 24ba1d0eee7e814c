"""What each code of a finding means: one file a code, beside this module, found by its name.

A file is Markdown: the code as a heading, why it matters, and where a text can show it a spec that is wrong and one
that is right, each in a block of YAML.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from convcalc.diagnostics import Misuse, did_you_mean

_BLOCK = re.compile(r"^(Wrong|Right):\n\n```yaml\n(.*?)^```$", re.M | re.S)


class Explanation(NamedTuple):
    """A code, its meaning in a sentence, the whole text in Markdown, and the specs in it, empty where there is none."""

    code: str
    summary: str
    text: str
    wrong: str = ""
    right: str = ""


def names() -> list[str]:
    """Every code, sorted."""
    return sorted(file[:-3] for file in os.listdir(os.path.dirname(__file__)) if file.endswith(".md"))


def explain(code: str) -> Explanation:
    """The explanation of a code; raises Misuse where there is no such code."""
    known = names()
    if code not in known:
        raise Misuse(f"there is no code '{code}': {did_you_mean(code, known)}")
    with open(os.path.join(os.path.dirname(__file__), f"{code}.md"), encoding="utf-8") as file:
        text = file.read()
    summary = text.split("\n\n")[1].replace("\n", " ").partition(". ")[0].removesuffix(".")
    specs = dict(_BLOCK.findall(text))
    return Explanation(code, summary, text, specs.get("Wrong", ""), specs.get("Right", ""))
