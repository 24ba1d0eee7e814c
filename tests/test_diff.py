"""Two nets held against each other: whose layer is whose, what is told, when it fails.

``differences/FOLDER/base.yaml`` is the old net of every other spec in that folder; beside each stands what
``convcalc diff`` says, as text, Markdown and JSON. ``pytest --update`` rewrites these.
"""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convcalc
from convcalc import Graph, Misuse, Unreadable
from convcalc.checks.difference import compare
from convcalc.checks.limits import exceeded, limit
from convcalc.cli import main
from convcalc.loading import open_graph
from convcalc.report.difference import FORMATS, write_difference
from convcalc.report.difference.compared import Compared
from convcalc.report.difference.entries import entries

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from convcalc.checks.difference import Change, Difference

DIFFERENCES = Path(__file__).parent / "differences"
CASES = sorted(
    path.relative_to(DIFFERENCES).with_suffix("") for path in DIFFERENCES.glob("*/*.yaml") if path.stem != "base"
)
ENDINGS = {"text": ".txt", "markdown": ".md", "json": ".json"}


def difference(old: str, new: str) -> Difference:
    return compare(convcalc.load(old).analyze(), convcalc.load(new).analyze())


def rendered(name: str, compared: Compared) -> str:
    file = io.StringIO()
    write_difference(name, compared, file)
    return file.getvalue()


def case(path: Path) -> Difference:
    return difference(str(DIFFERENCES / path.parent / "base.yaml"), str(DIFFERENCES / f"{path}.yaml"))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("path", CASES, ids=str)
def test_what_is_told(path: Path, name: str, golden: Callable[[Path, str], None]) -> None:
    found = case(path)
    passed = tuple(filter(lambda each: exceeded(each, found), map(limit, ("params>+1%", "receptive_field>12"))))
    compared = Compared("base.yaml", f"{path.name}.yaml", found, passed)
    golden(DIFFERENCES / f"{path}{ENDINGS[name]}", rendered(name, compared))


def test_nothing_is_left_over() -> None:
    for path in DIFFERENCES.glob("*/*"):
        assert path.suffix == ".yaml" or path.with_suffix("").relative_to(DIFFERENCES) in CASES, path


@pytest.mark.parametrize("path", CASES, ids=str)
def test_changes_add_up_both_ways(path: Path) -> None:
    forth = case(path)
    held(forth)
    back = compare(forth.new, forth.old)
    held(back)
    assert sorted(map(str, names(back))) == sorted(str((new, old)) for old, new in names(forth))


def names(found: Difference) -> list[tuple[str | None, str | None]]:
    return [(change.old and change.old.name, change.new and change.new.name) for change in found.layers]


def held(found: Difference) -> None:
    """Each layer of both nets is told of once, in order, and what is told adds up to the totals."""
    old, new = ([name for name in column if name] for column in zip(*names(found), strict=True))
    assert new == [row.name for row in found.new.rows]
    assert sorted(old) == sorted(row.name for row in found.old.rows)
    for count in ("params", "macs", "flops"):
        was, now = found.totals[count]
        assert sum(change.delta(count) for change in found.layers) == now - was
    assert found.same == all(not change.any for change in found.layers)


@pytest.mark.parametrize("name", ["resnet50", "googlenet", "unet", "densenet121", "lenet5"])
def test_a_net_is_the_same_as_itself(name: str) -> None:
    found = difference(name, name)
    assert found.same
    assert not found.changed


# drawn nets, and drawn changes to them


def net(widths: list[int]) -> Graph:
    """A stack of convolutions, each with a batch norm and a relu; names are counted."""
    graph = Graph("stack")
    ref = graph.input((3, 8, 8))
    for width in widths:
        ref = graph.add("conv", ref, out_channels=width, kernel_size=3, padding=1)
        ref = graph.add("relu", graph.add("batch_norm", ref))
    graph.output(ref, "result")
    return graph


def own(found: Difference) -> list[Change]:
    return [change for change in found.layers if change.own]


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_any_two_nets_add_up(old: list[int], new: list[int]) -> None:
    found = compare(net(old).analyze(), net(new).analyze())
    held(found)
    assert found.same == (old == new)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 99), min_size=2, max_size=12, unique=True), st.randoms(use_true_random=False))
def test_what_was_taken_out_is_all_that_is_told(widths: list[int], draw: random.Random) -> None:
    place = draw.randrange(len(widths))
    found = compare(net(widths).analyze(), net(widths[:place] + widths[place + 1 :]).analyze())
    assert [change.old and change.old.op for change in own(found)] == ["conv", "batch_norm", "relu"]
    assert all(change.new is None for change in own(found))
    assert own(found)[0].old == found.old.rows[3 * place]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 99), min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_a_layer_that_changed_is_all_that_is_told(widths: list[int], draw: random.Random) -> None:
    place = draw.randrange(len(widths))
    changed = [*widths]
    changed[place] += 100
    found = compare(net(widths).analyze(), net(changed).analyze())
    assert [change.settings for change in own(found)] == [{"out_channels": (widths[place], widths[place] + 100)}]


