"""The parts of a difference as people read them: layers that changed alike told once, totals side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.checks.limits import CHANGES, values
from convcalc.diagnostics import times
from convcalc.report.numbers import grouped, growth, per_axis, signed, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from convcalc.checks.difference import Change, Difference, Two
    from convcalc.checks.limits import Limit
    from convcalc.report.difference.compared import Compared

ADDED, REMOVED, CHANGED, MOVED, RENAMED, REACHED = "+-~>= "
"""What became of a layer, as a mark in front of it; the last is one that only what reaches it has changed."""


class Entry(NamedTuple):
    """One or several layers of which the same is to tell: so many ``layers``, in so many ``blocks`` if any."""

    mark: str
    title: str
    op: str
    blocks: int
    layers: int
    what: tuple[str, ...]
    params: int
    macs: int

    @property
    def kind(self) -> str:
        """``conv``, ``conv, 5 layers`` or ``17 Bottleneck, 170 layers``."""
        several = f"{self.blocks} " if self.blocks > 1 else ""
        return f"{several}{self.op}" + (f", {self.layers} layers" if self.layers > 1 else "")


def entries(compared: Compared) -> list[Entry]:
    """What is told layer by layer, in the order of the layers."""
    told: dict[tuple[Any, ...], list[Change]] = {}
    for change in compared.difference.layers:
        if change.own or (compared.complete and change.effects):
            told.setdefault(_alike(change), []).append(change)
    return [_entry(changes) for changes in told.values()]


def reached(difference: Difference) -> list[Change]:
    """Layers that differ only by what reaches them."""
    return [change for change in difference.layers if change.effects and not change.own]


def counted_anew(difference: Difference) -> list[Change]:
    """Layers in whose names only numbers differ, as they do behind a layer that came or went."""
    return [change for change in difference.layers if change.renumbered and not change.own]


def _mark(change: Change) -> str:
    if change.old is None or change.new is None:
        return ADDED if change.old is None else REMOVED
    if change.settings or change.reads or change.old.op != change.new.op:
        return CHANGED
    return MOVED if change.moved else RENAMED if change.own else REACHED


def _alike(change: Change) -> tuple[Any, ...]:
    """What layers have in common that are told together: but for numbers of copies, all that is told."""
    mark = _mark(change)
    name, op = change.block or _named(change)
    what = () if change.block else tuple(_what(change))
    return mark, tuple(part.isdecimal() or part for part in name.split("/")), op, bool(change.block), what


def _named(change: Change) -> tuple[str, str]:
    row = change.new or change.old
    return (row.name, row.op) if row else ("", "")


def _entry(changes: Sequence[Change]) -> Entry:
    mark, _, op, is_block, what = _alike(changes[0])
    names = list(dict.fromkeys((change.block or _named(change))[0] for change in changes))
    blocks = len(names) if is_block else 0
    params, macs = (sum(change.delta(count) for change in changes) for count in ("params", "macs"))
    return Entry(mark, _merged(names), op, blocks, len(changes), what, params, macs)


def _merged(names: Sequence[str]) -> str:
    """``conv4/6-22/conv_1`` for names that differ in the number of a copy, ``*`` where numbers are missing."""
    return "/".join(map(_range, zip(*(name.split("/") for name in names), strict=True)))


def _range(parts: Sequence[str]) -> str:
    numbers = sorted({int(part) for part in parts if part.isdecimal()})
    if len(numbers) < 2:
        return parts[0]
    return f"{numbers[0]}-{numbers[-1]}" if numbers[-1] - numbers[0] == len(numbers) - 1 else "*"


def _what(change: Change) -> Iterator[str]:
    """Each thing that differs, in a few words."""
    old, new = change.old, change.new
    if old is None or new is None:
        row = new or old
        if row:
            yield f"output: {times(row.shape)}"
        return
    if change.renamed and not change.renumbered:
        yield f"renamed: was {old.name}"
    if change.moved:
        yield f"moved: comes after {change.moved[1]}, came after {change.moved[0]}"
    if old.op != new.op:
        yield f"op: {old.op} -> {new.op}"
    for name, (was, now) in change.settings.items():
        yield f"{name}: {written(was)} -> {written(now)}"
    if change.reads:
        yield f"reads: {', '.join(change.reads[0])} -> {', '.join(change.reads[1])}"
    if old.shape != new.shape:
        yield f"output: {times(old.shape)} -> {times(new.shape)}"


def written(value: Any) -> str:
    """A setting as a spec writes it."""
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(written, value))}]"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _shape(shape: Any) -> str:
    return "none" if shape is None else times(shape)


def header(difference: Difference) -> list[tuple[str, str, str]]:
    """What differs of the net as a whole: a name, and the old and the new value."""
    lines: list[tuple[str, str, str]] = []
    for kind, differing, told in (
        ("input", difference.inputs, _shape),
        ("output", difference.outputs, _shape),
        ("variable", difference.variables, written),
    ):
        for name, (was, now) in differing.items():
            lines.append((name if name == kind else f"{kind} {name}", told(was), told(now)))
    return lines


class Total(NamedTuple):
    """One number of the whole net: its name, the old and the new value, and by how much it grew."""

    name: str
    old: str
    new: str
    change: str
    percent: str


TOTALS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("parameters", "params", grouped),
    ("MACs", "macs", grouped),
    ("FLOPs", "flops", grouped),
    ("receptive field", "receptive_field", per_axis),
    ("depth", "depth", grouped),
    ("activations", "activation_bytes", size),
    ("inference peak", "peak_bytes", size),
    ("kept for backward", "backward_bytes", size),
)
"""The name in the table, the metric, and how it is written."""


def totals(difference: Difference) -> list[Total]:
    """The numbers of both nets."""
    return [_total(name, difference.totals[metric], told) for name, metric, told in TOTALS]


def _total(name: str, both: Two, told: Callable[[Any], str]) -> Total:
    was, now = both
    if isinstance(was, tuple):
        one = len(was) == len(now) > 0 and len({*was}) == len({*now}) == 1
        change = signed(now[0] - was[0]) if one else ""
        return Total(name, told(was) or "-", told(now) or "-", change, growth(was[0], now[0]) if one else "")
    grown = now - was
    change = signed(grown) if told is grouped else f"{'+' if grown > 0 else '-'}{told(abs(grown))}" if grown else ""
    return Total(name, told(was), told(now), change, growth(was, now))


def footer(compared: Compared) -> list[str]:
    """What is not told layer by layer."""
    difference = compared.difference
    if difference.same:
        return [f"no difference: {len(difference.layers):,} layers and every total are the same"]
    lines = []
    if not compared.complete and (others := reached(difference)):
        params, macs = (sum(change.delta(count) for change in others) for count in ("params", "macs"))
        grown = "".join(f", {text}" for text in _grown(params, macs))
        them = "it" if len(others) == 1 else "them"
        lines.append(f"{_layers(len(others))} only by what reaches {them}{grown} (--all tells {them})")
    if others := counted_anew(difference):
        old, new = others[0].old, others[0].new
        if old and new:
            told = "1 layer has another number" if len(others) == 1 else f"{len(others):,} layers have other numbers"
            lines.append(f"{told}: {new.name} was {old.name}" + (" and so on" if len(others) > 1 else ""))
    return lines


def _layers(count: int) -> str:
    return "1 more layer differs" if count == 1 else f"{count:,} more layers differ"


def _grown(params: int, macs: int) -> list[str]:
    return [f"{name} {signed(grown)}" for name, grown in (("params", params), ("MACs", macs)) if grown]


def grown(entry: Entry) -> list[str]:
    """``params +1,024``, ``MACs -3``: what the net has more or less of through an entry."""
    return _grown(entry.params, entry.macs)


def told(limit: Limit, difference: Difference) -> str:
    """A limit that was passed, and by what."""
    if limit.metric == CHANGES:
        return f"fails {limit.text}: {_layers(len(difference.changed)).replace(' more', '')}"
    was, now = values(limit, difference)
    grew = growth(was[0], now[0]) if len({*was}) == len({*now}) == 1 else ""
    return f"fails {limit.text}: {_axes(was)} -> {_axes(now)}" + (f", {grew}" if grew else "")


def _axes(each: tuple[Any, ...]) -> str:
    return per_axis(grouped(value) if isinstance(value, int) else value for value in each) or "none"
