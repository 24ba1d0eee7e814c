"""What a process must not load: start-up is most of the time of a short command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import convcalc

ROOT = Path(convcalc.__file__).parent.parent

HEAVY = ("numpy", "sympy", "rich", "pydantic")
PREDICTION = ("convcalc.ops", "convcalc.spec", "convcalc.graph", "convcalc.analysis", "convcalc.report")
OBSERVATION = ("convcalc.kernels", "convcalc.witness", "convcalc.plan", "convcalc.tensors")

SHAPE = ("shape", "resnet50")

# The arguments of the command, and what it must not load, with all that is inside it.
LIGHT: dict[str, tuple[tuple[str, ...] | None, tuple[str, ...]]] = {
    "import convcalc": (None, (*HEAVY, "typer", "yaml", "convcalc.cli", *PREDICTION, *OBSERVATION)),
    "convcalc --version": (("--version",), (*HEAVY, "yaml", *PREDICTION, *OBSERVATION)),
    # typer prints its help with rich
    "convcalc --help": (("--help",), ("numpy", "sympy", "pydantic", "yaml", *PREDICTION, *OBSERVATION)),
    "convcalc shape --help": ((*SHAPE, "--help"), ("numpy", "sympy", "pydantic", "yaml", *PREDICTION, *OBSERVATION)),
    "convcalc diff resnet18 resnet34": (("diff", "resnet18", "resnet34"), (*HEAVY, *OBSERVATION, "json")),
    "convcalc shape resnet50": (
        SHAPE,
        (
            *HEAVY, *OBSERVATION, "dataclasses", "json", "importlib.metadata", "fractions", "csv", "http",
            "convcalc.spec.syntax", "convcalc.report.findings", "convcalc.report.json", "convcalc.report.markdown",
        ),
    ),
}  # fmt: skip


def loaded_by(arguments: tuple[str, ...] | None, root: Path = ROOT) -> set[str]:
    """The modules of a process that runs the command line without a terminal, or for None only imports convcalc."""
    work = "import convcalc" if arguments is None else "from convcalc.__main__ import main; main()"
    program = f"import sys, atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {work}"
    ran = subprocess.run(
        [sys.executable, "-c", program, *(arguments or ())],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return set(ran.stderr.split())


def heavy_in(loaded: set[str], forbidden: tuple[str, ...]) -> set[str]:
    """Those of ``loaded`` that are forbidden, or inside a forbidden package."""
    return {name for name in loaded if any(f"{name}.".startswith(f"{package}.") for package in forbidden)}


@pytest.mark.parametrize("case", LIGHT)
def test_nothing_heavy_is_loaded(case: str) -> None:
    arguments, forbidden = LIGHT[case]
    loaded = loaded_by(arguments)
    assert "convcalc" in loaded
    assert heavy_in(loaded, forbidden) == set()


def test_only_the_ops_of_the_net_are_loaded() -> None:
    loaded = {name.rpartition(".")[2] for name in loaded_by(SHAPE) if name.startswith("convcalc.ops.")}
    assert {name for name in loaded if not name.startswith("_")} == {
        "add", "batch_norm", "conv", "flatten", "global_avg_pool", "linear", "max_pool", "relu",
    }  # fmt: skip


def test_only_the_command_that_runs_is_loaded() -> None:
    loaded = {name for name in loaded_by(SHAPE) if name.startswith("convcalc.cli.")}
    assert {name for name in loaded if not name.rpartition(".")[2].startswith("_")} == {"convcalc.cli.shape"}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package and the specs in another place, to plant imports in."""
    root = tmp_path_factory.mktemp("copied")
    for name in ("convcalc", "specs"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    return root


# An import planted at the top of a file, and whose processes then load too much.
PLANTED = {
    "numpy, in the package": ("convcalc/__init__.py", "numpy", "import convcalc"),
    "typer, in the package": ("convcalc/__init__.py", "typer", "import convcalc"),
    "the analysis, in the package": ("convcalc/__init__.py", "convcalc.analysis", "import convcalc"),
    "sympy, in the command line": ("convcalc/cli/__init__.py", "sympy", "convcalc --version"),
    "yaml, in the command line": ("convcalc/cli/__init__.py", "yaml", "convcalc --help"),
    "the ops, in a command": ("convcalc/cli/shape.py", "convcalc.ops", "convcalc shape --help"),
    "numpy, in a formula": ("convcalc/dims.py", "numpy", "convcalc shape resnet50"),
    "rich, in the text report": ("convcalc/report/text.py", "rich.table", "convcalc shape resnet50"),
    "dataclasses, in an op": ("convcalc/ops/conv.py", "dataclasses", "convcalc shape resnet50"),
    "importlib.metadata, in the package": ("convcalc/__init__.py", "importlib.metadata", "convcalc shape resnet50"),
}


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_import_is_found(case: str, copied: Path) -> None:
    file, planted, process = PLANTED[case]
    arguments, forbidden = LIGHT[process]
    text = (copied / file).read_text(encoding="utf-8")
    try:
        future = "from __future__ import annotations\n"
        (copied / file).write_text(text.replace(future, f"{future}import {planted}\n", 1), encoding="utf-8")
        assert planted in heavy_in(loaded_by(arguments, copied), forbidden)
    finally:
        (copied / file).write_text(text, encoding="utf-8")


def test_without_a_plant_the_copy_is_light(copied: Path) -> None:
    arguments, forbidden = LIGHT["convcalc shape resnet50"]
    assert heavy_in(loaded_by(arguments, copied), forbidden) == set()
