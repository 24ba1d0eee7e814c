"""Whether a claim holds for every value of the variables that it mentions, not for the present ones alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.checks.metrics import COUNTS
from convcalc.diagnostics import Problem, SpecError
from convcalc.expressions import evaluate
from convcalc.symbolic.carrying import carry
from convcalc.symbolic.deciding import equal_where
from convcalc.symbolic.forms import evaluator, symbol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from convcalc.dims import Demand
    from convcalc.graph import Claim, Graph
    from convcalc.symbolic.carrying import Carried


class Proof(NamedTuple):
    """What is known of a claim over ``variables``, those of its own that do not decide which layers there are.

    ``wrong`` says which value refutes it, ``why`` why it is not decided.
    """

    claim: Claim
    variables: tuple[str, ...]
    proved: bool
    wrong: Problem | None = None
    why: str = ""


def prove(graph: Graph, claims: Sequence[Claim]) -> list[Proof]:
    """Decide claims that hold at the present values, each over the variables that it mentions.

    All variables are free at one go; those that a claim does not mention then get their present values back.
    """
    places = {id(claim): place for place, claim in enumerate(graph.claims)}
    wanted = [_freed(graph, claim) for claim in claims]
    opened, structural = _opened(graph, frozenset().union(*wanted))
    proofs = []
    for claim, mentioned in zip(claims, wanted, strict=True):
        names = tuple(name for name in graph.values if name in mentioned and name not in structural)
        if isinstance(opened, str):
            proofs.append(Proof(claim, names, False, why=opened))
        elif not names:
            why = f"{', '.join(sorted(mentioned))} must be known, for layers hang on it"
            proofs.append(Proof(claim, (), False, why=why))
        else:
            proofs.append(opened.proof(places[id(claim)], claim, names))
    return proofs


def written(graph: Graph, claim: Claim) -> str:
    """What a claim should say in the variables that it mentions, as a spec says it; empty where that has no form."""
    mentioned = _freed(graph, claim)
    opened, structural = _opened(graph, mentioned)
    names = mentioned - structural
    if isinstance(opened, str) or not names or claim.key == "outputs":
        return ""
    return opened.written(next(place for place, one in enumerate(graph.claims) if one is claim), names)


def _freed(graph: Graph, claim: Claim) -> frozenset[str]:
    """The variables of fixed value that a claim comes from: those that others are computed from."""
    spec = graph.spec
    own = spec.variants[graph.variant].vars if spec and graph.variant else {}
    declared = {**(spec.vars if spec else {}), **own, **graph.overrides}
    return frozenset(name for name in claim.variables if isinstance(declared.get(name), int))


def _opened(graph: Graph, names: frozenset[str]) -> tuple[_Opened | str, set[str]]:
    """The graph with these variables free, or why there is none; and those that must be known and were left out."""
    known = graph.structural & names
    symbols: dict[str, Any] = {name: symbol(name, min(graph.values[name], 1)) for name in sorted(names - known)}
    opened = graph.bind(symbols)
    structural = known | (opened.structural & symbols.keys())
    if structural != known:
        symbols = {name: form for name, form in symbols.items() if name not in structural}
        opened = graph.bind(symbols)
    try:
        return _Opened(carry(opened), symbols, graph.values), structural
    except SpecError as refused:
        return refused.diagnostics[0].message, structural


class _Opened:
    """A graph with free variables, and what is predicted of it in closed form."""

    def __init__(self, carried: Carried, symbols: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        self.carried = carried
        self.symbols = symbols
        self.values = values
        self.least = {name: form.symbols()[name].least for name, form in symbols.items()}
        self.conditions: list[Demand] = list({demand[:3]: demand for _, demand in carried.conditions}.values())

    def proof(self, place: int, claim: Claim, names: tuple[str, ...]) -> Proof:
        """Decide the claim that stands at ``place`` among the graph's own."""
        of = evaluator({**self.values, **{name: self.symbols[name] for name in names}})
        try:
            parts = [
                (key, (of(said), of(found))) for key, (said, found) in self._parts(self.carried.graph.claims[place])
            ]
            if all(said == found for _, (said, found) in parts):
                return Proof(claim, names, True)
            conditions = [demand._replace(left=of(demand.left), right=of(demand.right)) for demand in self.conditions]
        except Problem as problem:
            return Proof(claim, names, False, why=problem.message)
        verdict = equal_where(
            [pair for _, pair in parts], conditions, {name: self.values[name] for name in names}, self.least
        )
        wrong = None
        if verdict.counterexample is not None:
            wrong = self._refuted(claim, parts, verdict.counterexample)
        return Proof(claim, names, verdict.proved, wrong, verdict.why)

    def written(self, place: int, names: Iterable[str]) -> str:
        """What the claim at ``place`` should say, in these variables."""
        from convcalc.symbolic.writing import text

        of = evaluator({**self.values, **{name: self.symbols[name] for name in names}})
        try:
            claim = self.carried.graph.claims[place]
            told = [text(of(found)) for _, (_, found) in self._parts(claim)]
        except Problem:
            return ""
        return f"[{', '.join(told)}]" if isinstance(claim.said, list) else told[0] if len(set(told)) == 1 else ""

    def _refuted(self, claim: Claim, parts: list[tuple[str, tuple[Any, Any]]], values: dict[str, int]) -> Problem:
        from convcalc.symbolic.writing import text

        at = " and ".join(f"{name} = {value}" for name, value in values.items())
        of = evaluator({**self.values, **values})
        key, (said, found) = next((key, pair) for key, pair in parts if of(pair[0]) != of(pair[1]))
        title = f"{claim.title}: {claim.key}" if claim.title else claim.key
        told = f"{title} holds at the present values, not at {at}: expected {of(said)}, found {of(found)}"
        fix = f"write {text(found)}, or mend the layers"
        return Problem("expectation", told, fix, (key,) if key else ())

    def _parts(self, claim: Claim) -> Iterator[tuple[str, tuple[Any, Any]]]:
        """What is said and what is found, number by number, each with its key in the claim; raises Problem."""
        carried = self.carried
        said = claim.said
        results = carried.graph.results()
        if not claim.title and claim.key == "outputs":
            for name, shape in said.items():
                ref = results[name]
                yield from self._each(name, shape, claim, carried.steps[ref.node].outputs[ref.port])
        elif not claim.title and claim.key == "output":
            (ref,) = results.values()
            yield from self._each("", said, claim, carried.steps[ref.node].outputs[ref.port])
        else:
            yield from self._each("", said, claim, self._found(claim))

    def _each(self, key: str, said: Any, claim: Claim, found: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
        actual = found if isinstance(found, tuple) else (found,)
        wanted = [evaluate(one, claim.scope) if isinstance(one, str) else one for one in _listed(said)]
        if len(wanted) == 1:
            wanted *= len(actual)
        for one, other in zip(wanted, actual, strict=True):
            yield key, (one, other)

    def _found(self, claim: Claim) -> Any:
        steps = self.carried.steps
        if claim.key == "shape" and claim.output is not None:
            return steps[claim.output.node].outputs[0]
        if claim.key in COUNTS:
            return sum((self._count(place, claim.key) for place in range(claim.start, claim.stop)), 0)
        ref = claim.output
        if claim.title and ref is not None and claim.key in ("receptive_field", "stride"):
            from convcalc.symbolic.closed import fields_seen

            fields = fields_seen(self.carried, ref.node)
            if fields is None:
                raise Problem("undecided", "the receptive field has no form")
            return tuple([field.size if claim.key == "receptive_field" else field.stride for field in fields])
        raise Problem("undecided", f"{claim.key} has no closed form")

    def _count(self, place: int, key: str) -> Any:
        step = self.carried.steps[place]
        if key == "params":
            return step.count if self.carried.graph.nodes[place].shares is None else 0
        return step.cost.flops if key == "flops" else getattr(step.cost, key)


def _listed(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [said]
