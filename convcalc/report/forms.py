"""Closed forms as a table, LaTeX, JSON or Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

from convcalc.diagnostics import Misuse, did_you_mean
from convcalc.dims import Free
from convcalc.report.columns import COLUMNS
from convcalc.report.document import write_document
from convcalc.report.lines import Line, fold, folds
from convcalc.report.numbers import grouped, moving, per_axis
from convcalc.report.summary import named
from convcalc.report.text import write_grid
from convcalc.symbolic.closed import UNKNOWN, told_values
from convcalc.symbolic.writing import identifier, is_sum, latex, python, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from convcalc.symbolic.closed import Closed, Row

    Net = tuple[Closed, list[dict[str, int]]]

FORMATS = ("table", "latex", "json", "python")
COUNTS = ("params", "macs", "flops", "adds", "multiplies", "compares", "divides", "exponentials")
NAMES = ("name", "op", "shape", "field", *COUNTS)
DEFAULT = ("name", "op", "shape", "field", "params", "macs")


def check_form_format(name: str) -> None:
    """Raise Misuse for a format that closed forms have not."""
    if name not in FORMATS:
        raise Misuse(f"--free has no format '{name}': {did_you_mean(name, FORMATS)}")


def form_columns(said: str) -> tuple[str, ...]:
    """The columns that ``--columns`` names, or the default ones and those after a ``+``; raises Misuse."""
    names = [name.strip().lower() for name in said.removeprefix("+").split(",")] if said else []
    for name in names:
        if name not in NAMES:
            raise Misuse(f"closed forms have no column '{name}': {did_you_mean(name, NAMES)}")
    return tuple(dict.fromkeys((*DEFAULT, *names) if said.startswith("+") or not said else names))


def write_forms(name: str, nets: Sequence[Net], columns: Sequence[str], depth: int, file: TextIO) -> None:
    """Write the closed forms of each net."""
    if name == "json":
        write_document(file, nets=[_data(*net) for net in nets])
        return
    for place, (closed, points) in enumerate(nets):
        if place:
            file.write("\n")
        if name == "table":
            _write_table(closed, points, columns, depth, file)
        elif name == "latex":
            _write_latex(closed, columns, depth, file)
        else:
            _write_python(closed, points, file)


def _lines(closed: Closed, depth: int) -> list[Line]:
    singles = [
        Line(row.name, row.op, row.shape, row.fields, row.sees_all, row.params, row.cost, 0, 1) for row in closed.rows
    ]
    return fold(closed.graph, singles, depth)


def _cells(line: Line, columns: Sequence[str], write: Callable[[Any], str], by: str) -> list[str]:
    cells = {"name": line.name, "op": line.op, "field": _field(line, write)}
    cells["shape"] = times(line.shape, write, by)
    for count in columns:
        if count in COUNTS:
            value = line.params if count == "params" else getattr(line.cost, count)
            cells[count] = "" if isinstance(value, int) and not value else _number(value, write)
    return [cells[name] for name in columns]


def times(shape: Iterable[Any], write: Callable[[Any], str], by: str = "x") -> str:
    """``64x112x112``; with formulas the signs stand apart: ``64 x ceil(H/2) x W``."""
    sizes = list(shape)
    if not any(isinstance(size, Free) for size in sizes):
        return by.join(map(write, sizes))
    return f" {by.strip()} ".join(f"({write(one)})" if is_sum(one) else write(one) for one in sizes)


def _number(value: Any, write: Callable[[Any], str]) -> str:
    return grouped(value) if isinstance(value, int) and write is text else write(value)


def _field(line: Line, write: Callable[[Any], str]) -> str:
    if line.sees_all:
        return "all"
    if line.fields == UNKNOWN:
        return "?"
    if not line.fields:
        return ""
    exact = "" if all(field.exact for field in line.fields) else "<="
    sizes, strides = (f.size for f in line.fields), (f.stride for f in line.fields)
    return moving(exact + _axes(sizes, write), _axes(strides, write))


def _axes(values: Iterable[Any], write: Callable[[Any], str]) -> str:
    return per_axis(write(value) if isinstance(value, (int, Free)) else value for value in values)


def _totals(closed: Closed, write: Callable[[Any], str]) -> dict[str, str]:
    totals = closed.totals
    named = {"parameters": totals.params, "MACs": totals.macs, "FLOPs": totals.flops}
    told = {name: _number(value, write) for name, value in named.items()}
    if totals.fields is None:
        told["receptive field"] = "hangs on the free variables, without a form"
    elif totals.fields and totals.strides is not None:
        where = "the last map; the output sees all" if totals.sees_all else "the output"
        told["receptive field"] = f"{_axes(totals.fields, write)}, stride {_axes(totals.strides, write)}, of {where}"
    return told


def _heading(closed: Closed) -> str:
    graph = closed.graph
    inputs = ", ".join(times(graph.nodes[ref.node].shape or (), text) for ref in graph.inputs.values())
    outputs = ", ".join(times(shape, text) for shape in closed.outputs.values())
    batch = f", batch {closed.batch}" if closed.batch != 1 else ""
    return f"{named(closed.graph)}: {inputs} -> {outputs}{batch}"


def _valid(closed: Closed) -> str:
    return " and ".join(closed.domain.told) or "everywhere"


def _write_table(
    closed: Closed, points: list[dict[str, int]], columns: Sequence[str], depth: int, file: TextIO
) -> None:
    file.write(_heading(closed) + "\n\n")
    rows = [_cells(line, columns, text, "x") for line in _lines(closed, depth)]
    write_grid([[COLUMNS[name].header for name in columns], *rows], [COLUMNS[name].right for name in columns], file)
    file.write("\n")
    found = _totals(closed, text)
    width = max(map(len, found))
    for name, told in found.items():
        file.write(f"{name:<{width}}  {told}\n")
    file.write(f"{'valid where':<{width}}  {_valid(closed)}\n")
    held = "; ".join(map(told_values, points))
    file.write(f"checked against the net at {held}\n" if held else "not checked: no values nearby are valid\n")
    if depth < folds(closed.graph):
        file.write(f"blocks are folded: --depth {depth + 1} opens them\n")


def _data(closed: Closed, points: list[dict[str, int]]) -> dict[str, Any]:
    graph, totals = closed.graph, closed.totals
    return {
        "name": graph.name,
        "variant": graph.variant or None,
        "free": list(closed.free),
        "batch": _plain(closed.batch),
        "valid": list(closed.domain.told),
        "checked_at": points,
        "inputs": {name: _plain(graph.nodes[ref.node].shape or ()) for name, ref in graph.inputs.items()},
        "outputs": {name: _plain(shape) for name, shape in closed.outputs.items()},
        "totals": {
            "params": _plain(totals.params),
            "macs": _plain(totals.macs),
            "flops": _plain(totals.flops),
            "cost": {kind: _plain(count) for kind, count in totals.cost._asdict().items()},
            "receptive_field": None
            if totals.fields is None or totals.strides is None
            else {
                "size": _plain(totals.fields),
                "stride": [_stride(one) for one in totals.strides],
                "sees_all": totals.sees_all,
            },
        },
        "layers": [_layer(row) for row in closed.rows],
    }


def _layer(row: Row) -> dict[str, Any]:
    known = row.fields != UNKNOWN
    return {
        "name": row.name,
        "op": row.op,
        "operands": row.operands,
        "shape": _plain(row.shape),
        "receptive_field": {
            "size": _plain([field.size for field in row.fields]),
            "stride": [_stride(field.stride) for field in row.fields],
            "sees_all": row.sees_all,
        }
        if known
        else None,
        "params": _plain(row.params),
        "macs": _plain(row.macs),
        "flops": _plain(row.flops),
    }


def _plain(dim: Any) -> Any:
    """Numbers as they are, forms as text, shapes as lists."""
    if isinstance(dim, (list, tuple)):
        return [_plain(one) for one in dim]
    return text(dim) if isinstance(dim, Free) else dim


def _stride(one: Any) -> Any:
    return _plain(one) if isinstance(one, (int, Free)) else str(one)


def _write_latex(closed: Closed, columns: Sequence[str], depth: int, file: TextIO) -> None:
    r"""A ``tabular`` of the layers and an ``align*`` of the totals; ``amsmath`` is needed."""
    headers = " & ".join(COLUMNS[name].header for name in columns)
    spots = "".join("r" if COLUMNS[name].right else "l" for name in columns)
    file.write(f"% {_heading(closed)}\n\\begin{{tabular}}{{{spots}}}\n  {headers} \\\\\n  \\hline\n")
    for line in _lines(closed, depth):
        cells = _cells(line, columns, latex, r"\times ")
        told = [
            _prose(cell) if name in ("name", "op") else f"${cell}$" if cell else ""
            for name, cell in zip(columns, cells, strict=True)
        ]
        file.write(f"  {' & '.join(told)} \\\\\n")
    file.write("\\end{tabular}\n\\begin{align*}\n")
    totals = {"parameters": closed.totals.params, "MACs": closed.totals.macs, "FLOPs": closed.totals.flops}
    file.write(" \\\\\n".join(f"  \\text{{{name}}} &= {latex(value)}" for name, value in totals.items()))
    file.write(f"\n\\end{{align*}}\n% valid where {_valid(closed)}\n")


def _prose(said: str) -> str:
    return "".join(f"\\{c}" if c in "_#%&$" else c for c in said)


def _write_python(closed: Closed, points: list[dict[str, int]], file: TextIO) -> None:
    """A function of the free variables, which needs no import."""
    graph = closed.graph
    name = "".join(c if c.isalnum() else "_" for c in (graph.variant or graph.name or "net").lower())
    file.write(f"def {'net_' if name[0].isdigit() else ''}{name}({', '.join(map(identifier, closed.free))}):\n")
    file.write(f'    """{_heading(closed)}; valid where {_valid(closed)}."""\n')
    file.write("    return {\n")
    totals = closed.totals
    for key, value in (("params", totals.params), ("macs", totals.macs), ("flops", totals.flops)):
        file.write(f'        "{key}": {python(value)},\n')
    shapes = {row.name: row.shape for row in closed.rows}
    for key, listed in (("outputs", closed.outputs), ("shapes", shapes)):
        file.write(f'        "{key}": {{\n')
        for layer, shape in listed.items():
            file.write(f'            "{layer}": ({", ".join(map(python, shape))},),\n')
        file.write("        },\n")
    file.write("    }\n")
