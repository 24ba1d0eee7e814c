"""What a project wants of a check: rules, comments, a configuration, targets; many files, processes, a cache."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from convcalc.checks import cache as cache_module
from convcalc.checks import project
from convcalc.checks.cache import Cache
from convcalc.checks.configuration import Configuration, ConfigurationError, configuration, find, place
from convcalc.checks.outcome import Checked
from convcalc.checks.project import check_project
from convcalc.checks.rules import Rules
from convcalc.checks.specs import Task, Wants, check_spec
from convcalc.diagnostics import Misuse, Unreadable
from convcalc.source import Source

ROOT = Path(__file__).parent.parent
NET = "vars: {spare: 1}\ninput: [3, 8, 8]\nlayers:\n  - relu\n  - relu\n  - conv: {out_channels: 4, kernel_size: 3}\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "net.yaml").write_text(NET)


def codes(rules: Rules | None = None, text: str = NET) -> list[str]:
    Path("net.yaml").write_text(text)
    return [finding.code for finding in check_project(["net.yaml"], rules=rules).findings]


def told(error: ConfigurationError) -> list[tuple[int, int, str, str]]:
    return [(f.span.line, f.span.column, f.message, f.fix) for f in error.diagnostics if f.span]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "convcalc", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


# rules and comments


def test_rules_are_selected_and_ignored() -> None:
    assert codes() == ["unused-variable", "activation-twice"]
    assert codes(Rules(select=("activation-twice",))) == ["activation-twice"]
    assert codes(Rules(ignore=("activation-twice",))) == ["unused-variable"]
    assert codes(Rules(select=("budget",)), NET.replace("relu", "rellu", 1)) == ["unknown-op"]


def test_severity_is_what_was_asked_for() -> None:
    rules = Rules(severity=(("activation-twice", "error"), ("unused-variable", "info")))
    outcome = check_project(["net.yaml"], rules=rules)
    assert [finding.severity for finding in outcome.findings] == ["info", "error"]
    assert [finding.code for finding in outcome.worst_first] == ["activation-twice", "unused-variable"]
    assert outcome.exit_code == 1
    assert check_project(["net.yaml"], rules=rules._replace(ignore=("activation-twice",))).exit_code == 0


def test_comments_silence_what_they_name() -> None:
    here = NET.replace("  - relu\n  - relu\n", "  - relu\n  - relu  # convcalc: ignore[activation-twice]\n")
    assert codes(text=here) == ["unused-variable"]
    above = NET.replace("  - relu\n", "  # convcalc: ignore[activation-twice]\n  # why\n\n  - relu\n", 2)
    assert codes(text=above) == ["unused-variable", "unused-ignore"]
    file = "# convcalc: ignore-file[activation-twice, unused-variable]\n" + NET
    assert codes(text=file) == []
    assert check_project(["net.yaml"]).files[0].ignored == 2
    assert codes(text=NET.replace("relu\n", "relu  # convcalc: ignore[unused-variable]\n", 1)) == [
        "unused-variable", "unused-ignore", "activation-twice",
    ]  # fmt: skip


def test_a_comment_about_a_rule_that_is_off_is_not_unused() -> None:
    text = "input: [3]\nlayers:\n  - relu  # convcalc: ignore[drift]\n"
    assert codes(Rules(ignore=("drift",)), text) == []
    assert codes(text=text) == ["unused-ignore"]


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("ignore", "the comment names no code"),
        ("ignore[]", "the comment names no code"),
        ("Ignore-File[ , ]", "the comment names no code"),
        ("ignored", None),
        ("ignore[kernel-too-large]", "'kernel-too-large' is always told: it leaves no net to check"),
        ("ignore[drifd]", "there is no rule 'drifd'"),
    ],
)
def test_comments_that_mean_nothing(comment: str, message: str | None) -> None:
    text = f"input: [3]\nlayers:\n  - relu  # convcalc: {comment}\n"
    Path("net.yaml").write_text(text)
    found = check_spec("net.yaml").findings
    assert [f.message for f in found] == ([message] if message else [])


def test_a_comment_without_a_code_is_told_those_of_its_line() -> None:
    Path("net.yaml").write_text(NET.replace("relu\n  - relu\n", "relu\n  - relu  # convcalc: ignore\n"))
    fixes = [finding.fix for finding in check_spec("net.yaml").findings if finding.code == "bad-ignore"]
    assert fixes == ["write `# convcalc: ignore[activation-twice]`"]
    Path("net.yaml").write_text("# convcalc: ignore-file\n" + NET)
    fixes = [finding.fix for finding in check_spec("net.yaml").findings if finding.code == "bad-ignore"]
    assert fixes == ["write `# convcalc: ignore-file[unused-variable, activation-twice]`"]


def test_the_case_of_a_comment_is_no_matter() -> None:
    assert codes(text="# ConvCalc: Ignore-File[activation-twice, unused-variable]\n" + NET) == []


# files


def test_files_folders_and_patterns_come_once_and_in_order() -> None:
    for name in ("b/x.yaml", "a/y.yml", "a/.hidden/z.yaml", "a/c/x.yaml"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("input: [3]\nlayers: [relu]\n")
    outcome = check_project(["b", "a/*.yml", "**/x.yaml", "./b/x.yaml", "net.yaml"])
    assert [file.path for file in outcome.files] == ["b/x.yaml", "a/y.yml", "a/c/x.yaml", "net.yaml"]
    outcome = check_project(["none/*.yaml", "missing.yaml", "a"], Configuration(exclude=("a/c/*",)))
    assert [(u.path, u.message) for u in outcome.unread] == [
        ("none/*.yaml", "none/*.yaml: no file matches this pattern"),
        ("missing.yaml", "missing.yaml: no such file or directory"),
    ]
    assert [file.path for file in outcome.files] == ["a/y.yml"]
    assert outcome.exit_code == 2


def test_one_broken_spec_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("broken.yaml").write_text("input: [3\n")
    Path("defect.yaml").write_text("input: [3]\nlayers: [tanh]\n")
    monkeypatch.setattr("convcalc.ops.tanh.Tanh.infer", lambda *_: 1 // 0)
    monkeypatch.delenv("CONVCALC_DEBUG", raising=False)
    outcome = check_project(["broken.yaml", "defect.yaml", "net.yaml"])
    assert [f.code for f in outcome.findings] == ["brackets", "unused-variable", "activation-twice"]
    assert [u.path for u in outcome.unread] == ["defect.yaml"]
    assert "a defect in convcalc: ZeroDivisionError" in outcome.unread[0].message


def many(count: int = 60) -> None:
    Path("many").mkdir()
    for number in range(count):
        text = NET if number % 3 else "input: [3, 8\n" if number % 2 else "input: [3]\nlayers: [relu]\n"
        Path(f"many/{number:03}.yaml").write_text(f"# {number}\n{text}")


def test_several_processes_find_the_same_in_the_same_order() -> None:
    many()
    one, two = check_project(["many"], jobs=1), check_project(["many"], jobs=2)
    assert one == two
    assert len(one.files) == 60


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")
def test_a_stop_leaves_no_process_and_no_half_written_file(tmp_path: Path) -> None:
    many(1500)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path / "own")}
    command = [sys.executable, "-m", "convcalc", "check", "many", "-j", "2"]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 30
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while len(children.read_text().split()) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert not list((tmp_path / "own").rglob("*")) or (tmp_path / "own" / "convcalc" / "checked.json").exists()
    assert not list((tmp_path / "own").rglob("*.tmp"))


# the cache


def task(text: str = NET, path: str = "net.yaml", named: str = "", **wants: Any) -> Task:
    return Task(Source(path, text), named, Wants(**wants))


def test_what_is_known_is_used_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    many()
    path = str(tmp_path / "cache" / "checked.json")
    first = check_project(["many"], cache=Cache(path))
    monkeypatch.setattr(project, "check_task", lambda *_: 1 // 0)
    assert check_project(["many"], cache=Cache(path)) == first


@pytest.mark.parametrize(
    "other",
    [
        task(NET + "# x"),
        task(path="other.yaml"),
        task(named="net"),
        task(rules=Rules(select=("drift",))),
        task(rules=Rules(severity=(("drift", "info"),))),
        task(lock="convcalc.lock", locked={"net": {}}),
        task(lock="convcalc.lock"),
        task(budgets=Configuration().budget or (1,)),
    ],
    ids=str,
)
def test_an_answer_is_of_its_question_alone(other: Task, tmp_path: Path) -> None:
    cache = Cache(str(tmp_path / "c.json"))
    cache.put(task(), Checked("net.yaml", (), 1))
    cache.save()
    cache = Cache(str(tmp_path / "c.json"))
    assert cache.get(task()) == Checked("net.yaml", (), 1)
    assert cache.get(other) is None


def test_another_convcalc_knows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(str(tmp_path / "c.json"))
    cache.put(task(), Checked("net.yaml", (), 1))
    cache.save()
    before = cache_module._versions()
    package = tmp_path / "convcalc"
    package.mkdir()
    (package / "x.py").write_text("a")
    monkeypatch.setattr("convcalc.__file__", str(package / "__init__.py"))
    one = cache_module._versions()
    (package / "x.py").write_text("b")
    assert len({before, one, cache_module._versions()}) == 3
    assert Cache(str(tmp_path / "c.json")).get(task()) is None


def test_runs_are_not_kept(tmp_path: Path) -> None:
    cache = Cache(str(tmp_path / "c.json"))
    cache.put(task(run=True), Checked("net.yaml", (), 1))
    assert cache.get(task(run=True)) is None
    cache.save()
    assert not (tmp_path / "c.json").exists()


def test_a_cache_that_was_touched_is_none(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    cache = Cache(str(path))
    cache.put(task(), Checked("net.yaml", (), 1))
    cache.save()
    whole = path.read_bytes()
    for spoilt in (whole.replace(b"net.yaml", b"nat.yaml"), whole[:-3], b"", b"\xff" * 99):
        path.write_bytes(spoilt)
        assert Cache(str(path)).get(task()) is None
    path.write_bytes(whole)
    assert Cache(str(path)).get(task()) is not None


def test_a_cache_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert check_project(["net.yaml"], cache=Cache(str(tmp_path / "file" / "c.json"))).exit_code == 1


def test_the_latest_answers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "MOST", 3)
    for number in range(5):
        cache = Cache(str(tmp_path / "c.json"))
        cache.put(task(f"# {number}"), Checked("net.yaml", (), number))
        cache.save()
    cache = Cache(str(tmp_path / "c.json"))
    assert [cache.get(task(f"# {number}")) is not None for number in range(5)] == [False, False, True, True, True]


# the configuration


WHOLE = """\
paths = ["nets", "*.yaml"]
exclude = ["nets/old/*"]
select = ["budget"]
ignore = ["drift"]
run = true
lock = "nets.lock"
severity = {budget = "warning"}
budget.params = "<= 30M"
[targets.phone]
specs = ["nets/mobile*"]
budget = {params = "<= 5M", memory = "<= 20 MB"}
"""


@pytest.mark.parametrize("name", ["convcalc.toml", "pyproject.toml"])
def test_everything_can_be_configured(name: str) -> None:
    text = WHOLE if name == "convcalc.toml" else WHOLE.replace("[targets", "[tool.convcalc.targets")
    Path(name).write_text(text if name == "convcalc.toml" else "[tool.convcalc]\n" + text)
    assert find() == name
    found = configuration(name)
    assert found.default_paths() == ["nets", "*.yaml"]
    assert (found.select, found.ignore, found.run, found.lock) == (("budget",), ("drift",), True, "nets.lock")
    assert found.severity == (("budget", "warning"),)
    assert found.excludes("nets/old/x.yaml")
    assert not found.excludes("nets/x.yaml")
    line = 8 if name == "convcalc.toml" else 9
    assert [(b.metric, b.where) for b in found.budgets("nets/big.yaml")] == [("params", f"{name}:{line}")]
    assert [b.target for b in found.budgets("nets/mobile1.yaml")] == ["", "phone", "phone"]
    assert [b.target for b in found.budgets("nets/big.yaml", ("phone",))] == ["", "phone", "phone"]


def test_the_nearest_configuration_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find() == ""
    Path("pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert find() == ""
    Path("pyproject.toml").write_text("[tool.convcalc]\n")
    Path("a/b").mkdir(parents=True)
    monkeypatch.chdir("a/b")
    assert find() == os.path.join("..", "..", "pyproject.toml")
    Path("../convcalc.toml").write_text("paths = ['x']\n")
    assert find() == os.path.join("..", "convcalc.toml")
    assert configuration(find()).default_paths() == [os.path.join("..", "x")]


@pytest.mark.parametrize(
    "text",
    ["[tool]\nconvcalc = {paths = ['x']}", "tool.convcalc.paths = ['x']", "[tool.'convcalc']\npaths = ['x']"],
)
def test_a_table_may_be_written_in_any_way(text: str) -> None:
    Path("pyproject.toml").write_text(text)
    assert find() == "pyproject.toml"
    assert configuration(find()).default_paths() == ["x"]


@pytest.mark.parametrize(
    "text", ["[project]\ndescription = 'convcalc'\n", "tool = 'convcalc'\n", "[project]\n[tool.other]\nconvcalc = 1\n"]
)
def test_a_project_that_does_not_configure_convcalc(text: str) -> None:
    Path("pyproject.toml").write_text(text)
    assert find() == ""
    with pytest.raises(Unreadable, match=r"pyproject\.toml: there is no \[tool\.convcalc\] in it"):
        configuration("pyproject.toml")


def test_a_fix_says_the_whole_name_of_a_table() -> None:
    Path("pyproject.toml").write_text("[tool.convcalc]\nbudget = 3\n[[tool.convcalc.targets]]\n")
    with pytest.raises(ConfigurationError) as raised:
        configuration("pyproject.toml")
    fixes = ["write [tool.convcalc.budget] above it", "write [tool.convcalc.targets] above it"]
    assert [finding.fix for finding in raised.value.diagnostics] == fixes
    Path("pyproject.toml").write_text("[[tool.convcalc]]\n")
    with pytest.raises(ConfigurationError, match="the configuration is a table, and this is"):
        configuration("pyproject.toml")


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "fix"),
    [
        ("pahts = []", 1, 1, "the configuration has no key 'pahts'", "did you mean 'paths'?"),
        ("a = 1\npaths = 3", 2, 1, "paths is a list of texts, and this is 3", 'write paths = ["..."]'),
        ("run = 1", 1, 1, "run is true or false, and this is 1", "write run = true"),
        ("lock = []", 1, 1, "lock is a text, and this is []", 'write lock = "..."'),
        ("select = ['x']", 1, 1, "there is no rule 'x'", None),
        (
            "ignore = [\n'unknown-op']", 1, 1,
            "'unknown-op' is always told: it leaves no net to check", "mend what it tells of",
        ),
        ("[severity]\nbudget = 'bad'", 2, 1, "a severity is error, warning, info, and this is 'bad'", None),
        ("budget = {parms = '< 3'}", 1, 11, "there is nothing called 'parms' to budget", "did you mean 'params'?"),
        ("[budget]\n# c\nparams = 3", 3, 1, "a bound is a text, and this is 3", 'write params = "<= 3"'),
        ("budget.params = '3'", 1, 8, "a bound is a relation (<, <=, > or >=) and a number",
         'put a relation before it: "<= 3"'),
        ("budget = 3", 1, 1, "budget is a table, and this is 3", "write [budget] above it"),
        ("[targets.phone]\nspec = []\nbudget = {}", 2, 1, "targets.phone has no key 'spec'", "did you mean 'specs'?"),
        ("[targets.phone]\nspecs = []", 1, 10, "the target phone has no budget",
         'add one, as in budget = {params = "<= 5M"}'),
        ("paths = [x]", 1, 10, "this is not TOML: invalid value", "mend it as TOML wants it"),
    ],
)  # fmt: skip
def test_mistakes_in_a_configuration(text: str, line: int, column: int, message: str, fix: str | None) -> None:
    for name, above in (("convcalc.toml", ""), ("pyproject.toml", "[tool.other]\nparams = 1\n[tool.convcalc]\n")):
        whole = text
        if above:
            whole = above + text.replace("[severity", "[tool.convcalc.severity").replace(
                "[budget]", "[tool.convcalc.budget]"
            )
            whole = whole.replace("[targets", "[tool.convcalc.targets")
        Path(name).write_text(whole + "\n")
        with pytest.raises(ConfigurationError) as caught:
            configuration(name)
        found = [entry for entry in told(caught.value) if entry[2] == message]
        assert found, told(caught.value)
        assert found[0][0] == line + above.count("\n")
        if not above:
            assert found[0][1] == column
        wanted = fix.replace("write [", "write [tool.convcalc.") if fix and above else fix
        assert wanted is None or found[0][3] == wanted


def test_places_are_right_in_any_toml() -> None:
    text = 'x = """\nparams = 1\n"""\n[a]\nb = [\n 1,\n 2]\n"c.d" = {params = 1, e = 2}\n[[f]]\ng = 1\n'
    assert place(text, ("a", "b"))[:2] == (5, 1)
    assert place(text, ("a", "c.d", "params"))[:2] == (8, 10)
    assert place(text, ("a", "c.d", "e"))[:2] == (8, 22)
    assert place(text, ("f",))[:2] == (9, 3)


# budgets and targets


def test_budgets_of_the_project_hold_for_every_net() -> None:
    Path("convcalc.toml").write_text('[budget]\nparams = "<= 100"\n[targets.phone]\nbudget = {macs = "< 1k"}\n')
    found = configuration("convcalc.toml")
    rules = Rules(select=("budget",))
    (finding,) = check_project(["net.yaml"], found, rules=rules).findings
    assert finding.message == "params is 112, the budget is <= 100"
    assert finding.notes[0].message == "the budget is set in convcalc.toml:2"
    assert finding.span is not None
    findings = check_project(["net.yaml"], found, rules=rules, targets=["phone"]).findings
    assert [f.message for f in findings][1:] == ["target phone: macs is 3,888, the budget is < 1k"]
    with pytest.raises(Misuse, match="there is no target 'phon': did you mean 'phone'"):
        check_project(["net.yaml"], found, targets=["phon"])


def test_layers_have_budgets() -> None:
    text = (
        "input: [3, 16, 16]\nblocks:\n  Unit:\n    layers:\n"
        "      - conv: {out_channels: 4, kernel_size: 3, padding: 1}\n"
        "layers:\n  - Unit:\n    name: units\n    repeat: 2\n"
        'budget: {units.params: "<= 260", units/1.params: "<= 112", units/2/conv_1.params: "< 149", '
        'units.receptive_field: ">= 5"}\n'
    )
    assert codes(text=text) == []
    (finding,) = check_spec_of(text.replace("<= 260", "<= 259")).findings
    assert finding.message == "units.params is 260, the budget is <= 259"
    (finding,) = check_spec_of(text.replace("units/1.", "unit/1.")).findings
    assert (finding.code, finding.fix) == ("unknown-layer", "did you mean 'units/1'?")
    (finding,) = check_spec_of(text.replace("units/1.params", "units/1.depth")).findings
    assert finding.code == "unknown-metric"


def check_spec_of(text: str) -> Checked:
    Path("net.yaml").write_text(text)
    return check_spec("net.yaml")


# the command


def test_the_command_takes_its_paths_from_the_configuration() -> None:
    ran = run("check")
    assert (ran.returncode, ran.stderr) == (
        2, "convcalc: say what to look at: a spec, a folder of specs, or paths in the configuration\n",
    )  # fmt: skip
    Path("convcalc.toml").write_text('paths = ["net.yaml"]\nignore = ["unused-variable"]\n')
    ran = run("check")
    assert ran.returncode == 1
    assert ran.stdout.startswith("net.yaml:5:5: warning: activation-twice: ")
    assert ran.stdout.endswith("\n1 finding\n")
    ran = run("check", "--ignore", "activation-twice")
    assert (ran.returncode, ran.stdout) == (0, "1 spec, 1 net: no findings\n")
    assert run("check", "--exit-zero").returncode == 0
    assert run("check", "--exit-zero", "missing.yaml").returncode == 2


def test_a_mistaken_configuration_stops_the_check() -> None:
    Path("convcalc.toml").write_text("pahts = []\n")
    ran = run("check", "net.yaml")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("convcalc.toml:1:1: configuration: the configuration has no key 'pahts'\n")


@pytest.mark.parametrize("option", ["--select", "--ignore"])
def test_rules_that_are_none(option: str) -> None:
    ran = run("check", "net.yaml", option, "drift,unused-varible")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"convcalc: {option}: there is no rule 'unused-varible': did you mean 'unused-variable'?\n"


def test_codes_are_explained() -> None:
    ran = run("explain-code", "budget")
    assert ran.returncode == 0
    assert ran.stdout.startswith("budget\n\nA metric of the net")
    assert "Wrong:\n\n  input: [3, 32, 32]\n" in ran.stdout
    assert "unused-variable" in run("explain-code").stdout
    assert run("explain-code", "bugdet").stderr == "convcalc: there is no code 'bugdet': did you mean 'budget'?\n"


def test_the_cache_of_the_command_is_the_users(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    first = run("check", "net.yaml", XDG_CACHE_HOME=home)
    kept = tmp_path / "home" / "convcalc" / "checked.json"
    assert len(json.loads(kept.read_bytes().split(b"\n", 1)[1])) == 1
    again = run("check", "net.yaml", XDG_CACHE_HOME=home)
    assert (first.returncode, first.stdout) == (again.returncode, again.stdout)
    kept.unlink()
    run("check", "net.yaml", "--no-cache", XDG_CACHE_HOME=home)
    assert not kept.exists()
