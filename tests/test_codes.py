"""Every code is explained, and every explanation is true: what it calls wrong has that finding alone, what it calls
right has none. Renderings are beside it in ``codes``; ``pytest --update`` writes them.
"""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

import documents
import pytest
from test_errors import codes as raised_in

import convcalc
from convcalc.checks import lints
from convcalc.checks.codes import explain, names, reference
from convcalc.checks.configuration import ConfigurationError, configuration
from convcalc.checks.rules import CLAIMS, rules
from convcalc.checks.specs import Wants, check_spec
from convcalc.diagnostics import Misuse
from convcalc.report.findings import print_findings

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.diagnostics import Diagnostic

GOLDEN = Path(__file__).parent / "codes"

WITHOUT_EXAMPLE = {
    "drift": "needs a baseline: test_lock.py",
    "not-locked": "needs a baseline: test_lock.py",
    "observed": "needs a defect of ours: test_observed.py",
    "free-variable": "needs a variable that is left free: test_carrying.py",
    "undecided": "the same: test_carrying.py",
    "unread": "is what solve asks for: test_domains.py",
    "wanted": "the same: test_domains.py",
    "not-plain": "needs data from Python: test_spec_reader.py",
    "too-many-values": "would take megabytes: test_hostile.py",
    "too-many-variables": "would be long: test_hostile.py",
    "yaml": "is what no explanation fits: test_spec_document.py",
}
SHOWN = sorted(set(names()) - WITHOUT_EXAMPLE.keys())
OF_CONFIGURATIONS = ("configuration", "toml")


def found(code: str, text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Diagnostic, ...]:
    """What is found in an example."""
    monkeypatch.chdir(folder)
    if code in OF_CONFIGURATIONS:
        Path("convcalc.toml").write_text(text)
        try:
            configuration("convcalc.toml")
        except ConfigurationError as error:
            return error.diagnostics
        return ()
    Path("spec.yaml").write_text(text)
    return check_spec("spec.yaml", Wants(run=code == "not-run")).findings


def test_every_code_is_explained() -> None:
    package = Path(convcalc.__file__).parent
    modules = [p for p in package.rglob("*.py") if p.relative_to(package).parts[0] not in ("kernels", "tensors")]
    raised = {code for path in modules for code in raised_in(ast.parse(path.read_text()))}
    told = "each code has a file in convcalc/checks/codes, with a spec that is wrong and one that is right"
    assert raised | set(lints.names()) == set(names()), told


def test_rules_are_lints_and_claims() -> None:
    assert set(rules()) == {*lints.names(), *CLAIMS}
    assert set(CLAIMS) <= set(names())


@pytest.mark.parametrize("code", SHOWN)
def test_what_is_wrong_has_that_finding_alone(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Callable[[Path, str], None]
) -> None:
    findings = found(code, explain(code).wrong, tmp_path, monkeypatch)
    assert {finding.code for finding in findings} == {code}
    assert all(finding.fix and finding.span and finding.source for finding in findings)
    out = io.StringIO()
    print_findings(findings, out)
    golden(GOLDEN / f"{code}.txt", out.getvalue())


@pytest.mark.parametrize("code", SHOWN)
def test_what_is_right_has_none(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(code, explain(code).right, tmp_path, monkeypatch) == ()


@pytest.mark.parametrize("code", names())
def test_explanations_have_one_form(code: str) -> None:
    told = explain(code)
    assert told.text.startswith(f"# {code}\n\n")
    assert told.text.endswith("\n")
    assert 15 < len(told.summary) < 200
    assert re.findall(r"^(Wrong|Right):\n\n```(?:yaml|toml)$", told.text, re.M) == ["Wrong", "Right"] * bool(told.wrong)
    assert bool(told.wrong) == bool(told.right) == (code not in WITHOUT_EXAMPLE)
    assert all(len(line) <= 120 for line in told.text.splitlines())


def test_a_code_that_is_none() -> None:
    with pytest.raises(Misuse, match="there is no code 'unused-varible': did you mean 'unused-variable'"):
        explain("unused-varible")


def test_the_reference_is_fresh(golden: Callable[[Path, str], None]) -> None:
    golden(documents.ROOT / "docs" / "codes.md", reference())


def test_nothing_is_left_over() -> None:
    assert sorted(path.stem for path in GOLDEN.iterdir()) == SHOWN