def test_all_widths_changed_keeps_every_name() -> None:
    """A stage now is as wide as the next one was: structure would match it there, its name knows better."""
    found = compare(net([8, 16, 32, 64]).analyze(), net([16, 32, 64, 128]).analyze())
    assert all(old == new for old, new in names(found))


def test_a_layer_in_front_is_seen_in_spite_of_every_name() -> None:
    found = compare(net([16, 32, 64]).analyze(), net([8, 16, 32, 64]).analyze())
    assert [change.new and change.new.name for change in own(found)] == ["conv_1", "batch_norm_1", "relu_1"]


def named(*layers: tuple[str, str, dict[str, object]]) -> Graph:
    graph = Graph()
    ref = graph.input((8, 9, 9))
    for name, kind, attributes in layers:
        ref = graph.add(kind, ref, name=name, **attributes)
    graph.output(ref, "result")
    return graph


def test_a_layer_may_be_renamed_and_changed_at_once() -> None:
    """It keeps its place and half of its settings; one that keeps less has come, and the other gone."""
    conv = {"out_channels": 8, "kernel_size": 3, "bias": False}
    old = named(("stem", "conv", conv), ("squash", "sigmoid", {}))
    like = named(("first", "conv", {**conv, "kernel_size": 5}), ("squash", "sigmoid", {}))
    (change,) = own(compare(old.analyze(), like.analyze()))
    assert change.renamed
    assert change.settings == {"kernel_size": (3, 5)}
    other = named(("first", "conv", {"out_channels": 9, "kernel_size": 5, "bias": False}), ("squash", "sigmoid", {}))
    assert [(c.old is None, c.new is None) for c in own(compare(old.analyze(), other.analyze()))] == [
        (False, True), (True, False),
    ]  # fmt: skip


def test_what_stands_before_a_pair_belongs_to_it_too() -> None:
    conv = {"out_channels": 8, "kernel_size": 3}
    old = named(("before", "relu", {}), ("stem", "conv", conv))
    new = named(("start", "relu", {}), ("stem", "conv", conv))
    (change,) = own(compare(old.analyze(), new.analyze()))
    assert (change.old and change.old.name, change.new and change.new.name) == ("before", "start")


def test_large_nets_are_compared_in_a_moment() -> None:
    """Were it quadratic, 10,000 layers that all changed would take minutes."""
    old, new = net([1 + i % 7 for i in range(3000)]), net([1 + i % 5 for i in range(3000)])
    held(compare(old.analyze(), new.analyze()))


# limits


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("params>+0%", True),
        ("params>+9.09%", True),
        ("params>+9.1%", False),
        ("params>=9.0909%", True),
        ("params > +9", True),
        ("params>+10", False),
        ("params>=+10", True),
        ("params>119", True),
        ("params>120", False),
        ("params>0.119k", True),
        ("params<-1%", False),
        ("params<+10%", True),
        ("receptive_field>+0", False),
        ("receptive_field>2", True),
        ("receptive_field<3", False),
        ("changes>0", True),
        ("changes>1", False),
        ("depth>=1", True),
        ("memory<-5%", False),
        ("params>-1%", True),
        ("params<-0%", False),
        ("params>-20", True),
    ],
)
def test_limits(text: str, passed: bool) -> None:
    old, new = (narrow(width).analyze() for width in (11, 12))
    assert (old.totals.params, new.totals.params) == (110, 120)
    assert exceeded(limit(text), compare(old, new)) == passed


def test_a_limit_on_shrinking() -> None:
    shrunk = compare(narrow(12).analyze(), narrow(11).analyze())
    for text, passed in {"params<-8%": True, "params<-9%": False, "params<-5": True, "params<-10": False}.items():
        assert exceeded(limit(text), shrunk) == passed


def narrow(width: int) -> Graph:
    graph = Graph()
    graph.output(graph.add("conv", graph.input((1, 9, 9)), out_channels=width, kernel_size=3), "result")
    return graph


def test_a_limit_on_axes_that_are_gone_is_passed() -> None:
    line = Graph()
    line.add("conv", line.input((1, 9)), out_channels=4, kernel_size=3)
    found = compare(line.analyze(), narrow(4).analyze())
    assert exceeded(limit("receptive_field>+1"), found)
    assert exceeded(limit("receptive_field>2"), found)
    assert not exceeded(limit("receptive_field>3"), found)


