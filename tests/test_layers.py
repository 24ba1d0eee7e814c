"""Who may import whom: every import in the package, held to the layers of the design.

An import for types alone (under TYPE_CHECKING) costs nothing at run time and is free.
"""

from __future__ import annotations

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import convcalc

PACKAGE = Path(convcalc.__file__).parent


class Part(NamedTuple):
    """A module or a package of convcalc: its layer, what it may import, at all or of its own layer.

    Below its own layer a part may import everything, unless ``below`` names all that it may.
    """

    layer: int
    beside: frozenset[str] = frozenset()
    below: frozenset[str] | None = None
    third: frozenset[str] = frozenset()


def names(text: str) -> frozenset[str]:
    return frozenset(text.split())


FACTS = names("source diagnostics dims expressions replacing revision")
PREDICTION = names("analysis symbolic")
OBSERVATION = names("kernels witness plan tensors")
INPUT = names("ops spec expand graph loading schema devices")

PARTS = {
    # 0: facts and formulas, each upon those before it
    "source": Part(0),
    "replacing": Part(0),
    "revision": Part(0),
    "diagnostics": Part(0, names("source")),
    "dims": Part(0, names("source diagnostics")),
    "expressions": Part(0, names("source diagnostics dims")),
    # 1: ops
    "ops": Part(1),
    # 2: text to Spec, which knows no op
    "spec": Part(2, below=FACTS, third=names("yaml")),
    # 3: Spec to Graph
    "graph": Part(3, names("expand")),
    "expand": Part(3, names("graph")),
    "loading": Part(3, names("expand graph")),
    "schema": Part(3),
    "devices": Part(3, third=names("numpy")),
    # 4: two sides that share nothing but the graph. Prediction:
    "analysis": Part(4, names("symbolic")),
    "symbolic": Part(4, names("analysis"), third=names("numpy sympy")),
    # and observation, whose kernels know nothing but arrays
    "kernels": Part(4, below=names(""), third=names("numpy")),
    "witness": Part(4, names("kernels tensors"), third=names("numpy")),
    "plan": Part(4, names("kernels witness"), third=names("numpy")),
    "tensors": Part(4, third=names("numpy PIL safetensors")),
    # 5: where the two sides meet
    "checks": Part(5),
    # 6: what people read; no kernel is run for it
    "report": Part(6, below=FACTS | INPUT | PREDICTION | (OBSERVATION - {"kernels"}) | {"checks"}, third=names("rich")),
    "draw": Part(6, names("report"), below=FACTS | INPUT | PREDICTION | {"checks"}, third=names("grandalf")),
    "explain": Part(6, names("report"), below=FACTS | INPUT | PREDICTION | {"checks"}),
    # 7: the command line
    "cli": Part(7, third=names("typer numpy")),
    "__main__": Part(8, below=names("cli")),
}

# The one way up: a graph is asked for its analysis.
UP = {("convcalc.graph", "Graph.analyze", "convcalc.analysis")}

# What a command's module may import before the command runs, third parties included.
AT_THE_TOP = {"cli": names("cli diagnostics typer")}


class Import(NamedTuple):
    """One import: who (``convcalc.ops.conv``), what, in which function ("" for the module itself), on which line."""

    module: str
    target: str
    function: str
    line: int


