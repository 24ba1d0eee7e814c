"""Whether a run fits into the memory at hand, before anything is allocated."""

from __future__ import annotations

import os
from math import prod
from typing import TYPE_CHECKING

from convcalc.analysis import examine
from convcalc.diagnostics import Misuse

if TYPE_CHECKING:
    from convcalc.analysis import Analysis

WORKSPACE = 64 << 20
"""Bytes that kernels may take beside parameters and activations."""


def needed(analysis: Analysis, *, forward_only: bool) -> int:
    """Bytes of a run: parameters and the peak, or for a backward pass their gradients and all that is kept."""
    totals = analysis.totals
    if forward_only:
        return totals.parameter_bytes + totals.memory.peak + WORKSPACE
    return 2 * totals.parameter_bytes + totals.memory.activations + totals.memory.peak + WORKSPACE


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


def refuse_too_large(analysis: Analysis, *, forward_only: bool, room: int | None = None) -> None:
    """Raise Misuse, naming settings that would fit, where a run needs more memory than there is."""
    room = available() if room is None else room
    if room is None or needed(analysis, forward_only=forward_only) <= room:
        return
    told = f"the run needs {needed(analysis, forward_only=forward_only) / 1e9:.1f} GB, {room / 1e9:.1f} GB are free"
    raise Misuse(f"{told}: {_smaller(analysis, room, forward_only) or 'use --forward-only, or a smaller batch'}")


def refuse_single_values(analysis: Analysis) -> None:
    """Raise Misuse where batch statistics would be of a single value, whose variance says nothing."""
    for row in analysis.rows:
        if row.op == "batch_norm" and analysis.batch * prod(row.shape[1:]) == 1:
            told = f"{row.name} (batch_norm) has one value a channel in a batch of 1"
            raise Misuse(f"{told}, and statistics of a batch need more: use --batch 2")


def _smaller(analysis: Analysis, room: int, forward_only: bool) -> str:
    """Options with a smaller batch, or smaller input variables, with which the run fits."""
    graph, batch = analysis.graph, analysis.batch
    while batch > 1:
        batch //= 2
        smaller, _ = examine(graph, batch=batch, dtype=analysis.dtype)
        if smaller and needed(smaller, forward_only=forward_only) <= room:
            return f"--batch {batch} fits"
    sizes = _spatial_variables(analysis)
    while sizes and max(sizes.values()) > 1:
        sizes = {name: max(value // 2, 1) for name, value in sizes.items()}
        smaller, _ = examine(graph.bind(sizes), batch=1, dtype=analysis.dtype)
        if smaller and needed(smaller, forward_only=forward_only) <= room:
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
