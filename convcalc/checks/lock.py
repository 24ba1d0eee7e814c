"""Baselines: what every net was when it was last looked at, in a file that people review.

    {"version": 1, "specs": {"specs/vgg.yaml": {"net": RECORD, "variants": {"vgg16": RECORD}}}}

A record has the shapes of inputs and outputs, totals, and for each layer of the top level its shape, parameters and
MACs.
"""

from __future__ import annotations

import json
from shlex import quote
from typing import TYPE_CHECKING, Any

from convcalc.analysis import analyze
from convcalc.checks.metrics import of_net
from convcalc.diagnostics import Diagnostic, Misuse, Note, SpecError, times
from convcalc.expand import expand
from convcalc.loading import spec_of
from convcalc.replacing import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.analysis import Analysis
    from convcalc.source import Source

VERSION = 1
TOTALS = ("params", "macs", "flops", "memory", "receptive_field", "depth")

Record = dict[str, Any]


def record(analysis: Analysis) -> Record:
    """What a baseline holds of a net, in plain data."""
    nodes = analysis.graph.nodes
    inputs = {name: list(nodes[ref.node].shape or ()) for name, ref in analysis.graph.inputs.items()}
    outputs = {name: list(shape) for name, shape in analysis.outputs.items()}
    totals = {key: list(value) if isinstance(value := of_net(analysis, key), tuple) else value for key in TOTALS}
    layers: dict[str, list[Any]] = {}
    for row in analysis.rows:
        _, params, macs = layers.get(top := row.name.partition("/")[0], [None, 0, 0])
        layers[top] = [list(row.shape), params + row.params, macs + row.macs]
    return {"inputs": inputs, "outputs": outputs, **totals, "layers": layers}


def baseline(source: Source) -> tuple[dict[str, Any] | None, tuple[Diagnostic, ...]]:
    """What a baseline holds of a file, or None and why there is nothing to hold."""
    try:
        spec = spec_of(source)
        records = {variant: record(analyze(expand(spec, variant=variant))) for variant in ("", *spec.variants)}
    except SpecError as error:
        return None, error.diagnostics
    return {"net": records.pop(""), "variants": records}, ()


def read_lock(path: str) -> dict[str, Any] | None:
    """The specs of a baseline by path, None where there is no file; raises Misuse where it is none of ours."""
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        if data["version"] != VERSION:
            raise Misuse(f"{path}: a baseline of version {data['version']}: write it anew with convcalc lock --update")
        specs: dict[str, Any] = data["specs"]
        for entry in specs.values():
            for known in (entry["net"], *entry["variants"].values()):
                _ = [known[key] for key in TOTALS], known["inputs"].items(), known["outputs"].items()
                for _shape, _params, _macs in known["layers"].values():
                    pass
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        told = (
            f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else "something is missing"
        )
        raise Misuse(f"{path}: no baseline ({told}): write it anew with convcalc lock --update") from None
    return specs


def written(specs: dict[str, Any]) -> str:
    """The text of a baseline: specs by path, a line for each total and each layer."""
    return f'{{\n  "version": {VERSION},\n  "specs": {_text(dict(sorted(specs.items())), 2)}\n}}\n'


def _text(data: Any, indent: int) -> str:
    """JSON with maps over several lines, and lists on one."""
    if not isinstance(data, dict) or not data:
        return json.dumps(data, ensure_ascii=False)
    inner = " " * (indent + 2)
    lines = (f"{inner}{json.dumps(key, ensure_ascii=False)}: {_text(entry, indent + 2)}" for key, entry in data.items())
    return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"


def write_lock(path: str, specs: dict[str, Any]) -> None:
    """Replace a baseline, all at once."""
    with replacing(path) as file:
        file.write(written(specs).encode())


def drift(analysis: Analysis, entry: Any, lock: str) -> Diagnostic | None:
    """How a net differs from the baseline's ``entry`` for its file, None where it does not; ``lock`` is its path."""
    graph = analysis.graph
    if graph.spec is None:
        return None
    span = graph.spec.marks.key(("variants", graph.variant) if graph.variant else ("layers",))
    before = entry and (entry["variants"].get(graph.variant) if graph.variant else entry["net"])
    path = quote(graph.spec.source.path)
    if before is None:
        told = f"{lock} does not have this net yet"
        return Diagnostic("not-locked", told, f"run `convcalc lock {path}`", graph.spec.source, span, (), "warning")
    now = record(analysis)
    if now == before:
        return None
    changes = [f"{key} {_changed(before[key], now[key])}" for key in TOTALS if before[key] != now[key]]
    changes += [
        f"{key} {_shapes(before.get(key), now[key])}" for key in ("inputs", "outputs") if before.get(key) != now[key]
    ]
    notes = tuple(_layers(analysis, before["layers"], now["layers"]))
    told = "; ".join(changes) or "the layers are others, the totals the same"
    fix = f"run `convcalc lock --update {path}` if that is meant"
    return Diagnostic("drift", f"other than in {lock}: {told}", fix, graph.spec.source, span, notes)


def _layers(analysis: Analysis, before: dict[str, Any], now: dict[str, Any]) -> Iterator[Note]:
    """A note for each layer that changed, came or went, twelve of them at most."""
    names = [
        name for name in (*now, *(name for name in before if name not in now)) if before.get(name) != now.get(name)
    ]
    graph = analysis.graph
    spans = {node.name.partition("/")[0]: graph.span(node) for node in graph.nodes}
    for group in graph.groups:
        if graph.spec and group.layer.name == group.name.partition("/")[0]:
            spans[group.layer.name] = graph.spec.marks.key((*group.layer.path, group.layer.kind))
    for name in names[:12]:
        if name not in before:
            yield Note(f"{name} is new: {_layer(now[name])}", spans.get(name))
        elif name not in now:
            yield Note(f"{name} is gone: it was {_layer(before[name])}")
        else:
            parts = zip(("shape", "params", "macs"), before[name], now[name], strict=True)
            told = ", ".join(f"{key} {_changed(was, is_)}" for key, was, is_ in parts if was != is_)
            yield Note(f"{name}: {told}", spans.get(name))
    if len(names) > 12:
        yield Note(f"and {len(names) - 12} more layers")


def _layer(entry: list[Any]) -> str:
    shape, params, macs = entry
    return f"{_told(shape)}, {params:,} params, {macs:,} MACs"


def _changed(was: Any, now: Any) -> str:
    """``1,000 -> 1,100 (+10.0%)``."""
    share = f" ({100 * (now - was) / was:+.1f}%)" if isinstance(was, int) and isinstance(now, int) and was else ""
    return f"{_told(was)} -> {_told(now)}{share}"


def _shapes(was: Any, now: Any) -> str:
    told = [", ".join(f"{name} {_told(shape)}" for name, shape in (shapes or {}).items()) for shapes in (was, now)]
    return " -> ".join(told)


def _told(value: Any) -> str:
    if isinstance(value, list):
        return times(value)
    return f"{value:,}" if isinstance(value, int) else str(value)
