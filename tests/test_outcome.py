"""What a check found, in every format: whole renderings, whatever hostile names and messages may hold.

``outcomes/CASE.ENDING`` are the renderings; ``pytest --update`` rewrites them.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import documents
import jsonschema
import pytest

import convcalc
from convcalc.checks import codes
from convcalc.checks.difference import compare
from convcalc.checks.outcome import Checked, Outcome, Unread
from convcalc.checks.specs import check_spec
from convcalc.cli import main
from convcalc.diagnostics import Diagnostic, Note
from convcalc.report.difference import write_difference
from convcalc.report.difference.compared import Compared
from convcalc.report.outcome import FORMATS, sarif, write_outcome
from convcalc.report.outcome.github import COMMANDS
from convcalc.report.outcome.places import placed
from convcalc.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Callable

OUTCOMES = Path(__file__).parent / "outcomes"
ENDINGS = {
    "text": ".txt", "json": ".json", "github": ".github.txt", "sarif": ".sarif", "junit": ".xml",
    "gitlab": ".gitlab.json", "markdown": ".md",
}  # fmt: skip

WRONG = """\
input: [3, 8, 8]
layers:
  - conv: {out_channels: 8, kernel_size: 11}
  - add:
    - - conv: {out_channels: 4, kernel_size: 1}
    - []
  - rellu
