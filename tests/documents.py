"""Documents whose examples are run: every specification in them is checked, every output is what really comes out.

A fenced block is what its language says, and the HTML comment on the line above it:

    ```yaml          under <!-- spec -->            a whole spec: it passes `convcalc check`
                     under <!-- keys -->            top-level keys; input and layers are added where they lack
                     under <!-- layers -->          a list of layers, for an input of 8 channels and 32x32
                     with `fails: CODE` as well     its findings bear this code; the block below tells them
                     under <!-- file: x.yaml -->    written where the commands below find it
    ```toml          a configuration: it is sound, or is written where the commands below find it, as above
    ```console       `$ convcalc ...` or `$ git ...` and its output, several times over if need be
    ```python        run in one namespace for the document; the ```text block below it is what it prints
    ```text          generated: the findings of the spec above it, or what the Python above it prints
    ```sh            for people

What stands under <!-- torch --> needs PyTorch: it is run where the oracle is, and left as it is elsewhere.

`refreshed` gives the document back with all that is generated as it is now.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from convcalc.checks.configuration import configuration
from convcalc.checks.specs import check_spec
from convcalc.diagnostics import SpecError

ROOT = Path(__file__).parent.parent
INPUT = "input: [8, 32, 32]\n"
"""What fragments are completed with."""

_DIRECTIVES = re.compile(r"<!-- *(.+?) *-->")
_FORMS = ("spec", "keys", "layers")
_PROGRAMS = {"convcalc": [sys.executable, "-m", "convcalc"], "git": ["git"]}
_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "reader" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}
"""Nobody's own configuration of git."""


class Mistake(AssertionError):
    """An example of a document is not what the document says of it."""


class Block(NamedTuple):
    """A fenced block: its language, what the comment above it says, its lines, and the number of its first line."""

    language: str
    directives: dict[str, str]
    lines: list[str]
    line: int

    @property
    def text(self) -> str:
        return "".join(line + "\n" for line in self.lines)

    def mistake(self, message: str) -> Mistake:
        return Mistake(f"line {self.line}: {message}")


def golden(path: Path, text: str, *, update: bool) -> None:
    """Hold a file to a text, or make it so."""
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    if found != text:
        lines = found.splitlines(), text.splitlines()
        told = "\n".join(difflib.unified_diff(*lines, "in the file", "as it is now", lineterm="", n=1))
        pytest.fail(f"{path.name} is stale, `pytest --update` rewrites it:\n{told}", pytrace=False)


def refreshed(text: str, folder: Path, *, torch: bool = False) -> str:
    """The document with its generated parts as they are now; ``folder`` is an empty one to run commands in.

    With ``torch`` what needs PyTorch is run too. Raises Mistake where an example does not do what the document says.
    """
    return _Document(text, folder, torch=torch).refreshed()


