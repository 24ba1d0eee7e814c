"""The specs in ``errors``: each shows a mistake, beside it how it is reported, and what follows from the fix.

    x.yaml          a mistake
    x.txt           what ``convcalc check`` says of it
    x.fixed.yaml    the same after the fix that is proposed first, for a mistake in the graph

``pytest --update`` writes the texts, and those corrected specs that need no judgement.
"""

from __future__ import annotations

import ast
import difflib
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fixes import carried_out
from test_spec_errors import MISTAKES

import convcalc
from convcalc.checks.specs import check_spec
from convcalc.report.findings import print_findings
from convcalc.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convcalc.diagnostics import Diagnostic

ERRORS = Path(__file__).parent / "errors"
NAMES = sorted(path.stem for path in ERRORS.glob("*.yaml") if not path.stem.endswith(".fixed"))
OF_THE_GRAPH = [name for name in NAMES if name not in MISTAKES and not name.startswith("several-")]
"""Others are about reading, and held to what they say in test_spec_errors, or show several mistakes at once."""


@pytest.fixture(autouse=True)
def _beside_the_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ERRORS.parent)


def findings(name: str) -> tuple[Diagnostic, ...]:
    return check_spec(f"errors/{name}.yaml").findings


def corrected(name: str, text: str, folder: Path) -> tuple[Diagnostic, ...]:
    """The errors in a text under the name of a file: the names of variants start with it.

    Lints are left out: where a number takes the place of a variable, the variable may well be unused.
    """
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return tuple(finding for finding in check_spec(str(path)).findings if finding.severity == "error")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said(name: str, golden: Callable[[Path, str], None]) -> None:
    out = io.StringIO()
    print_findings(findings(name), out)
    golden(ERRORS / f"{name}.txt", out.getvalue())


@pytest.mark.parametrize("name", NAMES)
def test_every_finding_is_complete(name: str) -> None:
    found = findings(name)
    assert found
    for finding in found:
        assert finding.source is not None
        assert finding.span is not None, finding
        line = finding.source.line(finding.span.line)
        assert 1 <= finding.span.column <= max(1, len(line))
        assert finding.span.width >= 1
        assert re.fullmatch(r"[a-z-]+", finding.code)
        for sentence in (finding.message, finding.fix, *(note.message for note in finding.notes)):
            assert sentence == sentence.strip() != ""
            assert "\n" not in sentence
            assert not sentence.endswith(".")
            assert len(sentence) < 250


@pytest.mark.parametrize("name", OF_THE_GRAPH)
def test_fixes_that_need_no_judgement_work(name: str, tmp_path: Path) -> None:
    """Each alternative removes its finding and brings no other."""
    source = Source(name, (ERRORS / f"{name}.yaml").read_text())
    found = findings(name)
    for finding in found:
        for fix, text in carried_out(source, finding).items():
            assert text != source.text
            left = corrected(name, text, tmp_path)
            kept = {(other.code, other.message) for other in left}
            before = {(other.code, other.message) for other in found if other != finding}
            assert kept <= before, f"{fix}\n{text}"


@pytest.mark.parametrize("name", OF_THE_GRAPH)
def test_the_first_fixes_make_a_sound_spec(
    name: str, tmp_path: Path, golden: Callable[[Path, str], None], request: pytest.FixtureRequest
) -> None:
    wrong = (ERRORS / f"{name}.yaml").read_text()
    path = ERRORS / f"{name}.fixed.yaml"
    text = carried_out_first(name, wrong, tmp_path)
    if text is not None:
        golden(path, text)
    right = path.read_text()
    assert not corrected(name, right, tmp_path)
    found = findings(name)
    changed = changed_lines(wrong, right)
    assert changed <= near(wrong, found)
    assert len(changed) <= 3


def carried_out_first(name: str, text: str, folder: Path) -> str | None:
    """The text after the first alternative of every finding, None where one needs judgement."""
    for _ in range(9):
        found = corrected(name, text, folder)
        if not found:
            return text
        results = carried_out(Source(name, text), found[0])
        if not results:
            return None
        text = next(iter(results.values()))
    raise AssertionError("the fixes lead nowhere")


def changed_lines(wrong: str, right: str) -> set[int]:
    """Numbers of the lines that a correction touches; something inserted counts to the line in front of it."""
    matcher = difflib.SequenceMatcher(None, wrong.split("\n"), right.split("\n"), autojunk=False)
    changed: set[int] = set()
    for what, start, stop, _, _ in matcher.get_opcodes():
        if what != "equal":
            changed.update(range(start + 1, stop + 1) or [start])
    return changed


def near(text: str, found: tuple[Diagnostic, ...]) -> set[int]:
    """Lines beside what the findings show, and those that declare the sizes."""
    lines = {span.line for finding in found for span in (finding.span, *(n.span for n in finding.notes)) if span}
    named = {word for finding in found for word in re.findall(r"\w+", finding.fix)}
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(("vars:", "input:")) or any(f"name: {word}" in line for word in named):
            lines.add(number)
    return {line + offset for line in lines for offset in range(-4, 5)}


