"""Shapes, receptive fields, parameters and cost of convolutional networks, from a text file.

    graph = convcalc.load("resnet50")
    analysis = graph.analyze(H=320)
    analysis.totals.params

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convcalc.analysis import Analysis
    from convcalc.diagnostics import Diagnostic, Misuse, SpecError, Unreadable
    from convcalc.graph import Graph
    from convcalc.loading import load
    from convcalc.symbolic.closed import closed_forms
    from convcalc.symbolic.solving import solve

__version__ = "0.1.0"
__all__ = [
    "Analysis",
    "Diagnostic",
    "Graph",
    "Misuse",
    "SpecError",
    "Unreadable",
    "__version__",
    "closed_forms",
    "load",
    "solve",
]

_HOMES = {
    "Analysis": "analysis",
    "Diagnostic": "diagnostics",
    "Graph": "graph",
    "Misuse": "diagnostics",
    "SpecError": "diagnostics",
    "Unreadable": "diagnostics",
    "closed_forms": "symbolic.closed",
    "load": "loading",
    "solve": "symbolic.solving",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'convcalc' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(f"convcalc.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
