"""Every example of every document does what the document says, and the tester would notice if it did not."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import documents
import pytest

from convcalc.explain.reference import reference
from convcalc.report.catalogue import entries, page
from convcalc.schema import text as schema_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Golden = Callable[[Path, str], None]

DOCS = documents.ROOT / "docs"
DOCUMENTS = [path for path in (*sorted(DOCS.glob("*.md")), documents.ROOT / "README.md") if path.exists()]


EXAMPLES = [path for path in DOCUMENTS if path.name != "codes.md"]
"""Those of the codes are tried in test_codes."""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_do_what_the_document_says(path: Path, tmp_path: Path, golden: Golden) -> None:
    text = path.read_text(encoding="utf-8")
    if "\n$ git " in text and shutil.which("git") is None:
        pytest.skip("needs git")
    golden(path, documents.refreshed(text, tmp_path))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)[^):]*\)", text):
        assert (path.parent / link).exists(), link


def test_the_reference_of_ops_is_fresh(golden: Golden) -> None:
    golden(DOCS / "ops.md", reference())


def test_the_catalogue_of_specs_is_fresh(golden: Golden) -> None:
    golden(DOCS / "specs.md", page(list(entries())))


def test_the_schema_is_fresh(golden: Golden) -> None:
    golden(DOCS / "convcalc.schema.json", schema_text())


def test_every_rule_of_the_format_has_documents() -> None:
    assert {path.name for path in DOCUMENTS} >= {"spec-format.md", "json.md", "ops.md", "python.md"}


SPEC = "<!-- spec -->\n```yaml\ninput: [3, 8, 8]\nlayers: [relu]\n```\n"
FAILS = "<!-- layers, fails: unknown-op -->\n```yaml\n- conf\n```\n"
MESSAGE = "```text\nunknown-op: there is no op 'conf'\n  fix: did you mean 'conv'?\n```\n"
FILE = "<!-- file: net.yaml -->\n```yaml\ninput: [3, 8, 8]\nlayers: [relu]\n```\n"
SOUND = "```toml\npaths = ['nets']\n```\n"
CONSOLE = "```console\n$ convcalc check net.yaml\n1 spec, 1 net: no findings\n```\n"
PYTHON = "```python\nx = 2\nprint(x + 1)\n```\n"
PRINTED = "```text\n3\n```\n"
TORCH = "<!-- torch -->\n"


@pytest.mark.parametrize(
    "text",
    [
        SPEC,
        FAILS + MESSAGE,
        FILE + CONSOLE,
        SOUND,
        PYTHON + PRINTED,
        PYTHON + PRINTED + "```python\nassert x == 2\n```\n",
        FILE.replace("net.yaml", "nets/net.yaml") + CONSOLE.replace("net.yaml", "nets"),
        "```console\n$ git init -q -b main\n$ git symbolic-ref HEAD\nrefs/heads/main\n```\n",
    ],
)
def test_what_is_true_stays_as_it_is(text: str, tmp_path: Path) -> None:
    assert documents.refreshed(text, tmp_path) == text


@pytest.mark.parametrize(
    ("right", "stale"),
    [
        (FAILS + MESSAGE, FAILS + MESSAGE.replace("'conv'", "'concat'")),
        (FILE + CONSOLE, FILE + CONSOLE.replace("1 net", "2 nets")),
        (FILE + CONSOLE, FILE + "```console\n$ convcalc check net.yaml\n```\n"),
        (FAILS + "\n" + MESSAGE, FAILS),
        (FAILS + "\n" + MESSAGE + SPEC, FAILS + SPEC),
        (PYTHON + PRINTED, PYTHON + PRINTED.replace("3", "4")),
        (PYTHON + "\n" + PRINTED, PYTHON),
    ],
)
def test_what_is_stale_is_noticed_and_rewritten(right: str, stale: str, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    path = tmp_path / "document.md"
    path.write_text(stale, encoding="utf-8")
    now = documents.refreshed(stale, tmp_path / "run")
    with pytest.raises(pytest.fail.Exception, match=r"document\.md is stale"):
        documents.golden(path, now, update=False)
    documents.golden(path, now, update=True)
    assert path.read_text(encoding="utf-8") == right


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SPEC.replace("relu", "conf"), "said to pass:\nunknown-op"),
        (FAILS.replace("unknown-op", "two-ops") + MESSAGE, "said to fail with 'two-ops':\nunknown-op"),
        (FAILS.replace("conf", "relu") + MESSAGE, "said to fail with 'unknown-op':\nit passes"),
        (FAILS + SPEC + MESSAGE, "stands below a spec that fails"),
        (MESSAGE, "stands below a spec that fails"),
        (SPEC.replace("<!-- spec -->\n", ""), "write one of"),
        (SPEC.replace("spec", "file: net.yaml, spec"), "write one of"),
        (SPEC.replace("```\n", "", 1)[:-4], "never closed"),
        (SPEC.replace("yaml", "yml"), "nothing is known"),
        (SOUND.replace("paths", "pahts"), "said to be sound:\n.*no key 'pahts'"),
        ("```console\nconvcalc check net.yaml\n```\n", "starts with a command"),
        ("```console\n$ rm net.yaml\n```\n", "and not rm"),
    ],
)
def test_what_is_not_so_is_refused(text: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(documents.Mistake, match=why):
        documents.refreshed(text, tmp_path)


@pytest.mark.parametrize(
    "text", [PYTHON + PRINTED.replace("3", "4"), PYTHON, FILE + TORCH + CONSOLE.replace("1 net", "2 nets")]
)
def test_what_needs_torch_is_left_where_it_is_not(text: str, tmp_path: Path) -> None:
    text = text if TORCH in text else TORCH + text
    for after in ("", "\n" + PYTHON + PRINTED):
        assert documents.refreshed(text + after, tmp_path) == text + after
    assert documents.refreshed(text, tmp_path, torch=True) != text


def test_only_the_text_right_below_is_left(tmp_path: Path) -> None:
    with pytest.raises(documents.Mistake, match="stands below a spec that fails"):
        documents.refreshed(TORCH + PYTHON + PRINTED + PRINTED, tmp_path)


def test_a_mistake_in_python_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        documents.refreshed("\n\n```python\nx = 1\nx / 0\n```\n", tmp_path)
    assert caught.traceback[-1].lineno + 1 == 5


def test_golden_is_content_with_the_same_text(tmp_path: Path, golden: Golden) -> None:
    (tmp_path / "x").write_text("a\n", encoding="utf-8")
    golden(tmp_path / "x", "a\n")
