"""What a table can show of a line: one column each, in the order of the default table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.analysis.conventions import TOOLS, column, counted
from convcalc.diagnostics import Misuse, did_you_mean, times
from convcalc.report.numbers import grouped, moving, per_axis, share, short

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.analysis import Totals
    from convcalc.report.lines import Line


class Column(NamedTuple):
    """A header, the value for machines, and the text for people, long and short."""

    header: str
    value: Callable[[Line, Totals], Any]
    text: Callable[[Line, Totals], str]
    brief: Callable[[Line, Totals], str]
    right: bool = True


def _number(header: str, count: Callable[[Line], int]) -> Column:
    return Column(
        header,
        lambda line, totals: count(line),
        lambda line, totals: grouped(count(line)) if count(line) else "",
        lambda line, totals: short(count(line)) if count(line) else "",
    )


def _words(header: str, told: Callable[[Line], str], *, right: bool = False) -> Column:
    def text(line: Line, totals: Totals) -> str:
        return told(line)

    return Column(header, text, text, text, right)


def _seen(line: Line) -> str:
    if line.sees_all:
        return "all"
    if not line.fields:
        return ""
    exact = "" if all(field.exact for field in line.fields) else "<="
    return exact + per_axis(field.size for field in line.fields)


def _field(line: Line) -> str:
    seen = _seen(line)
    if not seen or line.sees_all:
        return seen
    return moving(seen, per_axis(field.stride for field in line.fields))


def _by(name: str) -> Column:
    """What a convention counts."""
    return _number(name, lambda line: counted(name, line.rows))


COLUMNS = {
    **{name: _by(name) for name in TOOLS},
    "name": _words("layer", lambda line: line.name),
    "op": _words("op", lambda line: line.op),
    "shape": _words("output", lambda line: times(line.shape), right=True),
    "field": _words("field", _field, right=True),
    "params": _number("params", lambda line: line.params),
    "macs": _number("MACs", lambda line: line.cost.macs),
    "share": _words("share", lambda line: "", right=True)._replace(
        value=lambda line, totals: line.cost.macs / totals.macs if totals.macs else 0.0,
        text=lambda line, totals: share(line.cost.macs, totals.macs) if line.cost.macs else "",
        brief=lambda line, totals: share(line.cost.macs, totals.macs) if line.cost.macs else "",
    ),
    "flops": _number("FLOPs", lambda line: line.cost.flops),
    "weight_macs": _number("dW MACs", lambda line: sum(row.weight_macs for row in line.rows)),
    "input_macs": _number("dX MACs", lambda line: sum(row.input_macs for row in line.rows)),
    "bytes": _number("bytes", lambda line: line.bytes),
    "layers": _number("layers", lambda line: line.layers),
    "adds": _number("adds", lambda line: line.cost.adds),
    "multiplies": _number("multiplies", lambda line: line.cost.multiplies),
    "compares": _number("compares", lambda line: line.cost.compares),
    "divides": _number("divides", lambda line: line.cost.divides),
    "exponentials": _number("exponentials", lambda line: line.cost.exponentials),
}

BACKWARD = ("weight_macs", "input_macs")

DEFAULT = ("name", "op", "shape", "field", "params", "macs", "share")


def chosen(text: str, *, backward: bool = False, headline: str = "") -> tuple[str, ...]:
    """The columns to show, with those of the backward pass, and with the convention ``headline`` in place of MACs.

    Raises Misuse for names of columns and conventions that there are not.
    """
    names = _named(text)
    if headline:
        instead = column(headline)
        names = tuple(instead if name == "macs" else name for name in names if name != "share")
    if backward:
        # Six numbers a line are enough.
        names = (*(name for name in names if name != "share"), *BACKWARD)
    return tuple(dict.fromkeys(names))


def _named(text: str) -> tuple[str, ...]:
    """The columns that ``--columns`` names, or the default ones and those after a ``+``."""
    if not text:
        return DEFAULT
    names = [name.strip().lower() for name in text.removeprefix("+").split(",")]
    for name in names:
        if name not in COLUMNS:
            raise Misuse(f"there is no column '{name}': {did_you_mean(name, COLUMNS)}")
    return tuple(dict.fromkeys((*DEFAULT, *names) if text.startswith("+") else names))
