"""Closed forms beside the same rules over SymPy: ``pytest -m bench -s tests/bench``."""

from __future__ import annotations

import pytest
from side_by_side import milliseconds, paired, row, seconds

from convcalc import closed_forms, load
from convcalc.symbolic.carrying import carry
from tests.raw_sympy import raw

pytestmark = pytest.mark.bench

RUNS = 9


def test_closed_forms_of_resnet50_beside_sympy() -> None:
    net = load("resnet50")

    def over_sympy() -> object:
        from sympy.core.cache import clear_cache

        clear_cache()
        steps = carry(net.bind({"H": raw("H"), "W": raw("W")})).steps
        return sum((step.cost.macs for step in steps), 0)

    found = paired(seconds(lambda: closed_forms(net, "H", "W")), seconds(over_sympy), RUNS)
    row("resnet50 in closed forms, H and W free", milliseconds(found.one), "5 ms")
    row("its shapes and MACs over SymPy", milliseconds(found.other))
    row("    SymPy over convcalc", f"{1 / found.ratio:8.2f}", "at least 5")
    assert found.ratio < 0.2
