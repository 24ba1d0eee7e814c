"""A net solved for its input: what is open, what it accepts, what it reads to the last pixel, what is not decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis import examine
from convcalc.diagnostics import Diagnostic, Misuse, Problem, SpecError
from convcalc.symbolic.carrying import follow
from convcalc.symbolic.domains import Domain, accepts, domain, exactness, opened
from convcalc.symbolic.knobs import Knob, named, spatial, turned
from convcalc.symbolic.sizes import Sizes, of
from convcalc.symbolic.wants import wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from convcalc.graph import Graph

WORK = 200_000
"""Nodes that are looked at where sizes are tried one by one."""

FARTHEST = 2048
"""Sizes past it are not tried."""

HANGS = ("free-variable", "undecided")
"""Codes of what cannot be told for an open size, and can for each single one."""


class Trial(NamedTuple):
    """Where something is undecided: the sizes up to ``most`` of one symbol that fit, the others being as they are."""

    symbol: str
    most: int
    fitting: Sizes


class Solution(NamedTuple):
    """What was asked, and what came of it.

    ``domain`` is None where the layers themselves hang on what is open: ``undecided`` says how. ``unread`` is the part
    of the domain in which no layer leaves positions at the end of its input unread.
    """

    graph: Graph
    knobs: tuple[Knob, ...]
    links: Mapping[str, str]
    domain: Domain | None
    unread: Domain | None
    undecided: tuple[Diagnostic, ...]
    trials: tuple[Trial, ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names of what is open."""
        return tuple(knob.name for knob in self.knobs)

    @property
    def present(self) -> dict[str, int]:
        """The values as the graph has them."""
        return {knob.name: knob.size for knob in self.knobs}


def solve(
    graph: Graph,
    free: Iterable[str] = (),
    *,
    link: Mapping[str, str] | None = None,
    exact: bool = False,
    want: Iterable[str] = (),
) -> Solution:
    """The sizes that a net accepts: of its inputs' spatial axes, or of the variables and axes named in ``free``.

    ``link`` gives expressions of the open ones for others (``{"W": "2*H"}``), ``want`` further conditions
    (``output.H=7``); with ``exact`` no layer may leave positions at the end unread. Raises SpecError for what fails
    whatever the sizes are, Misuse for names that there are not.
    """
    links = dict(link or {})
    linked = {knob: links[knob.name] for knob in named(graph, links)}
    knobs = tuple(knob for knob in (named(graph, free) if free else spatial(graph)) if knob not in linked)
    if not knobs:
        raise Misuse("nothing is open: the inputs have no spatial axes; name a variable with --free")
    try:
        carried, found = follow(opened(graph, knobs, linked))
    except Problem as problem:
        raise Misuse(f"--link: {problem.message}{problem.fix and f' ({problem.fix})'}") from None
    hanging = [told for told in found if told.code in HANGS]
    if len(hanging) < len(found):
        raise SpecError(_explained(graph, [told for told in found if told.code not in HANGS]))
    symbols = [knob.name for knob in knobs]
    if hanging:
        return Solution(graph, knobs, links, None, None, tuple(hanging), _tried(graph, knobs, linked))
    more = wanted(carried, want)
    strict = [*more, *exactness(carried)]
    solved = domain(carried, symbols, strict if exact else more)
    unread = solved if exact else domain(carried, symbols, strict)
    undecided = tuple(dict.fromkeys(map(solved.reason, solved.undecided)))
    trials = _tried(graph, knobs, linked) if undecided else ()
    return Solution(graph, knobs, links, solved, unread, undecided, trials)


def _explained(graph: Graph, found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The findings, each as the analysis at the present sizes tells it if it is one there: with how it came to it."""
    known = {(told.code, told.span): told for told in examine(graph)[1]}
    return [known.get((told.code, told.span), told) for told in found]


def _tried(graph: Graph, knobs: Sequence[Knob], links: Mapping[Knob, str]) -> tuple[Trial, ...]:
    """For each knob the sizes that fit, as far as the work allows."""
    from convcalc.expressions import evaluate

    most = max(16, min(FARTHEST, WORK // (len(graph.nodes) * len(knobs))))
    tried = []
    for knob in knobs:
        fitting = []
        for n in range(1, most + 1):
            scope = {**graph.values, **{other.name: other.size for other in knobs}, knob.name: n}
            try:
                values = {knob: n, **{other: evaluate(text, scope) for other, text in links.items()}}
                if accepts(turned(graph, values)):
                    fitting.append(n)
            except (Problem, SpecError, Misuse):
                continue
        tried.append(Trial(knob.name, most, of(fitting)))
    return tuple(tried)