"""
SOUND = "input: [3, 8, 8]\nlayers: [relu]\nvariants: {sound_too: {vars: {}}}\n"

HOSTILE = (
    "100% ::error file=x::y\r\n::warning name=a::b\n##[add-mask]c | `d` <script>alert(1)</script> ]]> & \x00\x1b[31m"
)
ODD = Source("odd, name:%50|`x`#é.yaml", "a: 1\n  b: [é, c]\n")
PLACED = f"nets/{ODD.path}"
SEVERAL = (
    Diagnostic("rest", "only for information", severity="info", source=ODD, span=Span(1, 1)),
    Diagnostic(
        "first", HOSTILE, HOSTILE, ODD, Span(2, 7, 1),
        (Note(HOSTILE, Span(1, 1, 4)), Note("somewhere")), "warning", ("v1", "v2"),
    ),
    Diagnostic("second", "no place at all"),
    Diagnostic("second", "twice on one line", source=ODD, span=Span(2, 3)),
    Diagnostic("second", "twice on one line, again", source=ODD, span=Span(2, 7)),
)  # fmt: skip


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder inside a repository, which is where commands run."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "nets" / "deep").mkdir(parents=True)
    (tmp_path / "nets" / "wrong.yaml").write_text(WRONG)
    (tmp_path / "nets" / "deep" / "sound.yaml").write_text(SOUND)
    monkeypatch.chdir(tmp_path / "nets")
    return tmp_path


def outcome(name: str) -> Outcome:
    if name == "clean":
        return Outcome((check_spec("deep/sound.yaml"),))
    if name == "findings":
        unread = Unread("missing.yaml", "missing.yaml: no such file or directory")
        return Outcome((check_spec("wrong.yaml"), check_spec("deep/sound.yaml")), (unread,))
    files = Checked(ODD.path, SEVERAL, 3), Checked("info\n\udcff.yaml", SEVERAL[:1], 1)
    return Outcome(files, (Unread("a\n::b\udcff", HOSTILE),))


def rendered(name: str, outcome: Outcome) -> str:
    file = io.StringIO()
    write_outcome(name, outcome, file)
    return file.getvalue()


CASES = ("clean", "findings", "hostile")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("case", CASES)
def test_renderings(
    case: str, name: str, repository: Path, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What explains a code, and what the version is, belong to other tests.
    monkeypatch.setattr(sarif, "names", list)
    monkeypatch.setattr(sarif, "__version__", "0")
    text = rendered(name, outcome(case))
    assert text.encode()
    if not (case == "hostile" and name == "text"):
        assert "\x1b" not in text
        assert "\x00" not in text
        golden(OUTCOMES / f"{case}{ENDINGS[name]}", text)


def test_every_format_is_rendered() -> None:
    assert ENDINGS.keys() == {*FORMATS}
    assert {path.name for path in OUTCOMES.iterdir()} == {
        f"{case}{ending}" for case in CASES for name, ending in ENDINGS.items() if (case, name) != ("hostile", "text")
    }


# GitHub


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    data: str


def commands(text: str) -> list[Command]:
    """The commands that a runner sees: lines that start with ``::``, unescaped as it does."""
    found = []
    for line in re.split("\r\n|\r|\n", text):
        if match := re.match(r"\s*::(\w+) ?(.*?)::(.*)", line):
            pairs = (pair.split("=", 1) for pair in match[2].split(",") if pair)
            values = {key: unescaped(value, ":,") for key, value in pairs}
            found.append(Command(match[1], values, unescaped(match[3])))
    return found


def unescaped(text: str, more: str = "") -> str:
    for character in "\r\n" + more:
        text = text.replace(f"%{ord(character):02X}", character)
    return text.replace("%25", "%")


def test_annotations_hold_what_was_found_the_worst_first(repository: Path) -> None:
    found = commands(rendered("github", outcome("hostile")))
    assert [command.name for command in found] == ["error", "error", "error", "error", "warning", "notice", "notice"]
    told = HOSTILE.replace("\r", " ").replace("\x00", " ").replace("\x1b", " ")
    assert found[0].data == told
    assert found[0].properties == {"file": "a\\n::b\\udcff", "title": "unreadable"}
    assert found[1].properties == {"title": "second"}
    warning = found[4]
    assert warning.properties == {
        "file": PLACED, "line": "2", "col": "7", "endColumn": "8", "title": "first",
    }  # fmt: skip
    assert warning.data == f"{told}\n{told} (line 1)\nsomewhere\nin the variant v1, v2\nfix: {told}"
    assert {*COMMANDS.values()} == {"error", "warning", "notice"}


def test_the_runner_of_the_test_would_see_an_injection() -> None:
    assert len(commands(f"::error ::{HOSTILE}")) == 2


# SARIF: what the standard requires of the objects that are written, and that they have no other properties

TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 1}


def thing(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties, "additionalProperties": False}


def listed(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


LEVEL = {"enum": ["none", "note", "warning", "error"]}
MESSAGE = thing("text", text=TEXT, markdown=TEXT)
REGION = thing("startLine", startLine=COUNT, startColumn=COUNT, endLine=COUNT, endColumn=COUNT)
ARTIFACT = thing("uri", uri={"type": "string", "format": "uri-reference", "pattern": "^[!-~]+$"})
LOCATION = thing(
    "physicalLocation",
    id={"type": "integer", "minimum": -1},
    message=MESSAGE,
    physicalLocation=thing("artifactLocation", artifactLocation=ARTIFACT, region=REGION),
)
RULE = thing("id", id=TEXT, shortDescription=MESSAGE, help=MESSAGE)
NOTIFICATION = thing("message", level=LEVEL, message=MESSAGE, locations=listed(LOCATION))
RESULT = thing(
    "message",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": -1},
    level=LEVEL,
    message=MESSAGE,
    locations=listed(LOCATION),
    relatedLocations=listed(LOCATION) | {"uniqueItems": True},
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
)
INVOCATION = thing(
    "executionSuccessful",
    executionSuccessful={"type": "boolean"},
    exitCode={"type": "integer"},
    toolExecutionNotifications=listed(NOTIFICATION),
)
RUN = thing(
    "tool",
    tool=thing("driver", driver=thing("name", name=TEXT, version=TEXT, rules=listed(RULE) | {"uniqueItems": True})),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    invocations=listed(INVOCATION),
    results=listed(RESULT),
)
SARIF = thing(
    "version runs", **{"$schema": {"type": "string", "format": "uri"}}, version={"const": "2.1.0"}, runs=listed(RUN)
)


@pytest.mark.parametrize("case", CASES)
def test_sarif_is_what_the_standard_says(case: str, repository: Path) -> None:
    found = outcome(case)
    document = json.loads(rendered("sarif", found))
    jsonschema.validate(document, SARIF)
    (run,) = document["runs"]
    assert len(run["results"]) == len(found.findings)
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    marks = [result["partialFingerprints"]["convcalc/v1"] for result in run["results"]]
    assert len({*marks}) == len(marks)
    uris = [
        location["physicalLocation"]["artifactLocation"]["uri"]
        for result in run["results"]
        for location in result["locations"]
    ]
    assert {*map(unquote, uris)} == {"clean": set(), "findings": {"nets/wrong.yaml"}, "hostile": {PLACED}}[case]


def test_a_code_that_is_explained_brings_its_explanation(repository: Path) -> None:
    (run,) = json.loads(rendered("sarif", outcome("findings")))["runs"]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    known = {*codes.names()} & rules.keys()
    assert "kernel-too-large" in known
    for code in known:
        assert rules[code]["help"]["text"] == codes.explain(code).text
        assert rules[code]["shortDescription"]["text"] == codes.explain(code).summary


# JUnit: what junit-10.xsd of Jenkins allows of the elements that are written

ALLOWED: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"testsuite"}, set(), {"name", "tests", "failures", "errors"}),
    "testsuite": ({"testcase"}, {"name", "tests", "failures", "errors"}, set()),
    "testcase": ({"failure", "system-out"}, {"name"}, {"classname"}),
    "failure": (set(), set(), {"type", "message"}),
    "system-out": (set(), set(), set()),
}
"""For each element its children, the attributes it must have, and those it may have."""


@pytest.mark.parametrize("case", CASES)
def test_junit_is_what_its_schema_says(case: str, repository: Path) -> None:
    found = outcome(case)
    suites = ET.fromstring(rendered("junit", found))  # noqa: S314  # our own
    assert suites.tag == "testsuites"
    for element in suites.iter():
        children, required, optional = ALLOWED[element.tag]
        assert {child.tag for child in element} <= children
        assert required <= {*element.keys()} <= required | optional
    (suite,) = suites
    assert suite.get("tests") == str(len(suite)) == str(len(found.files) + len(found.unread))
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert suite.get("failures") == str(len(failed))
    expected = {
        "clean": [], "findings": ["nets/missing.yaml", "nets/wrong.yaml"], "hostile": ["a\\n::b\\udcff", PLACED],
    }  # fmt: skip
    assert failed == expected[case]


def test_xml_holds_what_xml_can(repository: Path) -> None:
    suites = ET.fromstring(rendered("junit", outcome("hostile")))  # noqa: S314  # our own
    text = next(suites.iter("failure")).text
    assert text == HOSTILE.replace("\r\n", "\n").replace("\x00", "\ufffd").replace("\x1b", "\ufffd")


# GitLab

GITLAB = listed(
    thing(
        "description check_name fingerprint severity location",
        description=TEXT,
        check_name=TEXT,
        fingerprint={"type": "string", "pattern": "^[0-9a-f]{64}$"},
        severity={"enum": ["info", "minor", "major", "critical", "blocker"]},
        location=thing("path lines", path=TEXT, lines=thing("begin", begin=COUNT)),
    )
)


@pytest.mark.parametrize("case", CASES)
def test_gitlab_is_what_its_reference_says(case: str, repository: Path) -> None:
    found = outcome(case)
    document = json.loads(rendered("gitlab", found))
    jsonschema.validate(document, GITLAB)
    assert len(document) == len(found.findings) + len(found.unread)


@pytest.mark.parametrize(
    ("schema", "name", "broken"),
    [
        (SARIF, "sarif", lambda d: d["runs"][0]["results"][0].pop("message")),
        (SARIF, "sarif", lambda d: d["runs"][0]["results"][0].update(level="fatal")),
        (SARIF, "sarif", lambda d: d["runs"][0].update(rulez=[])),
        (SARIF, "sarif", lambda d: d["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"].clear()),
        (GITLAB, "gitlab", lambda d: d[0].update(severity="bad")),
        (GITLAB, "gitlab", lambda d: d[0]["location"].pop("lines")),
    ],
)  # fmt: skip
def test_the_schemas_refuse_what_is_broken(
    schema: dict[str, Any], name: str, broken: Callable[[Any], object], repository: Path
) -> None:
    document = json.loads(rendered(name, outcome("findings")))
    jsonschema.validate(document, schema)
    broken(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


def test_a_fingerprint_stays_where_lines_move(repository: Path) -> None:
    def marks(text: str) -> set[str]:
        Path("wrong.yaml").write_text(text)
        return {entry["fingerprint"] for entry in json.loads(rendered("gitlab", Outcome((check_spec("wrong.yaml"),))))}

    before = marks(WRONG)
    assert len(before) == 2
    assert marks("# a comment\n\n" + WRONG) == before
    mended = marks(WRONG.replace("rellu", "relu"))
    assert len(before & mended) == 1


# Markdown


def test_a_long_summary_is_cut(repository: Path) -> None:
    many = tuple(Diagnostic("code", f"finding {number} " + "x" * 500) for number in range(150))
    text = rendered("markdown", Outcome((Checked("x.yaml", many, 1),)))
    assert text.endswith("\nand 50 more\n")
    assert len(text) < 65536


def test_markdown_is_no_markup(repository: Path) -> None:
    text = rendered("markdown", outcome("hostile"))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 1 + len(outcome("hostile").findings)
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)
    assert not re.search(r"(?<!\\)<(?!br>)", re.sub("`[^`]*`", "", text.replace("\\`", "")))


# JSON


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {*value}.union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


def test_the_document_names_every_field(repository: Path) -> None:
    text = (documents.ROOT / "docs" / "continuous-integration.md").read_text(encoding="utf-8")
    told = {word for span in re.findall("`([^`\n]+)`", text) for word in re.findall(r"\w+", span)}
    assert keys(json.loads(rendered("json", outcome("hostile")))) - told == set()
    nets = (convcalc.load(name).analyze() for name in ("lenet5", "resnet18"))
    file = io.StringIO()
    write_difference("json", Compared("a", "b", compare(*nets)), file)
    found = json.loads(file.getvalue())
    for name in ("inputs", "outputs", "variables", "totals"):
        found[name] = [*found[name].values()]
    for layer in found["layers"]:
        layer["settings"] = [*layer["settings"].values()]
    assert keys(found) - told == set()


# paths


def test_paths_are_from_the_root_of_the_repository(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        placed("wrong.yaml")
        == placed(f"{repository}/nets/wrong.yaml")
        == placed("deep/../wrong.yaml")
        == "nets/wrong.yaml"
    )
    assert placed("resnet50") == "resnet50"
    assert placed("main:nets/wrong.yaml") == "main:nets/wrong.yaml"
    assert placed("<stdin>") == "<stdin>"
    assert placed(__file__) == __file__
    (repository / "link.yaml").symlink_to("nets/wrong.yaml")
    assert placed("../link.yaml") == "link.yaml"
    (repository / "elsewhere").symlink_to("nets")
    assert placed("../elsewhere/wrong.yaml") == "nets/wrong.yaml"
    (repository / ".git").rmdir()
    assert placed("wrong.yaml") == "wrong.yaml"


# the command


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def run(*arguments: str) -> Ran:
        monkeypatch.setattr("sys.argv", ["convcalc", "check", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        code = stopped.value.code
        return Ran(code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


def test_several_formats_at_once(run: Callable[..., Ran], repository: Path) -> None:
    ran = run("wrong.yaml", "--output", "sarif:out.sarif", "--output", "junit:../report.xml")
    assert ran.code == 1
    assert ran.out.endswith("\n2 findings\n")
    assert json.loads(Path("out.sarif").read_text())["version"] == "2.1.0"
    assert (repository / "report.xml").read_text().startswith('<?xml version="1.0" encoding="utf-8"?>\n<testsuites')
    assert json.loads(run("wrong.yaml", "-f", "json").out)["exit_code"] == 1


def test_what_cannot_be_written_is_told_and_nothing_is_left(run: Callable[..., Ran]) -> None:
    assert run("deep", "--output", "sarif:nowhere/x") == (2, "", "convcalc: nowhere/x: no such file or directory\n")
    assert run("deep", "--output", "sarif") == (
        2, "", "convcalc: --output takes FORMAT:FILE, as in markdown:report.markdown, not 'sarif'\n",
    )  # fmt: skip
    assert run("deep", "-f", "sarf") == (2, "", "convcalc: there is no format 'sarf': did you mean 'sarif'?\n")
    assert sorted(path.name for path in Path().iterdir()) == ["deep", "wrong.yaml"]


def test_an_interrupted_report_leaves_the_one_before(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("out.sarif").write_text("before")

    def interrupted(name: str, found: Outcome, file: TextIO) -> None:
        file.write("half of it" * 10_000)
        raise KeyboardInterrupt

    monkeypatch.setattr("convcalc.report.outcome.write_outcome", interrupted)
    assert run("wrong.yaml", "--output", "sarif:out.sarif").code == 130
    assert Path("out.sarif").read_text() == "before"
    assert sorted(path.name for path in Path().iterdir()) == ["deep", "out.sarif", "wrong.yaml"]


def test_within_github_actions(run: Callable[..., Ran], repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(repository / "summary.md"))
    (repository / "summary.md").write_text("of another step\n")
    ran = run("wrong.yaml", "gone.yaml")
    assert ran.code == 2
    assert ran.err == ""
    assert [command.properties["file"] for command in commands(ran.out)] == ["nets/gone.yaml", *["nets/wrong.yaml"] * 2]
    summary = (repository / "summary.md").read_text()
    assert summary.startswith("of another step\n### convcalc check\n\n1 spec, 1 net: 2 findings, 1 could not be read\n")
    assert run("wrong.yaml", "-f", "text").out.endswith("\n2 findings\n")
    assert (repository / "summary.md").read_text() == summary
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(repository / "nowhere" / "summary.md"))
    assert "no such file" in run("wrong.yaml").err


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_output_that_cannot_hold_all_characters(encoding: str, tmp_path: Path) -> None:
    text = "input: [3, 8, 8]\nlayers:\n  - relu: {größe: 3}  # 大小\n"
    (tmp_path / "net.yaml").write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(Path(convcalc.__file__).parents[1])}

    def written(*arguments: str) -> bytes:
        command = [sys.executable, "-m", "convcalc", *arguments]
        ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
        assert ran.stderr == b""
        return ran.stdout

    assert rb"\u5927\u5c0f" in written("check", "net.yaml")
    for name in FORMATS[1:]:
        told = written("check", "net.yaml", "-f", name).decode("utf-8")
        assert "größe" in told or name == "gitlab"
    (tmp_path / "net.yaml").write_text("input: [3]\nsource: größe\nlayers: [relu]\n", encoding="utf-8")
    assert json.loads(written("shape", "net.yaml", "--format", "json"))["nets"]
    assert "→" in written("diff", "net.yaml", "net.yaml", "-f", "markdown").decode("utf-8")
