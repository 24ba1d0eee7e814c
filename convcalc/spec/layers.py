"""A list of layers, and the names they go by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import Note, did_you_mean
from convcalc.spec import structure
from convcalc.spec.model import Layer
from convcalc.spec.written import SIBLINGS, spaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from convcalc.spec.findings import Findings
    from convcalc.spec.model import Path

_KIND = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)
"""With dots too, as in ``nn.Conv2d``: no op is called so, but one may be meant."""
_EXAMPLE = "write an op, as in `- relu` or `- conv: {out_channels: 8, kernel_size: 3}`"


def layers(found: Findings, value: Any, path: Path, inputs: Mapping[str, Path]) -> list[Layer]:
    """The layers of a frame, a block's or the top level's, of which every name is unique.

    ``inputs`` are the names the frame is given from outside, each with the place it is declared at.
    """
    frame = _Frame(found, inputs)
    entries = frame.listed(value, path)
    frame.check_names()
    return entries


class _Frame:
    """Counts the layers of each kind by place in the file, across branches."""

    def __init__(self, found: Findings, inputs: Mapping[str, Path]) -> None:
        self.found = found
        self.inputs = inputs
        self.counts: dict[str, int] = {}
        self.layers: list[Layer] = []

    def listed(self, value: Any, path: Path) -> list[Layer]:
        if not isinstance(value, list):
            self.not_a_list(value, path)
            return []
        return [self.layer(entry, (*path, i)) for i, entry in enumerate(value)]

    def not_a_list(self, value: Any, path: Path) -> None:
        message = f"layers are a list, and this is {structure.kind(value)}"
        fix = "start every layer with '- '"
        if isinstance(value, str) and value.startswith("-"):
            fix = f"write a space after the dash: `- {value[1:].split()[0] if value[1:] else 'relu'}`"
        self.found.add(path, "not-a-list", message, fix)

    def layer(self, entry: Any, path: Path) -> Layer:
        """The layer an entry describes; one without a name for an entry that is none."""
        if isinstance(entry, str):
            return self.named(entry, path, None, None) if self.is_kind(entry, path) else Layer("", "", path)
        if not isinstance(entry, dict):
            message = f"a layer is an op, or a map with one, and this is {structure.kind(entry)}"
            self.found.add(path, "not-a-layer", message, _EXAMPLE)
            return Layer("", "", path)
        kind = self.kind_of(entry, path)
        if kind is None or not self.is_kind(kind, (*path, kind)):
            return Layer("", "", path)
        layer = self.named(kind, path, entry.get("name"), (*path, "name") if "name" in entry else None)
        self.arguments(layer, entry[kind], (*path, kind))
        if len(entry) > 1:
            self.siblings(layer, entry)
        return layer

    def named(self, kind: str, path: Path, name: Any, name_path: Path | None) -> Layer:
        # Every layer of the kind counts, named or not: naming one renames no other.
        count = self.counts[kind] = self.counts.get(kind, 0) + 1
        own = structure.name(self.found, name, name_path, "a layer's name") if name_path else ""
        layer = Layer(kind, own or f"{kind}_{count}", path, named=bool(own))
        self.layers.append(layer)
        return layer

    def is_kind(self, kind: str, path: Path) -> bool:
        if _KIND.fullmatch(kind):
            return True
        fix = spaced(kind) or (f"write `- {kind[1:]}`" if kind.startswith("-") else _EXAMPLE)
        self.found.add(path, "bad-op", f"'{kind}' is not the name of an op", fix, key=True)
        return False

    def kind_of(self, entry: dict[str, Any], path: Path) -> str | None:
        """The key of a layer's map that names its op or block."""
        keys = [key for key in entry if key not in SIBLINGS]
        if len(keys) == 1:
            return keys[0]
        if not keys:
            self.found.add(path, "missing-op", "this entry names no op", _EXAMPLE)
            return None
        # A misspelled sibling may come first; it has a scalar after it, an op hardly ever.
        op = next((key for key in keys if _like_arguments(entry[key])), keys[0])
        for key in keys:
            if key != op:
                self.stray(op, entry, key, (*path, key))
        return op

    def stray(self, op: str, entry: dict[str, Any], key: str, path: Path) -> None:
        """A key beside the op that is neither a sibling nor the op."""
        value = entry[key]
        if key[:1].isupper() or _like_arguments(value):
            message = f"a second op, '{key}', in the entry of '{op}'"
            fix = f"start it with a dash of its own: `- {key}:`"
            self.found.add(path, "two-ops", message, fix, key=True)
            return
        guess = did_you_mean(key, SIBLINGS)
        if guess.startswith("did"):
            self.found.add(path, "unknown-key", f"a layer has no key '{key}' beside its op", guess, key=True)
            return
        fix = f"indent it further than '{op}'" if entry[op] is None else f"move it into the arguments of '{op}'"
        message = f"'{key}' stands beside '{op}', not among its arguments"
        self.found.add(path, "not-indented", message, fix, key=True)

    def arguments(self, layer: Layer, value: Any, path: Path) -> None:
        if isinstance(value, dict):
            layer.args = value
        elif isinstance(value, list) and not (value and all(isinstance(entry, (int, float)) for entry in value)):
            layer.branches = self.branches(layer.kind, value, path)
        elif value is not None:
            fix = spaced(value) if isinstance(value, str) else ""
            message = f"'{layer.kind}' takes its arguments by name, and this is {structure.kind(value)}"
            self.found.add(path, "not-a-map", message, fix or f"write `{layer.kind}: {{...}}` with the argument's name")

    def branches(self, kind: str, value: list[Any], path: Path) -> list[list[Layer]]:
        if not value:
            fix = f"list the branches, or write `{kind}:` and what it joins after `from:`"
            self.found.add(path, "no-branches", f"'{kind}' joins no branches", fix)
        for i, branch in enumerate(value):
            if not isinstance(branch, list):
                message = f"each branch of '{kind}' is itself a list, and this is {structure.kind(branch)}"
                fix = f"start a branch with two dashes: `- - {_first_key(branch)}`"
                if set(map(str, value)) <= {*self.inputs, *(layer.name for layer in self.layers)}:
                    fix = f"write `{kind}:`, and what it joins below it: `from: [{', '.join(map(str, value))}]`"
                self.found.add((*path, i), "not-a-branch", message, fix)
                return []
        return [self.listed(branch, (*path, i)) for i, branch in enumerate(value)]

    def siblings(self, layer: Layer, entry: dict[str, Any]) -> None:
        found, path = self.found, layer.path
        if "from" in entry:
            sources = structure.names(found, entry["from"], (*path, "from"), "the name of a layer", structure.TENSOR)
            layer.sources = sources or None
        if "repeat" in entry:
            layer.repeat = structure.number(found, entry["repeat"], (*path, "repeat"), "repeat")
        if "when" in entry:
            when = entry["when"]
            switch = int(when) if isinstance(when, bool) else structure.number(found, when, (*path, "when"), "when")
            layer.when = switch
        if "share" in entry:
            layer.share = structure.name(found, entry["share"], (*path, "share"), "the name of a layer") or None
        if "expect" in entry:
            layer.expect = structure.expectations(found, entry["expect"], (*path, "expect"))

    def check_names(self) -> None:
        """Names are unique; of two layers it is an explicit name that has to change."""
        owners = {name: (path, f"the input '{name}'") for name, path in self.inputs.items()}
        for layer in sorted(self.layers, key=lambda layer: layer.named):
            owner = owners.setdefault(layer.name, (layer.path, f"this '{layer.kind}'"))
            if owner[0] == layer.path:
                continue
            note = Note(f"{owner[1]} is called so", self.found.marks.value(owner[0]))
            if layer.named:
                place, fix = (*layer.path, "name"), "choose another name"
            else:
                place, fix = layer.path, "give one of the two another name with `name:`"
            self.found.add(place, "duplicate-name", f"the name '{layer.name}' is taken", fix, notes=(note,))


def every_layer(layers: list[Layer]) -> Iterator[Layer]:
    """The layers and those in their branches."""
    for layer in layers:
        yield layer
        for branch in layer.branches or ():
            yield from every_layer(branch)


def _like_arguments(value: Any) -> bool:
    """Whether a value is what follows an op: nothing, a map, or a list of branches."""
    if isinstance(value, list):
        return any(isinstance(entry, list) for entry in value)
    return value is None or isinstance(value, dict)


def _first_key(branch: Any) -> str:
    if isinstance(branch, dict) and branch:
        return f"{next(iter(branch))}:"
    return branch if isinstance(branch, str) else "relu"
