"""Where boxes stand and arrows run: a layered drawing after Sugiyama et al. 1981, by grandalf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convcalc.draw.boxes import Arrow

Point = tuple[float, float]
GAP = 26
"""Between boxes, in both directions."""
SHAPE_ROOM = 10
"""More between layers, for the shape on the arrow."""
ROUNDS = 6
"""Of putting boxes in order; more change nothing in the nets that come with convcalc."""


class Arrangement(NamedTuple):
    """The middle of each box, the points of each arrow, and the size of the whole."""

    boxes: tuple[Point, ...]
    arrows: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def arrange(sizes: Sequence[Point], arrows: Sequence[Arrow]) -> Arrangement:
    """Place boxes of these widths and heights, from the top down; raises Misuse where grandalf is not installed."""
    try:
        from grandalf.graphs import Edge, Graph, Vertex
        from grandalf.layouts import SugiyamaLayout
        from grandalf.routing import EdgeViewer, route_with_lines
    except ImportError:
        raise Misuse(
            "drawing a net as SVG needs grandalf: pip install 'convcalc[draw]', or use --format dot or mermaid"
        ) from None
    vertices = [Vertex(place) for place in range(len(sizes))]
    for vertex, (width, height) in zip(vertices, sizes, strict=True):
        vertex.view = _View(width, height)
    edges = [Edge(vertices[arrow.source], vertices[arrow.target]) for arrow in arrows]
    for edge in edges:
        edge.view = EdgeViewer()
    right = 0.0
    for part in Graph(vertices, edges).C:
        layout: Any = SugiyamaLayout(part)
        layout.xspace, layout.yspace, layout.route_edge = GAP, GAP + SHAPE_ROOM, route_with_lines
        layout.init_all(inverted_edges=[])
        layout.draw(ROUNDS)
        right = _beside(right, [vertex.view for vertex in part.sV], [edge.view for edge in part.sE])
    top = min(vertex.view.xy[1] - vertex.view.h / 2 for vertex in vertices) - GAP
    bottom = max(vertex.view.xy[1] + vertex.view.h / 2 for vertex in vertices) + GAP
    boxes = tuple((vertex.view.xy[0], vertex.view.xy[1] - top) for vertex in vertices)
    return Arrangement(
        boxes, tuple(tuple((x, y - top) for x, y in edge.view._pts) for edge in edges), right, bottom - top
    )


class _View:
    """What grandalf asks of a box: its size; it sets the place of its middle."""

    def __init__(self, width: float, height: float) -> None:
        self.w, self.h = width, height
        self.xy = (0.0, 0.0)


def _beside(right: float, boxes: Sequence[Any], lines: Sequence[Any]) -> float:
    """Move a part of the picture behind what ends at ``right``; where it ends itself."""
    left = min([view.xy[0] - view.w / 2 for view in boxes] + [x for line in lines for x, _ in line._pts])
    shift = right + GAP - left
    for view in boxes:
        view.xy = view.xy[0] + shift, view.xy[1]
    for line in lines:
        line._pts = [(x + shift, y) for x, y in line._pts]
    ends: list[float] = [view.xy[0] + view.w / 2 for view in boxes] + [x for line in lines for x, _ in line._pts]
    return GAP + max(ends)
