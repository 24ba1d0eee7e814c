"""What a device takes at least for a net, layer by layer, and what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from convcalc.analysis.roofline import Bound, bounds, together
from convcalc.report.lines import lines
from convcalc.report.numbers import share, short, size
from convcalc.report.summary import heading, title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.analysis import Analysis
    from convcalc.devices import Device
    from convcalc.report.lines import Line

HEADER = ("layer", "op", "FLOPs", "bytes", "FLOP/B", "at least ms", "share", "waits for")
RIGHT = (False, False, True, True, True, True, True, False)
KEYS = ("net", "layer", "op", "flops", "bytes", "intensity", "seconds", "by")


def write_roofline(format_: str, analyses: Sequence[Analysis], device: Device, file: TextIO, *, depth: int = 0) -> None:
    """For people a table a net, blocks folded; for programs every layer."""
    if format_ == "json":
        from convcalc.report.document import write_document

        write_document(file, device=device._asdict(), nets=[_net(one, device) for one in analyses])
    elif format_ == "csv":
        import csv

        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(KEYS)
        for net in (_net(analysis, device) for analysis in analyses):
            writer.writerows([net["name"], *layer.values()] for layer in net["layers"])
    else:
        for place, analysis in enumerate(analyses):
            file.write("\n" if place else "")
            _write(format_, analysis, device, file, depth)


def _net(analysis: Analysis, device: Device) -> dict[str, Any]:
    found = bounds(analysis, device)
    layers = zip(analysis.rows, found, strict=True)
    return {
        "name": title(analysis),
        "batch": analysis.batch,
        "dtype": analysis.dtype,
        "seconds": together(found).seconds,
        "layers": [{"name": row.name, "op": row.op, **_plain(bound)} for row, bound in layers],
    }


def _plain(bound: Bound) -> dict[str, Any]:
    return {
        "flops": bound.flops,
        "bytes": bound.bytes,
        "intensity": bound.intensity,
        "seconds": bound.seconds,
        "by": bound.by or None,
    }


def _write(format_: str, analysis: Analysis, device: Device, file: TextIO, depth: int) -> None:
    from convcalc.report.markdown import escaped, write_table
    from convcalc.report.text import write_fitted

    found = dict(zip((row.name for row in analysis.rows), bounds(analysis, device), strict=True))
    whole = together(found.values())
    rows = [_row(line, together(found[row.name] for row in line.rows), whole) for line in lines(analysis, depth)]
    markdown = format_ == "markdown"
    said = f"{heading(analysis)}, on {device.name}"
    file.write(f"### {escaped(said)}\n\n" if markdown else f"{said}\n\n")
    if markdown:
        write_table(HEADER, rows, RIGHT, file)
    else:
        write_fitted([list(HEADER), *rows], RIGHT, file)
    file.write("\n")
    for note in _notes(analysis, device, list(found.values()), whole):
        file.write(f"- {escaped(note)}\n" if markdown else f"{note}\n")


def _row(line: Line, bound: Bound, whole: Bound) -> list[str]:
    return [
        line.name,
        line.op,
        short(bound.flops) if bound.flops else "",
        size(bound.bytes) if bound.bytes else "",
        f"{bound.intensity:.1f}" if bound.bytes else "",
        f"{1e3 * bound.seconds:.3f}" if bound.by else "",
        share(round(1e12 * bound.seconds), round(1e12 * whole.seconds)) if bound.by else "",
        bound.by,
    ]


def _notes(analysis: Analysis, device: Device, found: list[Bound], whole: Bound) -> list[str]:
    peak = device.peak(analysis.dtype)
    waiting = {by: [bound for bound in found if bound.by == by] for by in ("compute", "memory", "cache")}
    told = ", ".join(
        f"{len(layers)} for {by} ({share(round(1e12 * together(layers).seconds), round(1e12 * whole.seconds))})"
        for by, layers in waiting.items()
        if layers
    )
    cached = "" if not device.cache else f", cache {size(device.cache)}"
    return [
        f"at least {1e3 * whole.seconds:.3f} ms, {_rate(whole)} FLOP/s; layers wait: {told or 'for nothing'}",
        f"{short(int(peak))}FLOP/s in {analysis.dtype}, {size(int(device.bandwidth))}/s{cached}: "
        f"the memory is the limit below {peak / device.bandwidth:.1f} FLOP/B",
        f"source: {device.source}" if device.source else "no source is told",
    ]


def _rate(bound: Bound) -> str:
    return short(int(bound.flops / bound.seconds)) if bound.seconds else "0"
