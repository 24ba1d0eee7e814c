"""The operations, one module each; looked up by name, imported when the name is first used."""

from __future__ import annotations

import os
import re
from importlib import import_module
from typing import TYPE_CHECKING

from convcalc.diagnostics import Problem, did_you_mean

if TYPE_CHECKING:
    from convcalc.ops._op import Op

_found: dict[str, type[Op]] = {}


def names() -> list[str]:
    """Every op's name, sorted: the modules of this package that do not start with an underscore."""
    files = os.listdir(os.path.dirname(__file__))
    return sorted(file[:-3] for file in files if file.endswith(".py") and not file.startswith("_"))


def find(name: str) -> type[Op]:
    """The op's class; raises Problem for a name that is none."""
    if name not in _found:
        if name not in names():
            raise _unknown(name)
        module = import_module(f"convcalc.ops.{name}")
        _found[name] = getattr(module, "".join(part.capitalize() for part in name.split("_")))
    return _found[name]


def elsewhere(name: str) -> str:
    """What to write for a name that other frameworks have: the op that it is here, or how to do without; or nothing."""
    plain = _folded(name)
    for known in names():
        if plain in (_folded(known), *map(_folded, find(known).also)):
            return f"did you mean '{known}'?"
    return next((fix for meant, fix in _WITHOUT.items() if plain in meant.split()), "")


_WITHOUT = {
    "identity": "remove it; a branch that changes nothing is []",
    "sequential modulelist": "list its layers here, or declare a block of them",
    "rnn lstm gru convlstm bidirectional simplernn lstmcell grucell": "leave it out: no layer here is recurrent",
    "depthwiseconv separableconv": "write conv with as many groups as input channels",
    "embedding embeddingbag": "start behind it: what it gives is the input, as in [channels, length]",
    "attention multiheadattention selfattention scaleddotproductattention transformerencoderlayer":
        "write it with linear, permute, matmul and softmax",
}  # fmt: skip
"""What other frameworks have as a layer, folded, and there is no op for."""


def _unknown(name: str) -> Problem:
    return Problem("unknown-op", f"there is no op '{name}'", elsewhere(name) or did_you_mean(name, names()))


def _folded(name: str) -> str:
    """A name without module, case, underscores and the rank: ``nn.Conv2d`` and ``conv_2d`` are ``conv``."""
    return re.sub(r"[1-4]d$", "", name.rpartition(".")[2].lower().replace("_", ""))
