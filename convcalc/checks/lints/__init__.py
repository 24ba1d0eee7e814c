"""Lints: what is sound arithmetic and yet hardly meant. One module a lint, found by its name, which is its code.

A module has ``look``, which takes a net and yields what it blames in it, or ``read``, which takes a spec. A layer of a
spec is reported where it is to blame in all of its copies, and in every net of the file that it runs in: what only one
member of a family does not need is no mistake of the file.
"""

from __future__ import annotations

import os
from collections import Counter
from importlib import import_module
from typing import TYPE_CHECKING, Any

from convcalc.checks.lints._net import Net
from convcalc.diagnostics import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.analysis import Analysis
    from convcalc.checks.lints._net import Remark
    from convcalc.spec import Spec


def names() -> list[str]:
    """The code of every lint, sorted."""
    files = os.listdir(os.path.dirname(__file__))
    return sorted(file[:-3].replace("_", "-") for file in files if file.endswith(".py") and not file.startswith("_"))


def lints() -> dict[str, Any]:
    """The module of every lint by its code."""
    return {code: import_module(f"{__name__}.{code.replace('-', '_')}") for code in names()}


class Linter:
    """Looks at one net of a file after the other; ``findings`` then tells what is so in all of them."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._lints = lints()
        self._nets: Counter[int] = Counter()
        """In how many nets each layer of the spec runs."""
        self._blamed: dict[tuple[str, int], dict[str, Diagnostic]] = {}
        """By lint and layer of the spec, what was said of it in each net in which all its copies are to blame."""

    def look(self, analysis: Analysis) -> None:
        """Look at a net."""
        net = Net(analysis)
        copies: dict[int, list[int]] = {}
        for place, node in enumerate(net.nodes):
            copies.setdefault(id(node.layer), []).append(place)
        self._nets.update(copies.keys())
        for code, lint in self._lints.items():
            said = {remark.place: remark for remark in lint.look(net)} if hasattr(lint, "look") else {}
            for layer in {id(net.nodes[place].layer) for place in said}:
                if all(place in said for place in copies[layer]):
                    blamed = self._blamed.setdefault((code, layer), {})
                    blamed[net.graph.variant] = self._finding(code, net, said[copies[layer][0]])

    def _finding(self, code: str, net: Net, remark: Remark) -> Diagnostic:
        span = net.graph.span(net.nodes[remark.place], *remark.key)
        return Diagnostic(code, remark.message, remark.fix, self.spec.source, span, (), "warning")

    def findings(self, asked: Sequence[str]) -> dict[Diagnostic, list[str]]:
        """Each finding with the variants that it is in; the file as it stands is ``""``.

        What is said of a layer may differ in numbers: it is told once, of the first of the nets that were asked for.
        """
        told: dict[Diagnostic, list[str]] = {}
        for code, lint in self._lints.items():
            for path, message, fix in lint.read(self.spec) if hasattr(lint, "read") else ():
                place = self.spec.marks.key(path)
                told[Diagnostic(code, message, fix, self.spec.source, place, (), "warning")] = ["", *self.spec.variants]
        for (_, layer), by_net in self._blamed.items():
            if len(by_net) == self._nets[layer]:
                found = by_net[next((variant for variant in asked if variant in by_net), next(iter(by_net)))]
                told.setdefault(found, []).extend(by_net)
        return told
