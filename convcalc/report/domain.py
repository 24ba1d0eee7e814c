"""What a net accepts, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from convcalc.report.text import write_styled
from convcalc.symbolic.wording import box, condition, runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convcalc.symbolic.domains import Domain, Part
    from convcalc.symbolic.sizes import Sizes
    from convcalc.symbolic.solving import Solution


Piece = tuple[str, str]


class Row(NamedTuple):
    """A demand: what it leaves, any of the conditions; of which layer, how many more; what it says where it fails."""

    conditions: list[str]
    layer: str
    more: int
    values: dict[str, int]
    told: str


def write_solution(solution: Solution, near: Mapping[str, int] | None, file: TextIO) -> None:
    """For people: the set, its smallest member, who demands it, the nearest sizes."""
    from convcalc.report.findings import rendered

    graph = solution.graph
    name = graph.variant or graph.name or (graph.spec.source.path if graph.spec else "net")
    said = ", ".join(f"{symbol} = {text}" for symbol, text in solution.links.items())
    *before, last = solution.symbols
    opened = f"{', '.join(before)} and {last}" if before else last
    lines: list[list[Piece]] = [[(f"{name}: {opened}", "bold"), (said and f", {said}", "")], []]
    for title, text in _summary(solution, near):
        one, *more = text.split("; ")
        lines += [[(f"{title:<11}", "bold"), (one, "")], *([(f"{'':<11}{choice}", "")] for choice in more)]
    if solution.domain is not None:
        lines += _table(list(_rows(solution.domain, solution.present)))
    for trial in solution.trials:
        others = ", ".join(f"{s}={n}" for s, n in solution.present.items() if s != trial.symbol)
        said = f" with {others}" if others else ""
        lines.append([(f"checked up to {trial.most}{said}: {condition(trial.symbol, trial.fitting)}", "")])
    write_styled(lines, file)
    for told in solution.undecided:
        file.write("\n" + rendered(told) + "\n")


def _summary(solution: Solution, near: Mapping[str, int] | None) -> Iterator[tuple[str, str]]:
    solved, unread = solution.domain, solution.unread
    if solved is None or unread is None:
        yield "valid", "not decided, see below"
        return
    said = str(solved)
    yield "valid", f"at most {said}: see what is not decided below" if solution.undecided else said
    if solved and not solution.undecided:
        yield "smallest", _values(solved.smallest())
    if solved and unread is not solved and not solution.undecided:
        yield "reads all", "at all of these" if unread.boxes == solved.boxes else str(unread)
    if near:
        yield "nearest", "not decided, see below" if solution.undecided else _near(solved, near)


def _near(solved: Domain, near: Mapping[str, int]) -> str:
    """The nearest sizes below and above on each axis; where they hang on each other, the nearest member."""
    if near in solved:
        return f"{_values(near)} is valid"
    found = {symbol: solved.nearest(symbol, near) for symbol in solved.symbols}
    if len(solved.boxes) == 1:
        own = solved.boxes[0]
        found = {s: (own[s].below(near[s]), own[s].above(near[s])) for s in solved.symbols if near[s] not in own[s]}
        return ", ".join(f"{s}={' or '.join(str(n) for n in pair if n is not None)}" for s, pair in found.items())
    closest = solved.closest(near)
    return _values(closest) if closest else "none"


def _rows(solved: Domain, present: Mapping[str, int]) -> Iterator[Row]:
    """The demands that make the domain, those that contradict each other where it is empty; alike ones in one."""
    found = solved.demanding() if solved else [(part, 0) for part in solved.contradiction()]
    alike: dict[tuple[Any, ...], list[tuple[Part, int]]] = {}
    for part, more in found:
        single = len(part.boxes) == 1 and len(part.boxes[0]) == 1
        key = (part.node, part.demand.code, *part.boxes[0].values()) if single else (part.node, id(part))
        alike.setdefault(key, []).append((part, more))
    for group in alike.values():
        part, more = group[0]
        symbols = [symbol for each, _ in group for one in each.boxes for symbol in one]
        if len(part.boxes) == 1 and len(part.boxes[0]) == 1:
            likewise = f", {' and '.join(symbols[1:])} likewise" if symbols[1:] else ""
            said = [condition(symbols[0], part.boxes[0][symbols[0]], plain=True) + likewise]
            symbols = symbols[:1]
        else:
            said = [box(each) for each in part.boxes] or ["none"]
        values = solved.failing(part, present)
        told = solved.told(part, values)
        shown = {symbol: n for symbol, n in values.items() if symbol in symbols or not symbols}
        yield Row(said, solved.carried.graph.nodes[part.node].name, more, shown, told)


def _table(rows: Sequence[Row]) -> list[list[Piece]]:
    if not rows:
        return []
    cells = [("demands", "layer", "where it fails")]
    for row in rows:
        first, *others = row.conditions
        layer = row.layer + (f" and {row.more} more" if row.more else "")
        cells.append((first, layer, f"{_values(row.values)}: {row.told}" if row.values else row.told))
        cells += [(f"or {other}", "", "") for other in others]
    wide = [max(map(len, column)) for column in list(zip(*cells, strict=True))[:2]]
    head, *body = ["  ".join((*map(str.ljust, each[:2], wide), each[2])).rstrip() for each in cells]
    return [[], [(head, "bold")], *([(line, "")] for line in body)]


def _values(values: Mapping[str, int]) -> str:
    return ", ".join(f"{symbol}={n}" for symbol, n in values.items())


def write_json(solution: Solution, near: Mapping[str, int] | None, file: TextIO) -> None:
    """For programs: docs/json.md describes it."""
    from convcalc.report.document import write_document
    from convcalc.report.json import finding

    solved, unread = solution.domain, solution.unread
    decided = None if solution.undecided else solved
    graph = solution.graph
    write_document(
        file,
        name=graph.name,
        variant=graph.variant or None,
        symbols=solution.present,
        links=dict(solution.links),
        valid=solved and _set(solved),
        smallest=decided and (decided.smallest() or None),
        reads_all=unread and _set(unread),
        nearest=decided and near and {symbol: decided.nearest(symbol, near) for symbol in decided.symbols},
        closest=decided and near and (decided.closest(near) or None),
        demands=[
            {"any_of": row.conditions, "layer": row.layer, "more": row.more, "fails_at": row.values, "told": row.told}
            for row in (_rows(solved, solution.present) if solved is not None else ())
        ],
        undecided=[finding(told) for told in solution.undecided],
        checked=[
            {"symbol": trial.symbol, "up_to": trial.most, "valid": _sizes(trial.fitting)} for trial in solution.trials
        ],
    )


def _set(solved: Domain) -> dict[str, Any]:
    return {
        "text": str(solved),
        "any_of": [{symbol: _sizes(own) for symbol, own in each.items()} for each in solved.boxes],
    }


def _sizes(own: Sizes) -> dict[str, Any]:
    """Runs of sizes below ``from``, and from there on the remainders of a period."""
    return {
        "runs": runs(own.early),
        "from": own.start if own.cycle else None,
        "period": own.period if own.cycle else None,
        "remainders": [n for low, high in runs(own.cycle) for n in range(low, high + 1)],
    }
