"""Closed forms beside the same rules over SymPy: ``pytest -m bench -s tests/bench``."""

from __future__ import annotations

import pytest
from raw_sympy import raw
from side_by_side import milliseconds, paired, row, seconds

from convcalc import closed_forms, load
from convcalc.analysis import examine
from convcalc.symbolic.carrying import carry
from convcalc.symbolic.solving import solve

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


def test_a_million_heights_of_resnet50() -> None:
    import numpy as np

    from convcalc.symbolic.forms import forms_in
    from convcalc.symbolic.sweeping import Grid, Points, Sweep

    net = load("resnet50")
    sweep = Sweep(net, Grid({"H": range(1, 1_000_001)}))
    closed = closed_forms(net, "H")
    shapes = list(dict.fromkeys(forms_in([row.shapes for row in closed.rows])))

    def everything() -> None:
        for chunk in sweep.chunks(0, sweep.grid.size, ["params", "macs"]):
            assert chunk.valid.all()
            points = Points(chunk.variables, chunk.stop - chunk.start)
            for dim in shapes:
                points.value(dim)

    heights = np.arange(1, 1_000_001)
    found = paired(
        seconds(everything),
        seconds(lambda: Points({"H": heights}, len(heights)).value(closed.totals.macs)),
        3,
    )
    row("resnet50 at a million heights: shapes, params, MACs", milliseconds(found.one), "1000 ms")
    row("    its total MACs alone", milliseconds(found.other), "150 ms")
    assert min(found.one) < 3


def test_the_domain_of_resnet50() -> None:
    net = load("resnet50")
    analysis = net.analyze()
    found = paired(seconds(lambda: solve(net, ["H", "W"])), seconds(lambda: examine(analysis.graph)), RUNS)
    row("the exact domain of resnet50 in H and W", milliseconds(found.one), "15 ms")
    row("    its analysis at one size", milliseconds(found.other))
    assert found.ratio < 10
