"""One thread's way through the net: values forward, gradients back."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from convcalc.graph import Ref
from convcalc.plan.threads import Later

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convcalc.plan import Plan
    from convcalc.plan.fusion import Group
    from convcalc.plan.layout import Array
    from convcalc.plan.threads import Team


class Tape:
    """What was computed, and what of it is kept for the way back; the ``Flow`` of its own layers."""

    def __init__(self, plan: Plan, team: Team, forward_only: bool, input_gradient: bool) -> None:
        self._plan = plan
        self._leading = {ref.node for ref in plan.graph.inputs.values()} if input_gradient else set()
        self._team = team
        self._forward_only = forward_only
        self._kept: list[tuple[Any, int]] = []
        self._flowing: dict[Ref, Array] = {}
        self._learning = Lock()
        self.later = Later(team)
        self.outputs: dict[str, Array] = {}
        self.learnt: dict[str, dict[str, Array]] = {}
        self.flowed: dict[str, Array] = {}

    def forward(self, inputs: Mapping[str, Array]) -> None:
        """Run all groups; a value is forgotten when nobody needs it any more."""
        graph, groups = self._plan.graph, self._plan.groups
        last_use = {ref: index for index, group in enumerate(groups) for ref in group.inputs}
        last_use |= dict.fromkeys(graph.results().values(), len(groups))
        values = {ref: inputs[name] for name, ref in graph.inputs.items()}
        for index, group in enumerate(groups):
            operands = [values[ref] for ref in group.inputs]
            layer = self._plan.layer(index, operands[0].ndim)
            results, kept = layer.forward(operands, self._team)
            del operands
            if self._leads(group):
                self._leading.add(group.last)
            if not self._forward_only:
                self._kept.append((kept if group.last in self._leading else None, len(results)))
            del kept
            own = {Ref(group.last, port): result for port, result in enumerate(results)}
            values |= own
            del results
            for ref in {*own, *group.inputs}:
                if last_use.get(ref, index) == index:
                    del values[ref]
            del own
            if not self._plan.keep:
                layer.forget()
        self.outputs = {name: values[ref] for name, ref in graph.results().items()}

    def backward(self, seeds: Mapping[str, Array]) -> None:
        """Run the groups back; ``learnt`` and ``flowed`` hold the gradients then."""
        graph, groups = self._plan.graph, self._plan.groups
        if len(self._kept) != len(groups):
            raise ValueError("nothing was kept for a backward pass: it was run forward only, or back already")
        for name, seed in seeds.items():
            self.arrive(graph.results()[name], seed)
        try:
            for index in reversed(range(len(groups))):
                kept, ports = self._kept.pop()
                last = groups[index].last
                arriving = tuple(self._flowing.pop(Ref(last, port), None) for port in range(ports))
                if last in self._leading and any(dy is not None for dy in arriving):
                    self._plan.layer(index, 0).backward(kept, arriving if ports > 1 else arriving[0], self)
        finally:
            self.later.finish()
        self.flowed = {name: self._flowing[ref] for name, ref in graph.inputs.items() if ref in self._flowing}

    def _leads(self, group: Group) -> bool:
        return any(map(self.wants, group.inputs)) or any(map(self._plan.learns, group.nodes))

    def wants(self, operand: Ref) -> bool:
        """Whether the operand leads back to what gets a gradient."""
        return operand.node in self._leading

    def arrive(self, operand: Ref, gradient: Array) -> None:
        """A gradient of an operand is there."""
        before = self._flowing.get(operand)
        self._flowing[operand] = gradient if before is None else before + gradient

    def waiting(self, operand: Ref) -> Array | None:
        """What has arrived for the operand so far, taken out by the one who adds it in."""
        return self._flowing.pop(operand, None)

    def learn(self, node: int, gradients: dict[str, Array]) -> None:
        """The gradients of a node's parameters are there, from any thread."""
        owner = self._plan.owner(node)
        with self._learning:
            known = self.learnt.setdefault(owner, {})
            for name, gradient in gradients.items():
                known[name] = known[name] + gradient if name in known else gradient
