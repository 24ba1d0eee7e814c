"""A receptive field as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from convcalc.analysis.masks import ranges
from convcalc.analysis.view import hull
from convcalc.diagnostics import listing
from convcalc.dims import prod
from convcalc.report.document import write_document
from convcalc.report.numbers import grouped, per_axis, share, times
from convcalc.report.text import write_grid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from convcalc.analysis.view import Field, View
    from convcalc.witness.effective import Effective


AXES = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W"), 4: ("T", "D", "H", "W")}
"""What axes are called."""

FEW = 8
"""Names that are listed."""


def number(value: int | Fraction) -> str:
    """An integer, or a fraction with a decimal point where that is exact."""
    if value.denominator == 1:
        return str(int(value))
    return str(float(value)) if value.denominator in (2, 4, 8) else str(value)


def write_view(net: str, view: View, file: TextIO) -> None:
    """One layer on one input."""
    shape = times(view.shape)
    file.write(f"{net}: {view.layer.name} ({view.layer.kind}), {shape}, on {view.input} {times(view.sizes)}\n\n")
    if not view.sizes:
        file.write(f"{view.input} has no spatial axes\n")
        return
    if not view.field.extents:
        file.write("it sees nothing of this input\n")
        return
    names = AXES[len(view.sizes)]
    table = [["axis", "size", "stride", "start", "centre", "used", "phases", "beyond the border"]]
    for name, extent, size, outputs in zip(names, view.field.extents, view.sizes, _outputs(view), strict=True):
        if extent is None:
            table.append([name, "all", "", "", "", f"{size}", "", ""])
            continue
        used = f"{extent.used} of {extent.size}"
        beyond = f"{extent.beyond} of {outputs} outputs" if extent.beyond else ""
        figures = (extent.size, extent.stride, extent.start, extent.centre)
        table.append([name, *map(number, figures), used, str(extent.phases), beyond])
    write_grid(table, [False, *[True] * 6, False], file)
    file.write("\n")
    for line in _told(view):
        file.write(line + "\n")


def _outputs(view: View) -> list[int]:
    sizes = view.shape[1:]
    return [sizes[axis] if axis < len(sizes) else 1 for axis in range(len(view.sizes))]


def _told(view: View) -> list[str]:
    field, total = view.field, prod(view.sizes)
    told = []
    bound = "" if field.exact else "at most "
    if field.boxes:
        part = share(field.positions, field.window)
        window = times(hull(field.boxes)[1])
        told.append(f"field: {bound}{grouped(field.positions)} of {window} positions, {part}{_bound(field.exact)}")
    seen = view.seen_positions
    where = f"unit {','.join(map(str, field.unit))}" if field.unit else "it"
    most = "" if view.seen.exact else "at most "
    of_all = f"{grouped(seen)} of the input's {grouped(total)} positions, {share(seen, total)}"
    told.append(f"{where} sees {most}{of_all}" + _bound(view.seen.exact) + _cut(view, seen))
    if field.whole:
        why = f" through {_some(view.through)}" if view.through else ""
        told.append(f"the whole input is seen{why}; --local leaves global operations out")
    told.append(_unseen(view))
    if not field.steady:
        told.append("branches have different strides: size, start and centre are those of this unit")
    for finding in view.misaligned:
        told.append(f"misaligned: {finding.told()}")
    if view.sized:
        told.append(f"windows of {_some(view.sized)} depend on the size of the map: all of this holds at this size")
    return told


def caption(view: View) -> list[str]:
    """What stands below a picture."""
    shape = times(view.shape)
    return [f"{view.layer.name} ({view.layer.kind}), {shape}, on {view.input} {times(view.sizes)}", *_told(view)[:2]]


def effective_text(found: Effective) -> str:
    """Where the gradient is, as a sentence."""
    centre = ", ".join(f"{place:.1f}" for place in found.centre)
    return (
        f"effective: 95 % of the gradient lies within {found.radius:.1f} positions of {centre}, "
        f"and in the {grouped(found.area)} strongest positions ({share(found.area, found.gradient.size)} of the input)"
    )


def _bound(exact: bool) -> str:
    return "" if exact else " (an upper bound)"


def _cut(view: View, seen: int) -> str:
    if view.field.boxes and seen < view.field.positions:
        return f"; {grouped(view.field.positions - seen)} of its field are lost to the border"
    return ""


def _unseen(view: View) -> str:
    unseen = view.unseen
    if not unseen.positions:
        return "every position of the input is seen by some unit" + ("" if unseen.exact else ", as far as is known")
    some = "" if unseen.exact else "at least "
    across = [
        f"all of {name} {_ranges(bits)}"
        for name, bits in zip(_lines(len(view.sizes)), unseen.across[1:], strict=True)
        if bits and len(view.sizes) > 1
    ]
    where = f" ({'; '.join(across)})" if across else f" ({_ranges(unseen.across[1])})" if len(view.sizes) == 1 else ""
    return f"dead: {some}{grouped(unseen.positions)} positions of the input are seen by no unit{where}"


def _lines(rank: int) -> tuple[str, ...]:
    return ("row", "column") if rank == 2 else tuple(f"axis {name} at" for name in AXES[rank])


def _ranges(bits: int) -> str:
    """Positions as ranges, the first few of them."""
    spans = [str(first) if first == last else f"{first}-{last}" for first, last in ranges((0, bits))]
    return ", ".join(spans[:FEW]) + (" ..." if len(spans) > FEW else "")


def _some(names: Sequence[str]) -> str:
    if len(names) <= FEW // 2:
        return listing(list(names))
    return f"{', '.join(names[: FEW // 2])} and {len(names) - FEW // 2} more"


def write_summary(net: str, rows: Sequence[tuple[str, str, tuple[int, ...], Field]], file: TextIO) -> None:
    """A line for each layer: name, op, shape, field."""
    file.write(f"{net}: receptive fields\n\n")
    table = [["layer", "op", "output", "size", "stride", "start", "centre", "seen of it", "phases"]]
    for name, op, shape, field in rows:
        table.append([name, op, times(shape), *_cells(field)])
    write_grid(table, [False, False, *[True] * 7], file)


def _cells(field: Field) -> list[str]:
    if not field.extents:
        return ["none", *[""] * 5]
    extents = [extent for extent in field.extents if extent is not None]
    if len(extents) < len(field.extents):
        return [per_axis("all" if extent is None else extent.size for extent in field.extents), *[""] * 5]
    size = ("" if field.exact else "<=") + per_axis(extent.size for extent in extents)
    part = share(field.positions, field.window) if field.boxes else ""
    return [
        size, *(per_axis(number(getattr(e, key)) for e in extents) for key in ("stride", "start", "centre")),
        part, per_axis(extent.phases for extent in extents),
    ]  # fmt: skip


def write_json(net: str, file: TextIO, views: Sequence[View], rows: Any = None, effective: Any = None) -> None:
    """The same for programs: docs/receptive-fields.md describes it."""
    told: dict[str, Any] = {"name": net, "fields": [_view(view) for view in views]}
    if rows is not None:
        told["layers"] = [{"name": name, "op": op, "shape": shape, **_field(field)} for name, op, shape, field in rows]
    if effective is not None:
        told["effective"] = effective
    write_document(file, **told)


def _view(view: View) -> dict[str, Any]:
    unseen = view.unseen
    return {
        "layer": view.layer.name,
        "op": view.layer.kind,
        "shape": view.shape,
        "input": view.input,
        "input_sizes": view.sizes,
        **_field(view.field),
        "unit": view.field.unit,
        "boxes": [[ranges(mask) for mask in box] for box in view.field.boxes],
        "seen": {
            "positions": view.seen_positions,
            "exact": view.seen.exact,
            "cut_by_border": view.seen.cut,
            "boxes": [[ranges((0, bits)) for bits in box] for box in view.seen.spatial()],
        },
        "dead": {
            "positions": unseen.positions,
            "exact": unseen.exact,
            "across": [ranges((0, bits)) for bits in unseen.across],
        },
        "through": view.through,
        "sized": view.sized,
        "misaligned": [
            {
                "layer": finding.name,
                "axis": finding.axis,
                "paths": [[way.since, *way.layers] for way in (finding.first, finding.second)],
                "offset": None if finding.offset is None else number(finding.offset),
            }
            for finding in view.misaligned
        ],
    }


def _field(field: Field) -> dict[str, Any]:
    extents = [
        None if extent is None else {
            **extent._asdict(), "stride": _plain(extent.stride), "centre": _plain(extent.centre)
        }
        for extent in field.extents
    ]  # fmt: skip
    return {"axes": extents, "positions": field.positions, "window": field.window, "exact": field.exact}


def _plain(value: int | Fraction) -> int | str:
    return int(value) if value.denominator == 1 else number(value)
