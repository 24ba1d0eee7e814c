"""The totals of a net, each with its name and what it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis.conventions import TOOLS, counted
from convcalc.diagnostics import times
from convcalc.report.columns import BACKWARD
from convcalc.report.numbers import grouped, per_axis, short, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.analysis import Analysis
    from convcalc.graph import Graph


class Total(NamedTuple):
    """One line of the summary: a name, the exact value, and a remark."""

    name: str
    value: str
    remark: str


def heading(analysis: Analysis) -> str:
    """``ResNet-50: 3x224x224 -> 1000``."""
    graph = analysis.graph
    inputs = ", ".join(times(graph.nodes[ref.node].shape or ()) for ref in graph.inputs.values())
    outputs = ", ".join(times(shape) for shape in analysis.outputs.values())
    batch = f", batch {analysis.batch}" if analysis.batch != 1 else ""
    return f"{title(analysis)}: {inputs} -> {outputs}{batch}"


def title(analysis: Analysis) -> str:
    """The net's name, with its variant."""
    return named(analysis.graph)


def named(graph: Graph) -> str:
    """The same of a graph."""
    if graph.name and graph.variant and graph.name != graph.variant:
        return f"{graph.name} ({graph.variant})"
    return graph.name or graph.variant or "net"


def totals(analysis: Analysis, columns: Sequence[str] = ()) -> list[Total]:
    """Every total, in the order of a report; those of a backward pass and of conventions where a column shows them."""
    found, memory = analysis.totals, analysis.totals.memory
    field = per_axis(f.size for f in found.fields)
    stride = per_axis(f.stride for f in found.fields)
    where = "last map; the output sees all" if found.sees_all else "of the output"
    by = [Total(name, grouped(counted(name, analysis.rows)), TOOLS[name]) for name in columns if name in TOOLS]
    step = found.macs + found.weight_macs + found.input_macs
    gradients = [
        Total("weight gradients", grouped(found.weight_macs), f"{short(found.weight_macs)} MACs, dW in the table"),
        Total("input gradients", grouped(found.input_macs), f"{short(found.input_macs)} MACs, dX in the table"),
        Total("training step", grouped(step), f"{short(step)} MACs, forward and backward"),
    ]
    bound = "" if all(f.exact for f in found.fields) else ", an upper bound"
    return [
        Total("parameters", grouped(found.params), f"{size(found.parameter_bytes)} as {analysis.dtype}"),
        Total("MACs", grouped(found.macs), f"{short(found.macs)} multiply-accumulates"),
        Total("FLOPs", grouped(found.flops), f"{short(found.flops)}: 2 a MAC, 1 for any other operation"),
        *by,
        *([] if set(BACKWARD).isdisjoint(columns) else gradients),
        Total("receptive field", field or "-", f"stride {stride}, {where}{bound}" if field else "no spatial axes"),
        Total("activations", size(memory.activations), f"all results together, as {analysis.dtype}"),
        Total("inference peak", size(memory.peak), f"alive at once, at {found.peak_at}"),
        Total("kept for backward", size(memory.saved), "by a training step in PyTorch"),
    ]
