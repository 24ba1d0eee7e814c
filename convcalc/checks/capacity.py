"""Whether a run fits into the memory at hand, before anything is allocated."""

from __future__ import annotations

import os
from functools import partial
from math import prod
from typing import TYPE_CHECKING

from convcalc.analysis import examine
from convcalc.analysis.schedules import schedule
from convcalc.diagnostics import Misuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.analysis import Analysis

FAST = 64 << 20
"""Bytes of a plan's memory to work in, both threads together, beside the weights that it makes ready."""

READY = 8
"""Times the largest weights of a convolution: those of one layer at a time are folded and transformed, Winograd's to
four times as many, by either thread."""


def needed(analysis: Analysis, *, forward_only: bool, fast: bool = False) -> int:
    """Bytes of a run: parameters and what is alive at the peak, the largest parameters twice while they are drawn.

    A backward pass keeps every result, and what the kernels made on the way to it; gradients come on top.
    """
    found = schedule(analysis, "convcalc")
    width = analysis.totals.parameter_bytes // max(analysis.totals.params, 1)
    largest = max((row.params for row in analysis.rows), default=0) * width
    total = analysis.totals.parameter_bytes + largest + found.peak.bytes
    if fast:
        total += plan_workspace(analysis)
    if forward_only:
        return total
    temporaries = sum(row.bytes * row.applied.op.temporaries for row in analysis.rows if row.applied.op)
    return total + analysis.totals.parameter_bytes + found.made + temporaries + found.peak.results


def plan_workspace(analysis: Analysis) -> int:
    """Bytes that a plan works in beside results and parameters."""
    width = analysis.totals.parameter_bytes // max(analysis.totals.params, 1)
    return FAST + READY * max((row.params for row in analysis.rows if row.op == "conv"), default=0) * width


def available() -> int | None:
    """Bytes that can be allocated now without swapping; None where the system does not say."""
    try:
        with open("/proc/meminfo") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) << 10
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def refuse_too_large(analysis: Analysis, *, forward_only: bool, fast: bool = False, room: int | None = None) -> None:
    """Raise Misuse, naming settings that would fit, where a run needs more memory than there is."""
    room = available() if room is None else room
    wanted = partial(needed, forward_only=forward_only, fast=fast)
    if room is None or wanted(analysis) <= room:
        return
    told = f"the run needs {wanted(analysis) / 1e9:.1f} GB, {room / 1e9:.1f} GB are free"
    raise Misuse(f"{told}: {_smaller(analysis, room, wanted) or 'use --forward-only, or a smaller batch'}")


def refuse_single_values(analysis: Analysis) -> None:
    """Raise Misuse where batch statistics would be of a single value, whose variance says nothing."""
    for row in analysis.rows:
        if row.op == "batch_norm" and analysis.batch * prod(row.shape[1:]) == 1:
            told = f"{row.name} (batch_norm) has one value a channel in a batch of 1"
            raise Misuse(f"{told}, and statistics of a batch need more: use --batch 2")


def _smaller(analysis: Analysis, room: int, wanted: Callable[[Analysis], int]) -> str:
    """Options with a smaller batch, or smaller input variables, with which the run fits."""
    graph, batch = analysis.graph, analysis.batch
    while batch > 1:
        batch //= 2
        smaller, _ = examine(graph, batch=batch, dtype=analysis.dtype)
        if smaller and wanted(smaller) <= room:
            return f"--batch {batch} fits"
    sizes = _spatial_variables(analysis)
    while sizes and max(sizes.values()) > 1:
        sizes = {name: max(value // 2, 1) for name, value in sizes.items()}
        smaller, _ = examine(graph.bind(sizes), batch=1, dtype=analysis.dtype)
        if smaller and wanted(smaller) <= room:
            settings = ",".join(f"{name}={value}" for name, value in sizes.items())
            return f"--set {settings} fits" + (" with --batch 1" if analysis.batch > 1 else "")
    return ""


def _spatial_variables(analysis: Analysis) -> dict[str, int]:
    """Variables that are the size of a spatial axis of an input."""
    graph = analysis.graph
    if graph.spec is None:
        return {}
    named = {said for declared in graph.spec.inputs.values() for said in declared.shape[1:] if isinstance(said, str)}
    return {name: value for name, value in graph.values.items() if name in named}