def test_most_fixes_need_no_judgement() -> None:
    """If the language of fixes changed, the tests above would hold of nothing."""
    plain = [
        name
        for name in OF_THE_GRAPH
        if all(carried_out(Source(name, (ERRORS / f"{name}.yaml").read_text()), f) for f in findings(name))
    ]
    assert len(plain) > len(OF_THE_GRAPH) // 2


# several mistakes in one file


SEVERAL = {
    "several-attributes": [
        (3, "unknown-attribute"),
        (3, "unknown-attribute"),
        (4, "unknown-op"),
        (6, "out-of-range"),
        (6, "wrong-type"),
        (7, "missing-argument"),
        (9, "unknown-op"),
        (10, "unknown-layer"),
        (11, "kernel-too-large"),
    ],
    "several-shapes": [
        (4, "kernel-too-large"),
        (6, "padding-too-large"),
        (8, "indivisible-groups"),
        (8, "wrong-in-channels"),
        (9, "crop-too-large"),
        (10, "shapes-disagree"),
    ],
    "several-variables": [
        (1, "unknown-name"),
        (1, "unknown-name"),
        (7, "indivisible-groups"),
        (11, "unknown-name"),
        (13, "kernel-too-large"),
        (15, "out-of-range"),
    ],
    "several-kinds": [
        (1, "not-an-integer"),
        (4, "unknown-op"),
        (7, "unknown-key"),
        (8, "kernel-too-large"),
        (14, "bound"),
        (15, "ragged-array"),
    ],
}
"""All that is independent is told at once; what only follows from another mistake is not told at all."""


@pytest.mark.parametrize("name", SEVERAL)
def test_independent_mistakes_are_told_at_once_and_no_other(name: str) -> None:
    told = [(finding.span and finding.span.line, finding.code) for finding in findings(name)]
    assert sorted(told) == sorted(SEVERAL[name])
    assert [line for line, _ in told] == [line for line, _ in SEVERAL[name]]


# every kind of mistake


CODE = {"Problem": 0, "Diagnostic": 0, "Demand": 3, "add": 1, "at": 1, "once": 1, "_at": 3}
"""Where the code of a finding stands among the arguments of what makes one."""

ELSEWHERE = {
    "free-variable": "only --free and Python leave a variable open: test_carrying.py",
    "not-plain": "only data from Python can hold what YAML cannot: test_spec_reader.py",
    "too-many-values": "the file would have megabytes: test_hostile.py",
    "too-many-variables": "the file would be long: test_hostile.py",
    "undecided": "the same: test_carrying.py",
    **dict.fromkeys(("configuration", "toml"), "mistakes of a configuration: test_codes.py"),
    **dict.fromkeys(("bad-ignore", "unused-ignore", "not-run"), "no mistakes of a spec: test_codes.py"),
    **dict.fromkeys(("drift", "not-locked"), "what a baseline says: test_lock.py"),
    "observed": "what only a defect shows: test_observed.py",
    "unread": "only solve asks for it: test_domains.py",
    "wanted": "the same: test_domains.py",
    "yaml": "what no rule of spec/syntax.py explains: test_spec_document.py",
}


def codes(tree: ast.AST) -> Iterator[str]:
    """The codes of the findings that a module can make."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = CODE.get(name, len(node.args))
        code = node.args[place] if place < len(node.args) else None
        if isinstance(code, ast.Constant) and isinstance(code.value, str):
            yield code.value
        elif name == "same_channels" and isinstance(node.args[1], ast.Constant):
            yield f"wrong-{node.args[1].value}".replace("_", "-")


def test_codes_are_seen() -> None:
    tree = ast.parse('Problem("a", "m"); demands.append(Demand(n, ">=", 1, "b", r)); same_channels(op, "in_x", n)')
    assert set(codes(tree)) == {"a", "b", "wrong-in-x"}


def test_every_kind_of_mistake_has_a_spec() -> None:
    package = Path(convcalc.__file__).parent
    modules = [
        path for path in package.rglob("*.py") if path.relative_to(package).parts[0] not in ("kernels", "tensors")
    ]
    raised = {code for path in modules for code in codes(ast.parse(path.read_text()))}
    assert len(raised) > 60
    shown = {finding.code for name in NAMES for finding in findings(name)}
    assert raised - ELSEWHERE.keys() <= shown


@pytest.mark.parametrize("name", NAMES)
def test_files_stand_together(name: str) -> None:
    assert (ERRORS / f"{name}.txt").exists()
    assert name not in OF_THE_GRAPH or (ERRORS / f"{name}.fixed.yaml").exists()


def test_nothing_is_left_over() -> None:
    for path in ERRORS.iterdir():
        assert path.name.split(".")[0] in NAMES, path
