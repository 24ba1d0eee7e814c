"""A receptive field as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from convcalc.analysis.masks import ranges
from convcalc.analysis.view import hull
from convcalc.diagnostics import listing, times
from convcalc.dims import prod
from convcalc.report.document import write_document
from convcalc.report.numbers import grouped, per_axis, share
from convcalc.report.text import write_grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from fractions import Fraction

    from convcalc.analysis.alignment import Misaligned
    from convcalc.analysis.view import Field, View
    from convcalc.dims import Shape
    from convcalc.witness.effective import Effective


AXES = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W"), 4: ("T", "D", "H", "W")}
"""What axes are called."""

FEW = 8
"""Names, and joins out of step, that are listed."""


def number(value: int | Fraction) -> str:
    """An integer, or a fraction with a decimal point where that is exact."""
    if value.denominator == 1:
        return str(int(value))
    return str(float(value)) if value.denominator in (2, 4, 8) else str(value)


def write_view(net: str, view: View, file: TextIO) -> None:
    """One layer on one input."""
    file.write(f"{net}: {_heading(view)}\n\n")
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


def _heading(view: View) -> str:
    on = f"{view.input} {times(view.sizes)}" if view.sizes else view.input
    return f"{view.name} ({view.op}), {times(view.shape)}, on {on}"


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
        told.append(f"field: {bound}{grouped(field.positions)} of {window} positions, {part}")
    seen = view.seen_positions
    where = f"unit {','.join(map(str, field.unit))}" if field.unit else "it"
    most = "" if view.seen.exact else "at most "
    of_all = f"{grouped(seen)} of the input's {grouped(total)} positions, {share(seen, total)}"
    told.append(f"{where} sees {most}{of_all}" + _cut(view, seen))
    if field.whole:
        why = f" through {_some(view.through)}" if view.through else ""
        then = "no path leads around" if view.local else "--local leaves global operations out"
        told.append(f"{bound}the whole input is seen{why}" + (f"; {then}" if why else ""))
    told.append(_unseen(view))
    if not field.steady:
        told.append("branches have different strides: size, start and centre are those of this unit")
    told.extend(_misaligned(view.misaligned))
    if view.sized:
        told.append(f"windows of {_some(view.sized)} depend on the size of the map: all of this holds at this size")
    return told


def _misaligned(findings: Sequence[Misaligned]) -> Iterator[str]:
    """A line for each join and pair of branches, all axes in one; the first few of them."""
    alike: dict[tuple[int, str], list[Misaligned]] = {}
    for finding in findings:
        alike.setdefault((finding.place, finding.what), []).append(finding)
    for first, *others in [*alike.values()][:FEW]:
        yield f"misaligned: {first.told(*(other.axis for other in others))}"
    if len(alike) > FEW:
        yield f"misaligned: {len(alike) - FEW} more, --format json has all of them"


def caption(view: View) -> list[str]:
    """What stands below a picture."""
    return [_heading(view), *_told(view)[:2]]


def effective_text(found: Effective) -> str:
    """Where the gradient is, as a sentence."""
    centre = ", ".join(f"{place:.1f}" for place in found.centre)
    return (
        f"effective: 95 % of the gradient lies within {found.radius:.1f} positions of {centre}, "
        f"and in the {grouped(found.area)} strongest positions ({share(found.area, found.gradient.size)} of the input)"
    )


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


class Seen(NamedTuple):
    """What a layer sees of one input."""

    name: str
    op: str
    shape: Shape
    input: str
    field: Field


def write_summary(net: str, rows: Sequence[Seen], file: TextIO) -> None:
    """A line for each layer and input; a net with one input does not name it."""
    file.write(f"{net}: receptive fields\n\n")
    several = len({row.input for row in rows}) > 1
    table = [["layer", "op", "output", *["of"] * several, "size", "stride", "start", "centre", "seen of it", "phases"]]
    for row in rows:
        table.append([row.name, row.op, times(row.shape), *[row.input] * several, *_cells(row.field)])
    write_grid(table, [False, False, True, *[False] * several, *[True] * 6], file)


def _cells(field: Field) -> list[str]:
    if not field.extents:
        return ["all" if field.positions else "none", *[""] * 5]
    extents = [extent for extent in field.extents if extent is not None]
    if len(extents) < len(field.extents):
        return [per_axis("all" if extent is None else extent.size for extent in field.extents), *[""] * 5]
    size = ("" if field.exact else "<=") + per_axis(extent.size for extent in extents)
    part = share(field.positions, field.window) if field.boxes else ""
    return [
        size, *(per_axis(number(getattr(e, key)) for e in extents) for key in ("stride", "start", "centre")),
        part, per_axis(extent.phases for extent in extents),
    ]  # fmt: skip


def write_json(
    net: str, file: TextIO, views: Sequence[View], rows: Sequence[Seen] | None = None, effective: Any = None
) -> None:
    """The same for programs: docs/receptive-fields.md describes it."""
    told: dict[str, Any] = {"name": net, "fields": [_view(view) for view in views]}
    if rows is not None:
        told["layers"] = [
            {"name": row.name, "op": row.op, "shape": row.shape, "input": row.input, **_field(row.field)}
            for row in rows
        ]
    if effective is not None:
        told["effective"] = effective
    write_document(file, **told)


def _view(view: View) -> dict[str, Any]:
    unseen = view.unseen
    return {
        "layer": view.name,
        "op": view.op,
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
