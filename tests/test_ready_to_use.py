"""What others take into their repositories: the pre-commit hook, the GitHub Action, the recipe for GitLab.

Tests marked ``install`` build and install the package with pip, as these do; the others run the same scripts with
the convcalc that is tested.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

ROOT = Path(__file__).parent.parent
SOUND = "input: [3, 8, 8]\nlayers:\n  - conv: {out_channels: 4, kernel_size: 3}\n"
WIDER = SOUND.replace("4", "8")
WRONG = SOUND.replace("conv", "cnov")

BASH = shutil.which("bash") or ""
needs_bash = pytest.mark.skipif(not BASH or shutil.which("git") is None, reason="needs bash and git")


class Ran(NamedTuple):
    code: int
    out: str


def git(folder: Path, *arguments: str) -> str:
    named = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "init.defaultBranch=main")
    command = ["git", "-C", str(folder), *named, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Somebody's repository: a sound spec in ``nets``, and YAML that is no spec."""
    folder = tmp_path / "repository"
    (folder / "nets").mkdir(parents=True)
    (folder / "nets" / "a net.yaml").write_text(SOUND)
    (folder / "other.yaml").write_text("jobs: 1\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "a net")
    return folder


@pytest.fixture
def python(tmp_path: Path) -> str:
    """A Python that imports the convcalc that is tested, wherever it is asked to look."""
    path = tmp_path / "bin" / "python3"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" "$@"\n')
    path.chmod(0o755)
    return str(path)


def environment(tmp_path: Path) -> dict[str, str]:
    """What a runner of GitHub tells a step."""
    (tmp_path / "temp").mkdir(exist_ok=True)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "RUNNER_"))},
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_ACTION_PATH": str(ROOT),
        "RUNNER_TEMP": str(tmp_path / "temp"),
    }


ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}


