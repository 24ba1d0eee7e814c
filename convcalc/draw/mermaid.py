"""A net as a Mermaid flowchart, which GitHub and GitLab draw in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convcalc.draw.boxes import Picture

SHAPES = {
    "input": ("([", "])"),
    "output": ("([", "])"),
    "join": ("((", "))"),
    "block": ("[[", "]]"),
    "layer": ("[", "]"),
}
"""The brackets around a label, by kind of box."""


def mermaid(picture: Picture) -> str:
    """Boxes as nodes, shapes on the links. Source: mermaid.js.org/syntax/flowchart.html."""
    lines = ["flowchart TD"]
    for place, box in enumerate(picture.boxes):
        left, right = SHAPES[box.kind]
        label = "<br/>".join(map(_escaped, (box.name, *box.lines)))
        lines.append(f'  n{place}{left}"{label}"{right}')
    lines += [f'  n{arrow.source} -- "{_escaped(arrow.shape)}" --> n{arrow.target}' for arrow in picture.arrows]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Mermaid reads a character by its number in HTML."""
    return "".join(c if c.isalnum() or c in " _/.,:-+()=" else f"#{ord(c)};" for c in text)