def test_nothing_may_become_something_within_no_percentage() -> None:
    bare = Graph()
    bare.add("relu", bare.input((1, 9, 9)))
    assert exceeded(limit("params>+1000%"), compare(bare.analyze(), narrow(4).analyze()))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("params", "'params' is no limit: write a metric, a relation and a change, as in 'params>+2%'"),
        ("params>", "is no limit"),
        ("params=+2%", "is no limit"),
        ("params>2%%", "is no limit"),
        ("params>+-2%", "is no limit"),
        ("parms>+2%", "there is nothing called 'parms': did you mean 'params'?"),
        ("params>+2MM", "'MM' is not a unit"),
        ("params>+2M%", "percent have no unit"),
        ("params>" + "9" * 30, "does not fit in 63 bits"),
        ("x" * 1000, "is no limit"),
    ],
)
def test_what_is_no_limit(text: str, why: str) -> None:
    with pytest.raises(Misuse) as caught:
        limit(text)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 300


# hostile names


def test_names_cannot_break_out_of_any_format() -> None:
    graph = Graph()
    graph.add("relu", graph.input((1, 4)), name="a|b`c``<img src=x>\n# @team\x1b[31m")
    old, new = "`|` <b>.yaml", "x\n::error::y\x1b[31m.yaml"
    for name in FORMATS:
        text = rendered(name, Compared(old, new, compare(narrow(1).analyze(), graph.analyze())))
        assert "\x1b" not in text
        assert not any(line.startswith(("::", "# ")) for line in text.splitlines())
    assert json.loads(rendered("json", Compared(old, new, compare(narrow(1).analyze(), graph.analyze()))))["new"] == new
    table = rendered("markdown", Compared(old, new, compare(narrow(1).analyze(), graph.analyze())))
    assert table.startswith("### `` `\\|` <b>.yaml `` → `x ::error::y [31m.yaml`\n")
    assert "| ```a\\|b`c``<img src=x> # @team [31m``` |" in table


def test_a_long_comment_is_cut() -> None:
    names = [compare(net([1] * n).analyze(), narrow(1).analyze()) for n in (5, 400)]
    short, long = (rendered("markdown", Compared("a", "b", found)) for found in names)
    assert "<details>" not in short
    assert "<details><summary>1200 changes</summary>\n\n| " in long
    assert "\nand 1000 more\n\n</details>\n" in long
    assert len(long) < 65536


def test_copies_with_a_gap_between_are_not_told_as_a_range() -> None:
    unit = "Unit: {args: {wide: 4}, layers: [conv: {out_channels: wide, kernel_size: 1}]}"
    text = f"input: [3, 8, 8]\nblocks:\n  {unit}\nlayers:\n" + "  - Unit:\n    repeat: 3\n    name: a\n  - relu\n"
    found = difference(text, text.replace("repeat: 3", "repeat: 5"))
    assert [entry.title for entry in entries(Compared("x", "y", found))] == ["a/4-5"]
    kept = found._replace(layers=[change for change in found.layers if "4" not in (change.new or change.old).name])  # type: ignore[union-attr]
    sparse = kept._replace(layers=[change._replace(old=None, block=None) for change in kept.layers])
    assert entries(Compared("x", "y", sparse))[0].title == "a/*/conv_1"


