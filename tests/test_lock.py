"""Baselines: written once, added to, held to, and taken over when that is meant."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from convcalc.checks.configuration import Configuration, unconfigured
from convcalc.checks.lock import read_lock
from convcalc.checks.project import Locked, check_project, lock_project
from convcalc.diagnostics import Misuse
from convcalc.report.findings import rendered

if TYPE_CHECKING:
    from collections.abc import Callable

NET = """\
vars: {width: 4}
input: [3, 16, 16]
blocks:
  Unit:
    layers:
      - conv: {out_channels: width, kernel_size: 3}
      - relu
layers:
  - Unit:
    name: stem
  - global_avg_pool
  - flatten
  - linear: {out_features: 10}
variants:
  net_wide: {vars: {width: 8}}
"""
LOCK = Path("convcalc.lock")
GOLDEN = Path(__file__).parent / "lock"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(NET)


def lock(*paths: str, update: bool = False) -> Locked:
    return lock_project(paths or ("net.yaml",), Configuration(), update=update)


def drift() -> list[str]:
    return [f"{finding.code}: {finding.message}" for finding in check_project(["net.yaml"]).findings]


def test_the_file_is_small_and_stable(golden: Callable[[Path, str], None]) -> None:
    locked = lock()
    assert (locked.path, locked.nets, locked.told, locked.outcome.exit_code) == ("convcalc.lock", 2, "new", 0)
    golden(GOLDEN / "convcalc.lock", LOCK.read_text())
    before = LOCK.stat().st_mtime_ns
    assert lock().told == "as it was"
    assert lock(update=True).told == "as it was"
    assert LOCK.stat().st_mtime_ns == before


def test_without_a_baseline_nothing_drifts() -> None:
    assert drift() == []


def test_what_is_as_it_was_is_fine_wherever_it_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    lock()
    assert drift() == []
    Path("deeper").mkdir()
    monkeypatch.chdir("deeper")
    assert check_project(["../net.yaml"], Configuration("..")).findings == ()
    Path("../net.yaml").write_text(NET.replace("features: 10", "features: 11"))
    assert {f.code for f in check_project(["../net.yaml"], Configuration("..")).findings} == {"drift"}


def test_a_name_or_a_comment_is_no_change() -> None:
    lock()
    Path("net.yaml").write_text("# new\nname: Net\n" + NET.replace("  - flatten", "  - flatten  # for linear"))
    assert drift() == []


def test_drift_has_before_and_after(golden: Callable[[Path, str], None]) -> None:
    lock()
    Path("net.yaml").write_text(NET.replace("kernel_size: 3", "kernel_size: 5").replace("features: 10", "features: 12"))
    findings = check_project(["net.yaml"]).findings
    assert {finding.code for finding in findings} == {"drift"}
    golden(GOLDEN / "drift.txt", "\n\n".join(map(rendered, findings)) + "\n")


def test_layers_that_come_and_go_are_told() -> None:
    lock()
    Path("net.yaml").write_text(NET.replace("  - global_avg_pool\n", "  - adaptive_avg_pool: {output_size: 1}\n"))
    finding, _ = check_project(["net.yaml"]).findings
    assert [note.message for note in finding.notes] == [
        "adaptive_avg_pool_1 is new: 4x1x1, 0 params, 0 MACs",
        "global_avg_pool_1 is gone: it was 4x1x1, 0 params, 0 MACs",
    ]


def test_new_nets_are_told_and_added() -> None:
    lock()
    Path("net.yaml").write_text(NET + "  net_wider: {vars: {width: 16}}\n")
    Path("other.yaml").write_text("input: [3]\nlayers: [relu]\n")
    found = check_project(["net.yaml", "other.yaml"]).findings
    assert [(f.code, f.variants) for f in found] == [("not-locked", ("net_wider",)), ("not-locked", ())]
    assert [f.fix for f in found] == ["run `convcalc lock net.yaml`", "run `convcalc lock other.yaml`"]
    assert lock("net.yaml", "other.yaml").told == "updated"
    assert check_project(["net.yaml", "other.yaml"]).findings == ()


def test_a_change_is_taken_over_only_when_that_is_meant() -> None:
    lock()
    before = LOCK.read_text()
    Path("net.yaml").write_text(NET.replace("width: 4", "width: 5"))
    refused = lock()
    assert refused.outcome.exit_code == 1
    assert {f.code for f in refused.outcome.findings} == {"drift"}
    assert LOCK.read_text() == before
    assert lock(update=True).told == "updated"
    assert drift() == []


def test_an_update_drops_specs_that_are_gone_and_keeps_those_not_named() -> None:
    Path("gone.yaml").write_text(NET.replace("net_", "gone_"))
    Path("kept.yaml").write_text(NET.replace("net_", "kept_"))
    lock("net.yaml", "gone.yaml", "kept.yaml")
    Path("gone.yaml").unlink()
    lock("net.yaml", update=True)
    assert list(read_lock("convcalc.lock") or {}) == ["kept.yaml", "net.yaml"]


def test_a_baseline_counts_for_the_folders_below(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".git").mkdir()
    Path("a/.git").mkdir(parents=True)
    Path("b/c").mkdir(parents=True)
    lock()
    found = {}
    for folder in (".", "b", "b/c", "a"):
        with monkeypatch.context() as there:
            there.chdir(folder)
            found[folder] = unconfigured().lock_path
    assert found == {".": "convcalc.lock", "b": "../convcalc.lock", "b/c": "../../convcalc.lock", "a": "convcalc.lock"}
    monkeypatch.chdir("b/c")
    outcome = check_project(["../../net.yaml"], unconfigured())
    assert outcome.findings == ()
    Path("../../net.yaml").write_text(NET.replace("width: 4", "width: 5"))
    assert [finding.code for finding in check_project(["../../net.yaml"], unconfigured()).findings] == ["drift"]


def test_only_files_have_a_baseline() -> None:
    for command in ("init -q", "add .", "-c user.name=x -c user.email=x@example.org commit -qm nets"):
        subprocess.run(["git", *command.split()], check=True)  # noqa: S607
    lock()
    assert check_project(["HEAD:net.yaml"]).findings == ()
    for argument in ("HEAD:net.yaml", "lenet5"):
        (unread,) = lock(argument, update=True).outcome.unread
        assert unread.message == f"{argument}: a baseline is of files, not of shipped specs or of revisions"


def test_a_broken_spec_is_told_and_nothing_is_written() -> None:
    Path("broken.yaml").write_text("input: [3\n")
    refused = lock("net.yaml", "broken.yaml")
    assert [f.code for f in refused.outcome.findings] == ["brackets"]
    assert lock("net.yaml", "missing.yaml").outcome.exit_code == 2
    assert (
        lock("lenet5").outcome.unread[0].message
        == "lenet5: a baseline is of files, not of shipped specs or of revisions"
    )
    assert not LOCK.exists()


def test_what_fails_in_writing_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    lock()
    before = LOCK.read_text()
    Path("net.yaml").write_text(NET.replace("width: 4", "width: 5"))

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        lock(update=True)
    assert LOCK.read_text() == before
    assert sorted(path.name for path in Path().iterdir()) == ["convcalc.lock", "net.yaml"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "no baseline \\(line 1: "),
        ("[]", "no baseline \\(something is missing\\)"),
        ('{"version": 1, "specs": {"net.yaml": {"net": {}, "variants": {}}}}', "no baseline"),
        ('{"version": 1, "specs": []}', "no baseline"),
        ('{"version": 2, "specs": {}}', "a baseline of version 2"),
    ],
)
def test_what_is_no_baseline_is_refused_until_it_is_rewritten(text: str, why: str) -> None:
    LOCK.write_text(text)
    for use in (lock, drift):
        with pytest.raises(Misuse, match=f"convcalc.lock: {why}.*write it anew with convcalc lock --update"):
            use()
    assert lock(update=True).told == "updated"
    assert drift() == []
    assert json.loads(LOCK.read_text())["version"] == 1