class _Document:
    def __init__(self, text: str, folder: Path, *, torch: bool) -> None:
        self.lines = text.split("\n")
        self.folder = folder
        self.torch = torch
        self.left = False
        """Whether the block above was left as it is."""
        self.namespace: dict[str, Any] = {"__name__": "__document__"}
        self.pending: str | None = None
        """What the next block has to tell."""

    def refreshed(self) -> str:
        out: list[str] = []
        row = 0
        while row < len(self.lines):
            line = self.lines[row]
            row += 1
            if not line.startswith("```"):
                out.append(line)
                continue
            end = next((r for r in range(row, len(self.lines)) if self.lines[r] == "```"), None)
            above = next((said for said in reversed(out) if said.strip()), "")
            block = Block(line[3:].strip(), _directives(above), self.lines[row:end], row + 1)
            if end is None:
                raise block.mistake("this block is never closed")
            out += [line, *self.block(block), "```"]
            row = end + 1
            if self.pending is not None and self.following(row) != "```text":
                out += ["", "```text", *self.told(), "```"]
        return "\n".join(out)

    def following(self, row: int) -> str:
        """The next line that says something."""
        return next((line for line in self.lines[row:] if line.strip()), "")

    def told(self) -> list[str]:
        """What is pending, as lines."""
        told, self.pending = self.pending or "", None
        return told.split("\n")

    def block(self, block: Block) -> list[str]:
        """The lines of a block as they are now."""
        if self.left and block.language == "text":
            self.left = False
            return block.lines
        self.left = "torch" in block.directives and not self.torch
        if self.left:
            return block.lines
        if block.language == "text":
            if self.pending is None:
                raise block.mistake("a ```text block stands below a spec that fails, or below Python that prints")
            return self.told()
        if block.language == "console":
            return self.console(block)
        if block.language == "yaml":
            self.spec(block)
        elif block.language == "toml":
            self.configuration(block)
        elif block.language == "python":
            self.python(block)
        elif block.language != "sh":
            raise block.mistake(f"nothing is known of a block of {block.language}")
        return block.lines

    def console(self, block: Block) -> list[str]:
        commands = [line for line in block.lines if line.startswith("$ ")]
        if not block.lines or block.lines[0] not in commands:
            raise block.mistake("a console block starts with a command: $ convcalc shape lenet5")
        out: list[str] = []
        for command in commands:
            out += [command, *run(command[2:], self.folder).rstrip("\n").splitlines()]
        return out

    def spec(self, block: Block) -> None:
        forms = [form for form in _FORMS if form in block.directives]
        name = block.directives.get("file", "")
        if len(forms) + bool(name) != 1:
            told = " -->, <!-- ".join((*_FORMS, "file: NAME"))
            raise block.mistake(f"write one of <!-- {told} --> above this block of yaml")
        path = self.folder / (name or "spec.yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(completed(block.text, *forms), encoding="utf-8")
        if name:
            return
        found = check_spec(str(path)).findings
        if "spec" not in forms:  # a fragment declares what others would use
            found = tuple(finding for finding in found if finding.severity == "error")
        told = "\n".join(f"{f.code}: {f.message}" + (f"\n  fix: {f.fix}" if f.fix else "") for f in found)
        code = block.directives.get("fails")
        if code is None and found:
            raise block.mistake(f"this spec is said to pass:\n{told}")
        if code is not None:
            if {f.code for f in found} != {code}:
                raise block.mistake(f"this spec is said to fail with '{code}':\n{told or 'it passes'}")
            self.pending = told

    def configuration(self, block: Block) -> None:
        name = block.directives.get("file", "")
        path = self.folder / (name or "example.toml")
        path.write_text(block.text, encoding="utf-8")
        if not name:
            try:
                configuration(str(path))
            except SpecError as error:
                raise block.mistake(f"this configuration is said to be sound:\n{error}") from None

    def python(self, block: Block) -> None:
        printed = io.StringIO()
        code = compile("\n" * (block.line - 1) + block.text, "document", "exec")
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(printed):
            exec(code, self.namespace)  # noqa: S102  # our own document
        self.pending = printed.getvalue().rstrip("\n") or None


def _directives(line: str) -> dict[str, str]:
    """``<!-- layers, fails: code -->`` as a dict."""
    match = _DIRECTIVES.fullmatch(line.strip())
    parts = (part.partition(":") for part in match[1].split(",")) if match else ()
    return {key.strip(): value.strip() for key, _, value in parts}


def completed(text: str, form: str = "spec") -> str:
    """A fragment made a whole spec."""
    if form == "layers":
        return INPUT + "layers:\n" + "".join(f"  {line}\n" for line in text.splitlines())
    if form == "keys":
        text += "" if re.search(r"^input:", text, re.M) else INPUT
        text += "" if re.search(r"^layers:", text, re.M) else "layers: [relu]\n"
    return text


def run(command: str, folder: Path) -> str:
    """What a command line prints, on both streams, to a pipe of 80 columns."""
    name, *arguments = shlex.split(command)
    if name not in _PROGRAMS:
        raise Mistake(f"a document runs convcalc and git, and not {name}")
    keep = {key: value for key, value in os.environ.items() if key not in ("CONVCALC_DEBUG", "FORCE_COLOR")}
    environment = {
        **{key: value for key, value in keep.items() if not key.startswith("GIT_")}, **_GIT,
        "COLUMNS": "80", "NO_COLOR": "1", "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8",
    }  # fmt: skip
    return subprocess.run(
        [*_PROGRAMS[name], *arguments],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, encoding="utf-8", timeout=60, check=False,
    ).stdout  # fmt: skip