# the command


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text("vars: {width: 4}\ninput: [3, 8, 8]\nlayers:\n  - linear: {out_features: 3}\n")

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr("sys.argv", ["convcalc", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        code = stopped.value.code
        return Ran(code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


def test_names_and_settings(run: Callable[..., Ran]) -> None:
    assert "(17 Bottleneck, 170 layers)" in run("diff", "resnet50", "resnet101").out
    both = json.loads(run("diff", "resnet18", "resnet34", "--set", "H=64,W=64", "--batch", "2", "-f", "json").out)
    assert both["totals"]["macs"]["new"] == 2 * convcalc.load("resnet34").analyze(H=64, W=64).totals.macs
    found = json.loads(run("diff", "lenet5", "lenet5", "--input", "1x64x64", "-f", "json").out)
    assert found["same"]


def test_exit_codes(run: Callable[..., Ran], tmp_path: Path) -> None:
    assert run("diff", "resnet50", "resnet101").code == 0
    failed = run("diff", "resnet50", "resnet101", "--fail-on", "params>+2%", "--fail-on", "params>+80%")
    assert failed.code == 1
    assert failed.out.endswith("\nfails params>+2%: 25,557,032 -> 44,549,160, +74.3%\n")
    assert run("diff", "resnet50", "resnet50", "--fail-on", "changes>0") == (
        0, "resnet50 -> resnet50\n\nno difference: 175 layers and every total are the same\n", "",
    )  # fmt: skip
    (tmp_path / "wrong.yaml").write_text("input: [3]\nlayers: [rule]\n")
    ran = run("diff", "wrong.yaml", "wrong.yaml")
    assert (ran.code, ran.out) == (1, "")
    assert "unknown-op" in ran.err
    for wrong in (
        ["--fail-on", "parms>1"],
        ["-f", "csv"],
        ["--output", "json"],
        ["--output", "csv:x"],
        ["--set", "x=1"],
    ):
        ran = run("diff", "lenet5", "alexnet", wrong)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("convcalc: ")


def test_files_are_written_whole_or_not_at_all(run: Callable[..., Ran], tmp_path: Path) -> None:
    ran = run("diff", "vgg16", "vgg19", "--output", "markdown:c:d.md", "--output", "json:x.json")
    assert (tmp_path / "c:d.md").read_text().startswith("### `vgg16` → `vgg19`\n")
    assert json.loads((tmp_path / "x.json").read_text())["version"] == 1
    assert ran.out.startswith("vgg16 -> vgg19\n")
    ran = run("diff", "vgg16", "vgg19", "--output", "json:nowhere/x.json")
    assert ran == (2, "", "convcalc: nowhere/x.json: no such file or directory\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c:d.md", "net.yaml", "x.json"]


# git revisions


def git(*arguments: str) -> None:
    named = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *named, *arguments], check=True, capture_output=True)  # noqa: S607


def test_revisions(run: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets").mkdir()
    path = tmp_path / "nets" / "net.yaml"
    path.write_text("input: [3]\nlayers:\n  - linear: {out_features: 3}\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "a net")
    path.write_text("input: [3]\nlayers:\n  - linear: {out_features: 4}\n")
    ran = run("diff", "main:nets/net.yaml", "nets/net.yaml")
    assert "out_features: 3 -> 4" in ran.out
    git("commit", "-qam", "a wider net")
    assert "out_features: 3 -> 4" in run("diff", "HEAD~1:nets/net.yaml", "HEAD:nets/net.yaml").out
    monkeypatch.chdir(tmp_path / "nets")
    assert "out_features: 3 -> 4" in run("diff", "HEAD~1:./net.yaml", "net.yaml").out
    (tmp_path / "family.yaml").write_text("input: [3]\nlayers: [relu]\nvariants: {family_b: {}}\n")
    git("add", "../family.yaml")
    git("commit", "-qm", "a family at the top")
    assert "no difference" in run("diff", "HEAD:family.yaml", "../family.yaml", "--variant", "family_b").out
    wrong = {
        "main:none.yaml": "path 'none.yaml' does not exist in 'main'",
        "mian:net.yaml": "invalid object name 'mian'.",
        "main:nets": "a directory, not a file",
        "--output=x:y.yaml": "no revision starts with -",
    }
    for argument, why in wrong.items():
        with pytest.raises(Unreadable) as caught:
            open_graph(argument)
        assert str(caught.value) == f"{argument}: {why}"
    (tmp_path / "nets" / "main:net.yaml").write_text("input: [3]\nlayers: [relu]\n")
    assert [node.kind for node in open_graph("main:net.yaml").nodes] == ["input", "relu"]


def test_a_revision_without_a_file(run: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "nets" / "own.yaml"
    path.parent.mkdir()
    path.write_text("input: [3]\nlayers: [relu]\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "a net")
    git("branch", "feature/wide")
    told = "convcalc: {} is a git revision: name the file too, as in {}\n"
    assert run("diff", "main", "nets/own.yaml").err == told.format("main", "main:./nets/own.yaml")
    assert run("diff", "./nets/own.yaml", "HEAD").err == told.format("HEAD", "HEAD:./nets/own.yaml")
    assert run("diff", "feature/wide", str(path)).err == told.format("feature/wide", "feature/wide:./nets/own.yaml")
    assert run("diff", "main", "HEAD").err == told.format("main", "main:nets/net.yaml")
    assert run("diff", "mian", "nets/own.yaml").err.startswith("convcalc: there is no shipped spec 'mian'")
    assert run("diff", "nets", "nets/own.yaml").err == (
        "convcalc: there is no shipped spec 'nets': what is here is a directory\n"
    )
    monkeypatch.chdir(path.parent)
    assert run("diff", "main", "../nets/own.yaml").err == told.format("main", "main:./own.yaml")
    ran = run("diff", "main:own.yaml", "own.yaml")
    assert (ran.code, ran.err.endswith("; from this folder it is main:./own.yaml\n")) == (2, True)
    assert "no difference" in run("diff", "main:./own.yaml", "own.yaml").out


def test_without_git_or_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(Unreadable, match=r"^main:net.yaml: not a git repository"):
        open_graph("main:net.yaml")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreadable, match="git, which is not installed"):
        open_graph("main:net.yaml")


def test_a_blob_that_is_no_spec_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "large.yaml").write_bytes(b"# " + b"x" * (5 << 20))
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "large")
    with pytest.raises(Unreadable, match="larger than 4 MiB"):
        open_graph("HEAD:large.yaml")
