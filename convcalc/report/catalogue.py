"""The shipped specs with their totals, as a table or as a page of the documentation."""

from __future__ import annotations

import os
from io import StringIO
from typing import TYPE_CHECKING, NamedTuple, TextIO

from convcalc.analysis import analyze
from convcalc.diagnostics import Misuse, did_you_mean, listing, times
from convcalc.expand import expand
from convcalc.loading import open_spec
from convcalc.report.markdown import write_table
from convcalc.report.numbers import grouped
from convcalc.spec.shipped import FOLDERS, files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORMATS = ("table", "csv", "markdown")
HEADER = ("name", "net", "input", "params", "MACs")
RIGHT = (False, False, True, True, True)
HEADINGS = {"models": "Networks", "lectures": "Examples of the lectures", "ops": "One spec an operation"}

_HEAD = """\
# Specs that come with convcalc

Generated; do not edit. Every command takes a name of this page in place of a file. Parameters and multiply-accumulates
are for one sample at the declared variables; `--set` changes them.
"""


class Entry(NamedTuple):
    """One net: the folder it is in, the name that commands know it by, and its totals."""

    folder: str
    name: str
    title: str
    citation: str
    inputs: str
    params: int
    macs: int

    def cells(self) -> list[str]:
        """The columns of ``HEADER``."""
        return [self.name, self.title, self.inputs, grouped(self.params), grouped(self.macs)]


def entries() -> Iterator[Entry]:
    """Every shipped spec and its variants, folder by folder. Raises SpecError for one that is wrong."""
    for stem, path in files().items():
        folder = os.path.basename(os.path.dirname(path))
        spec, _ = open_spec(path)
        for variant in ["", *spec.variants]:
            graph = expand(spec, variant=variant)
            totals = analyze(graph).totals
            inputs = ", ".join(dict.fromkeys(times(graph.nodes[ref.node].shape or ()) for ref in graph.inputs.values()))
            yield Entry(folder, variant or stem, spec.name, spec.citation, inputs, totals.params, totals.macs)


def write_catalogue(name: str, folder: str, file: TextIO) -> None:
    """Write the nets of one folder, or of all, in one of ``FORMATS``. Raises Misuse for what there is not."""
    for what, asked, known in (("format", name, FORMATS), ("folder of specs", folder or FOLDERS[0], FOLDERS)):
        if asked not in known:
            raise Misuse(f"there is no {what} '{asked}': {did_you_mean(asked, known) or listing(known)}")
    wanted = [entry for entry in entries() if folder in ("", entry.folder)]
    if name == "csv":
        import csv

        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("folder", "name", "net", "input", "params", "macs"))
        writer.writerows((e.folder, e.name, e.title, e.inputs, e.params, e.macs) for e in wanted)
    elif name == "markdown":
        file.write(page(wanted))
    else:
        from convcalc.report.text import write_grid

        write_grid([list(HEADER), *(entry.cells() for entry in wanted)], RIGHT, file)


def page(wanted: Sequence[Entry]) -> str:
    """The nets as a page of Markdown: a section a folder, a table of sources behind that of totals."""
    text = StringIO()
    text.write(_HEAD)
    for folder in FOLDERS:
        inside = [entry for entry in wanted if entry.folder == folder]
        if inside:
            text.write(f"\n## {HEADINGS[folder]}\n\n")
            write_table(HEADER, [entry.cells() for entry in inside], RIGHT, text)
            cited = {entry.title: entry.citation for entry in inside if entry.citation}
            if cited:
                text.write("\n")
                write_table(("net", "source"), [list(pair) for pair in cited.items()], (False, False), text)
    return text.getvalue()