class Imports(ast.NodeVisitor):
    """All imports of a module that are carried out at run time."""

    def __init__(self, module: str, package: str, modules: set[str]) -> None:
        self.module = module
        self.package = package
        self.modules = modules
        self.scopes: list[tuple[str, bool]] = []
        self.found: list[Import] = []

    def add(self, target: str, node: ast.AST) -> None:
        inside = any(is_function for _, is_function in self.scopes)
        function = ".".join(name for name, _ in self.scopes) if inside else ""
        self.found.append(Import(self.module, target, function, node.lineno))  # type: ignore[attr-defined]

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.add(alias.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        source = node.module or ""
        if node.level:
            base = self.package.split(".")
            source = ".".join([*base[: len(base) - node.level + 1], *filter(None, [source])])
        for alias in node.names:
            submodule = f"{source}.{alias.name}"
            self.add(submodule if submodule in self.modules else source, node)

    def visit_Call(self, node: ast.Call) -> None:
        """``import_module`` and ``__import__`` too, as far as their argument is spelt out."""
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("import_module", "__import__") and node.args:
            argument = node.args[0]
            start = argument.values[0] if isinstance(argument, ast.JoinedStr) else argument
            if isinstance(start, ast.Constant) and isinstance(start.value, str):
                self.add(start.value.rstrip("."), node)
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for statement in node.orelse:
                self.visit(statement)
        else:
            self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.enter(node, is_function=False)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.enter(node, is_function=True)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815  # the name ast.NodeVisitor looks for

    def enter(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, *, is_function: bool) -> None:
        self.scopes.append((node.name, is_function))
        self.generic_visit(node)
        self.scopes.pop()


def imports_of(package: Path, kind: type[Imports] | None = None) -> list[Import]:
    """Every import that is carried out at run time in any module of ``package``."""
    files: dict[str, Path] = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    found: list[Import] = []
    for module, path in files.items():
        holder = module if path.name == "__init__.py" else module.rpartition(".")[0]
        visitor = (kind or Imports)(module, holder, set(files))
        visitor.visit(ast.parse(path.read_text(encoding="utf-8")))
        found += visitor.found
    return found


def violations(package: Path) -> list[str]:
    """What in ``package`` breaks the rules, one line for each."""
    imports = imports_of(package)
    told = [f"{i.module}:{i.line} imports {i.target}: {why}" for i in imports if (why := objection(i))]
    return list(dict.fromkeys(told)) + cycles(imports)


def objection(found: Import) -> str:
    """Why this import must not be; nothing if it may."""
    if found.module == "convcalc":
        return "" if found.function or found.target in sys.stdlib_module_names else "the package itself loads nothing"
    own = found.module.split(".")[1]
    part = PARTS.get(own)
    if part is None:
        return f"{own} has no place in the table of layers"
    top, _, rest = found.target.partition(".")
    name = rest.partition(".")[0] if top == "convcalc" else top
    if top in sys.stdlib_module_names:
        return ""
    if not found.function and name not in AT_THE_TOP.get(own, {name}):
        return f"{own} imports it inside a function only"
    if top != "convcalc":
        return "" if top in part.third else f"{own} may not use it"
    if name == own or not name or (found.module, found.function, found.target) in UP:
        return ""
    if name not in PARTS:
        return f"{name} has no place in the table of layers"
    return layering(own, part, name)


def layering(own: str, part: Part, name: str) -> str:
    """Why ``own`` may not import ``name``, another part of the package."""
    layer = PARTS[name].layer
    if layer > part.layer:
        return f"{own} is in layer {part.layer}, {name} in layer {layer}"
    if layer == part.layer:
        return "" if name in part.beside else f"{own} may not import it, though both are in layer {layer}"
    return "" if part.below is None or name in part.below else f"{own} may not import it"


def cycles(imports: list[Import]) -> list[str]:
    """The first cycle among the modules that import each other as they are loaded."""
    graph: dict[str, set[str]] = {}
    for found in imports:
        if not found.function:
            graph.setdefault(found.module, set()).add(found.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        members = error.args[1][:0:-1]
        first = members.index(min(members))
        return [f"a cycle: {' > '.join([*members[first:], *members[: first + 1]])}"]
    return []


class WithTypes(Imports):
    """What is imported for types alone too, and inside functions as if it were at the top."""

    def visit_If(self, node: ast.If) -> None:
        self.generic_visit(node)

    def enter(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, *, is_function: bool) -> None:
        self.generic_visit(node)


def circles(package: Path, *parts: str) -> list[str]:
    """A cycle among the modules of these parts, whatever they import one another for."""
    found = imports_of(package, WithTypes)
    within = tuple(f"{package.name}.{part}" for part in parts)
    return cycles([i for i in found if i.module.startswith(within) and i.module != i.target])


def test_checks_and_reports_know_each_other_one_way_even_for_types() -> None:
    assert circles(PACKAGE, "checks", "report", "cli") == []


def test_a_circle_for_types_is_seen(tmp_path: Path) -> None:
    package = tmp_path / "convcalc"
    (package / "checks").mkdir(parents=True)
    (package / "checks" / "a.py").write_text("def f():\n    from convcalc.checks import b\n")
    (package / "checks" / "b.py").write_text("if TYPE_CHECKING:\n    from convcalc.checks.a import f\n")
    assert circles(package, "checks") == ["a cycle: convcalc.checks.a > convcalc.checks.b > convcalc.checks.a"]
    assert circles(package, "report") == []


def test_every_import_keeps_to_the_layers() -> None:
    assert violations(PACKAGE) == []


def test_the_whole_package_is_read() -> None:
    found = imports_of(PACKAGE)
    assert len(found) > 150
    assert {(i.module, i.function, i.target) for i in found} >= UP


PLANTED = {
    "up a layer": (
        {"ops/conv.py": "from convcalc.spec.model import Spec"},
        "convcalc.ops.conv:1 imports convcalc.spec.model: ops is in layer 1, spec in layer 2",
    ),
    "up, inside a function": (
        {"dims.py": "def f():\n    import convcalc.graph"},
        "convcalc.dims:2 imports convcalc.graph: dims is in layer 0, graph in layer 3",
    ),
    "up, inside a method": (
        {"graph.py": "class Graph:\n    def shapes(self):\n        from convcalc.analysis import analyze"},
        "convcalc.graph:3 imports convcalc.analysis: graph is in layer 3, analysis in layer 4",
    ),
    "up, where a graph is asked, but at the top": (
        {"graph.py": "from convcalc.analysis import analyze"},
        "convcalc.graph:1 imports convcalc.analysis: graph is in layer 3, analysis in layer 4",
    ),
    "against the order of layer 0": (
        {"diagnostics.py": "from convcalc.expressions import parse"},
        "convcalc.diagnostics:1 imports convcalc.expressions: "
        "diagnostics may not import it, though both are in layer 0",
    ),
    "the spec knows no op": (
        {"spec/layers.py": "from convcalc import ops", "ops/__init__.py": ""},
        "convcalc.spec.layers:1 imports convcalc.ops: spec may not import it",
    ),
    "prediction looks at observation": (
        {"analysis/shapes.py": "from convcalc.witness import run"},
        "convcalc.analysis.shapes:1 imports convcalc.witness: analysis may not import it, though both are in layer 4",
    ),
    "observation looks at prediction": (
        {"witness/__init__.py": "import convcalc.analysis.shapes"},
        "convcalc.witness:1 imports convcalc.analysis.shapes: witness may not import it, though both are in layer 4",
    ),
    "a kernel reuses a formula": (
        {"kernels/conv.py": "from convcalc.dims import window"},
        "convcalc.kernels.conv:1 imports convcalc.dims: kernels may not import it",
    ),
    "a report runs kernels": (
        {"report/json.py": "def f():\n    from convcalc import kernels", "kernels/__init__.py": ""},
        "convcalc.report.json:2 imports convcalc.kernels: report may not import it",
    ),
    "relative": (
        {"ops/_op.py": "from ..graph import Graph"},
        "convcalc.ops._op:1 imports convcalc.graph: ops is in layer 1, graph in layer 3",
    ),
    "by name": (
        {"ops/_op.py": "import importlib\nimportlib.import_module(f'convcalc.analysis.{x}')"},
        "convcalc.ops._op:2 imports convcalc.analysis: ops is in layer 1, analysis in layer 4",
    ),
    "beside TYPE_CHECKING": (
        {"dims.py": "if TYPE_CHECKING:\n    import numpy\nelse:\n    import sympy"},
        "convcalc.dims:4 imports sympy: dims may not use it",
    ),
    "a third party": (
        {"analysis/shapes.py": "import numpy as np"},
        "convcalc.analysis.shapes:1 imports numpy: analysis may not use it",
    ),
    "a third party, inside a function": (
        {"analysis/shapes.py": "def f():\n    from sympy.abc import x"},
        "convcalc.analysis.shapes:2 imports sympy.abc: analysis may not use it",
    ),
    "a command's imports before it runs": (
        {"cli/shape.py": "from convcalc.analysis import analyze"},
        "convcalc.cli.shape:1 imports convcalc.analysis: cli imports it inside a function only",
    ),
    "the package itself": (
        {"__init__.py": "from convcalc.graph import Graph"},
        "convcalc:1 imports convcalc.graph: the package itself loads nothing",
    ),
    "a module without a place": (
        {"utils.py": "import os"},
        "convcalc.utils:1 imports os: utils has no place in the table of layers",
    ),
    "a cycle": (
        {"ops/a.py": "from convcalc.ops import b", "ops/b.py": "import convcalc.ops.a", "ops/__init__.py": ""},
        "a cycle: convcalc.ops.a > convcalc.ops.b > convcalc.ops.a",
    ),
    "a cycle of two that may import each other, one of them in a function": (
        {"graph.py": "from convcalc.expand import expand", "expand.py": "from convcalc.graph import Graph"},
        "a cycle: convcalc.expand > convcalc.graph > convcalc.expand",
    ),
}


def planted(files: dict[str, str], root: Path) -> Path:
    for name, text in files.items():
        path = root / "convcalc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root / "convcalc"


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_import_is_found(case: str, tmp_path: Path) -> None:
    files, expected = PLANTED[case]
    assert violations(planted(files, tmp_path)) == [expected]


def test_what_is_allowed_passes(tmp_path: Path) -> None:
    package = planted(
        {
            "__init__.py": "def __getattr__(name):\n    from convcalc.graph import Graph",
            "__main__.py": "def main():\n    from convcalc.cli import main",
            "dims.py": "import math\nif TYPE_CHECKING:\n    from convcalc.graph import Graph",
            "graph.py": "class Graph:\n    def analyze(self):\n        from convcalc.analysis import analyze",
            "ops/a.py": "def f():\n    from convcalc.ops import b",
            "ops/b.py": "from convcalc.ops import a",
            "report/text.py": "def f():\n    from rich.table import Table",
            "cli/shape.py": "import typer\ndef shape():\n    from convcalc.analysis import examine",
        },
        tmp_path,
    )
    assert violations(package) == []
