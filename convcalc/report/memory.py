"""What a net holds: parameters, results, what is alive at the peak, and what a training step keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from convcalc.analysis.memory import STATES, training
from convcalc.analysis.schedules import SCHEDULES, schedule
from convcalc.diagnostics import Misuse, did_you_mean, times
from convcalc.report.numbers import grouped, size
from convcalc.report.summary import heading, title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.analysis import Analysis
    from convcalc.analysis.schedules import Schedule

KEYS = ("net", "layer", "bytes", "workspace")


class How(NamedTuple):
    """What is asked for: which order and places of results, and which optimizer."""

    schedule: str = "torch"
    optimizer: str = "sgd"


def check_how(how: How) -> None:
    """Raise Misuse for a schedule or an optimizer that there is not."""
    for what, name, known in (("schedule", how.schedule, SCHEDULES), ("optimizer", how.optimizer, STATES)):
        if name not in known:
            raise Misuse(f"there is no {what} '{name}': {did_you_mean(name, known)}")


def write_memory(format_: str, analyses: Sequence[Analysis], how: How, file: TextIO) -> None:
    """For people what is alive at the peak, and sums; for programs every layer as it runs too."""
    found = [(analysis, schedule(analysis, how.schedule)) for analysis in analyses]
    if format_ == "json":
        from convcalc.report.document import write_document

        write_document(file, nets=[_net(analysis, held, how) for analysis, held in found])
    elif format_ == "csv":
        import csv

        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(KEYS)
        for analysis, held in found:
            writer.writerows((title(analysis), step.name, step.bytes, step.workspace) for step in held.moments)
    else:
        for place, (analysis, held) in enumerate(found):
            file.write("\n" if place else "")
            _write(format_, analysis, held, how, file)


def _net(analysis: Analysis, held: Schedule, how: How) -> dict[str, Any]:
    return {
        "name": title(analysis),
        "batch": analysis.batch,
        "dtype": analysis.dtype,
        "schedule": how.schedule,
        "peak": {**_moment(held.peak), "alive": [one._asdict() | {"until": one.until or None} for one in held.live]},
        "activation_bytes": held.made,
        "training": {"by": how.optimizer, **training(analysis, how.optimizer)._asdict()},
        "layers": [_moment(moment) for moment in held.moments],
    }


def _moment(moment: Any) -> dict[str, Any]:
    return {"layer": moment.name, "bytes": moment.bytes, "workspace": moment.workspace}


def _write(format_: str, analysis: Analysis, held: Schedule, how: How, file: TextIO) -> None:
    from convcalc.report.markdown import escaped, write_table
    from convcalc.report.text import write_fitted

    markdown = format_ == "markdown"
    file.write(f"### {escaped(heading(analysis))}\n\n" if markdown else f"{heading(analysis)}\n\n")
    file.write(f"At the inference peak {escaped(held.peak.name) if markdown else held.peak.name} runs, alive are:\n\n")
    header, right = ["result of", "shape", "bytes", "until"], (False, True, True, False)
    now = {held.peak.name: "this layer", "": "the end"}
    rows = [[one.name, times(one.shape), grouped(one.bytes), now.get(one.until, one.until)] for one in held.live]
    if held.peak.workspace:
        rows.append(["workspace", "", grouped(held.peak.workspace), "this layer"])
    rows.append(["together", "", grouped(held.peak.bytes), ""])
    sums = _sums(analysis, held, how)
    if markdown:
        write_table(header, rows, right, file)
        file.write("\n")
        write_table(["memory", "bytes", ""], sums, (False, True, False), file)
        return
    write_fitted([header, *rows], right, file)
    file.write("\n")
    wide, far = (max(len(row[column]) for row in sums) for column in (0, 1))
    file.writelines(f"{name:<{wide}}  {value:>{far}}  {remark}\n" for name, value, remark in sums)


def _sums(analysis: Analysis, held: Schedule, how: How) -> list[list[str]]:
    kept = training(analysis, how.optimizer)
    told = [
        ("parameters", kept.parameters, f"{size(kept.parameters)} as {analysis.dtype}"),
        ("buffers", kept.buffers, size(kept.buffers)),
        ("activations", held.made, f"{size(held.made)}, all results together"),
        ("inference peak", held.peak.bytes, f"{size(held.peak.bytes)} beside them, by the schedule {how.schedule}"),
        ("kept for backward", kept.saved, f"{size(kept.saved)}, by PyTorch"),
        ("gradients", kept.gradients, size(kept.gradients)),
        ("optimizer", kept.optimizer, f"{size(kept.optimizer)}, {how.optimizer}"),
        ("training", sum(kept), f"{size(sum(kept))} and what is held while a layer runs"),
    ]
    return [[name, grouped(count), remark] for name, count, remark in told if count or name != "buffers"]
