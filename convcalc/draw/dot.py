"""A net in the DOT language of Graphviz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.draw.boxes import COLOURS

if TYPE_CHECKING:
    from convcalc.draw.boxes import Picture


def dot(picture: Picture) -> str:
    """Boxes as nodes, shapes on the edges. Source: the DOT grammar, graphviz.org/doc/info/lang.html."""
    lines = [
        f"digraph {_quoted(picture.title)} {{",
        '  node [shape=box, style="filled,rounded", fontname="sans-serif", fontsize=11]',
        '  edge [fontname="sans-serif", fontsize=9]',
    ]
    for place, box in enumerate(picture.boxes):
        label = _quoted("\n".join((box.name, *box.lines)))
        lines.append(f'  n{place} [label={label}, fillcolor="{COLOURS[box.kind]}"]')
    lines += [f"  n{arrow.source} -> n{arrow.target} [label={_quoted(arrow.shape)}]" for arrow in picture.arrows]
    return "\n".join([*lines, "}\n"])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