def step(name: str, folder: Path, tmp_path: Path, **given: str) -> Ran:
    """One step of the action, as a runner starts it, with these inputs."""
    inputs = {key: declared["default"] for key, declared in ACTION["inputs"].items()}
    inputs |= {key.replace("_", "-"): value for key, value in given.items()}
    assert inputs.keys() == ACTION["inputs"].keys()
    told = {key: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: inputs[found[1]], value)
            for key, value in STEPS[name]["env"].items()}  # fmt: skip
    assert "${{" not in STEPS[name]["run"]
    script = tmp_path / "step.sh"
    script.write_text(STEPS[name]["run"])
    ran = subprocess.run(
        [BASH, "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
        cwd=folder, env=environment(tmp_path) | told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=600, check=False,
    )  # fmt: skip
    return Ran(ran.returncode, ran.stdout)


def summary(tmp_path: Path) -> str:
    path = tmp_path / "summary.md"
    return path.read_text() if path.exists() else ""


@needs_bash
def test_the_action_checks(repository: Path, tmp_path: Path, python: str) -> None:
    ran = step("Check", repository, tmp_path, python=python, paths="nets\n", output="sarif:out.sarif\njunit:a b.xml\n")
    assert ran == (0, "1 spec, 1 net: no findings\n")
    assert summary(tmp_path) == "### convcalc check\n\n1 spec, 1 net: no findings\n"
    assert {"out.sarif", "a b.xml"} <= {path.name for path in repository.iterdir()}
    (repository / "nets" / "wrong.yaml").write_text(WRONG)
    ran = step("Check", repository, tmp_path, python=python, paths="nets/a net.yaml\nnets/wrong.yaml")
    assert ran.code == 1
    assert ran.out.startswith("::error file=nets/wrong.yaml,line=3,col=5,endColumn=9,title=unknown-op::")
    assert "`nets/wrong.yaml:3:5`" in summary(tmp_path)


@needs_bash
def test_inputs_are_never_run(repository: Path, tmp_path: Path, python: str) -> None:
    hostile = '"; touch broken #\n$(touch broken)\n`touch broken`\n*'
    step("Check", repository, tmp_path, python=python, paths=f"{hostile}\n--output=json:broken")
    step("Check", repository, tmp_path, python=python, output=hostile)
    for base in (hostile, "--output=broken"):
        step("Compare", repository, tmp_path, python=python, paths=hostile, base=base, fail_on=hostile)
    assert not list(tmp_path.rglob("broken"))


@needs_bash
def test_the_action_compares_what_changed(repository: Path, tmp_path: Path, python: str) -> None:
    assert step("Compare", repository, tmp_path, python=python, paths="nets", base="main") == (0, "")
    assert summary(tmp_path) == ""
    (repository / "nets" / "a net.yaml").write_text(WIDER)
    (repository / "nets" / "new.yaml").write_text(SOUND)
    (repository / "other.yaml").write_text("jobs: 2\n")
    ran = step("Compare", repository, tmp_path, python=python, paths="nets", base="main", fail_on="params>+200%")
    assert ran.code == 0
    assert "out_channels: 4 -> 8" in ran.out
    told = summary(tmp_path)
    assert told.startswith("### `main:./nets/a net.yaml` → `./nets/a net.yaml`\n")
    assert "| parameters | 112 | 224 | +112 (+100.0%) |" in told
    ran = step(
        "Compare", repository, tmp_path, python=python, paths="nets", base="main", fail_on="params>+2%\nmacs>+1G"
    )
    assert ran.code == 1
    assert "fails params>+2%: 112 -> 224, +100.0%" in ran.out
    assert "**fails params>+2%: 112 -> 224, +100.0%**" in summary(tmp_path)[len(told) :]


@needs_bash
def test_the_action_tells_what_it_cannot_compare(repository: Path, tmp_path: Path, python: str) -> None:
    assert step("Compare", repository, tmp_path, python=python, paths="nets", base="gone").code == 128
    git(repository, "mv", "nets/a net.yaml", "nets/b.yaml")
    assert step("Compare", repository, tmp_path, python=python, paths="nets", base="main") == (0, "")


def test_the_action_is_one() -> None:
    for name, declared in ACTION["inputs"].items():
        assert declared["description"], name
        assert any(f"inputs.{name} }}" in value for found in STEPS.values() for value in found["env"].values()), name
    assert all(found["shell"] == "bash" for found in STEPS.values())


HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def test_the_hook_takes_specs_and_no_other_yaml() -> None:
    (hook,) = HOOKS
    for path, taken in {
        "nets/a.yaml": True,
        "a/specs/b/c.yml": True,
        "other.yaml": False,
        "mynets/a.yaml": False,
    }.items():
        assert bool(re.search(hook["files"], path)) == taken


# the recipe for GitLab


def recipe() -> dict[str, Any]:
    """The configuration that the document shows."""
    text = (ROOT / "docs" / "continuous-integration.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"<!-- file: \.gitlab-ci\.yml -->\n```yaml\n(.*?)^```$", text, flags=re.M | re.S)
    document = yaml.safe_load(found)
    assert isinstance(document, dict)
    return document


@needs_bash
def test_the_recipe_for_gitlab(repository: Path, tmp_path: Path, python: str) -> None:
    job = recipe()["nets"]
    install, *script = job["script"]
    assert install.startswith("pip install ")
    convcalc = Path(python).parent / "convcalc"
    convcalc.write_text(f'#!/bin/sh\nexec "{python}" -m convcalc "$@"\n')
    convcalc.chmod(0o755)
    (repository / "nets" / "wrong.yaml").write_text(WRONG)
    ran = subprocess.run(
        [BASH, "-eo", "pipefail", "-c", "\n".join(script)],
        cwd=repository, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": f"{convcalc.parent}:{os.environ['PATH']}", "GITHUB_ACTIONS": ""},
    )  # fmt: skip
    assert ran.returncode == 1, ran.stderr
    assert "unknown-op" in ran.stdout
    reports = job["artifacts"]["reports"]
    assert {*reports} == {"codequality", "junit"}
    assert '"path": "nets/wrong.yaml"' in (repository / reports["codequality"]).read_text()
    assert 'name="nets/wrong.yaml"' in (repository / reports["junit"]).read_text()


# with pip, as users have it


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as a git repository to clone, with what is changed and not committed."""
    folder = tmp_path_factory.mktemp("published") / "convcalc"
    ignored = shutil.ignore_patterns(".git", "__pycache__", ".*_cache", ".venv", "dist")
    shutil.copytree(ROOT, folder, ignore=ignored)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "all of it")
    return folder


def install(folder: Path, *packages: str) -> Path:
    """A new virtual environment with these packages; its programs."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    if packages:
        subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", *packages], check=True)
    return folder / "bin"


@pytest.mark.install
def test_the_hook_runs_under_pre_commit(published: Path, repository: Path, tmp_path: Path) -> None:
    programs = install(tmp_path / "venv", "pre-commit")
    (repository / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {published}\n    rev: {git(published, 'rev-parse', 'HEAD')}\n"
        "    hooks:\n      - id: convcalc-check\n"
    )

    def run(*arguments: str) -> Ran:
        ran = subprocess.run(
            [str(programs / "pre-commit"), *arguments], cwd=repository, text=True, check=False, timeout=900,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache"), "PYTHONPATH": ""},
        )  # fmt: skip
        return Ran(ran.returncode, ran.stdout)

    assert run("validate-manifest", str(published / ".pre-commit-hooks.yaml")).code == 0
    git(repository, "add", ".")
    ran = run("run", "--all-files")
    assert ran.code == 0, ran.out
    assert re.search(r"^convcalc check\.+Passed$", ran.out, re.M)
    (repository / "nets" / "wrong.yaml").write_text(WRONG)
    git(repository, "add", ".")
    ran = run("run")
    assert ran.code == 1
    assert "nets/wrong.yaml:3:5: unknown-op" in ran.out


@pytest.mark.install
def test_the_action_installs_what_it_runs(repository: Path, tmp_path: Path) -> None:
    programs = install(tmp_path / "venv")
    python = str(programs / "python")
    ran = step("Install convcalc", repository, tmp_path, python=python)
    assert ran.code == 0, ran.out
    assert step("Check", repository, tmp_path, python=python, paths="nets") == (0, "1 spec, 1 net: no findings\n")
