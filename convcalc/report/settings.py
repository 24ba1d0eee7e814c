"""The settings of an op that lead from one size to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from convcalc.report.document import write_document
from convcalc.report.text import write_grid
from convcalc.symbolic.backwards import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.symbolic.backwards import Setting


def write_settings(kind: str, found: Sequence[Setting], format_: str, file: TextIO) -> None:
    """A line each, the simplest first; ``left over`` is what of the padded operand no window reaches."""
    if format_ == "json":
        write_document(file, op=kind, settings=[setting._asdict() for setting in found])
        return
    if not found:
        file.write(f"none up to {', '.join(f'{key} {most}' for key, most in BOUNDS.items())}\n")
        return
    table = [["kernel", "stride", "padding", "dilation", "left over", "attributes"]]
    if any(setting.output_padding for setting in found):
        table[0][4] = "output padding"
    for setting in found:
        fifth = setting.output_padding if table[0][4] == "output padding" else setting.left_over
        said = ", ".join(f"{key}: {value}" for key, value in setting.given().items())
        numbers = (setting.kernel_size, setting.stride, setting.padding, setting.dilation, fifth)
        table.append([*map(str, numbers), said])
    write_grid(table, [True] * 5 + [False], file)
    exact = sum(not setting.left_over for setting in found)
    told = "" if table[0][4] == "output padding" else f", {exact} of them leave nothing over"
    file.write(f"\n{len(found)} settings{told}\n")
