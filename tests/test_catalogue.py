"""What the commands ``ops`` and ``specs`` list is what there is."""

from __future__ import annotations

import csv

from typer.testing import CliRunner

from convcalc import load, ops
from convcalc.cli import app
from convcalc.spec.shipped import FOLDERS, files


def run(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, args)
    return result.exit_code, result.stdout, str(result.exception or "")


def test_specs_lists_every_net_by_the_name_that_loads_it() -> None:
    code, told, _ = run("specs", "--format", "csv")
    rows = list(csv.DictReader(told.splitlines()))
    assert code == 0
    assert {row["name"] for row in rows} >= set(files())
    assert [row["folder"] for row in rows] == sorted((row["folder"] for row in rows), key=FOLDERS.index)
    for row in rows:
        totals = load(row["name"]).analyze().totals
        assert (str(totals.params), str(totals.macs)) == (row["params"], row["macs"]), row


def test_specs_of_one_folder_as_a_table() -> None:
    told = run("specs", "models")[1].splitlines()
    assert told[0].split() == ["name", "net", "input", "params", "MACs"]
    assert any(line.split()[0] == "resnet50" and line.split()[-2:] == ["25,557,032", "4,089,184,256"] for line in told)
    assert not any(line.startswith("max_pool ") for line in told)


def test_specs_refuses_what_there_is_not() -> None:
    assert "did you mean 'models'" in run("specs", "model")[2]
    assert "there is no format 'yml'" in run("specs", "--format", "yml")[2]


def test_ops_lists_every_op_and_describes_one() -> None:
    told = run("ops")[1].splitlines()
    assert [line.split()[0] for line in told] == ops.names()
    assert all(len(line.split()) > 2 for line in told)
    described = run("ops", "conv", "relu")[1]
    assert described.startswith("## conv\n")
    assert "\n## relu\n" in described
    assert "did you mean 'conv'" in run("ops", "cov")[2]
    assert run("ops", "--all")[1].startswith("# Operations")
