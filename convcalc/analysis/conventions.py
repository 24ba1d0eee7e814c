"""How others count operations: each tool's convention as weights over what a layer has.

A convention is a list of rules. A rule names ops, and says how often each *measure* of such a layer counts: its MACs
and other operations by kind, values that go in and come out, parameters. The first rule that fits a layer counts, a
layer that none fits is not counted. The words of ``convcalc shape --conventions`` are made of this table.

The rules were read in the tools' sources, and are held against the tools themselves by tests/oracle/test_counters.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Misuse, did_you_mean
from convcalc.dims import prod
from convcalc.ops._op import Cost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from convcalc.analysis import Analysis, Row
    from convcalc.analysis.shapes import Applied


class Measure(NamedTuple):
    """Something that a layer has a number of: its name in a sentence, and the number for one sample."""

    name: str
    of: Callable[[Applied], int]


MEASURES = {
    "macs": Measure("MAC", lambda step: step.cost.macs),
    "adds": Measure("addition", lambda step: step.cost.adds),
    "multiplies": Measure("multiplication", lambda step: step.cost.multiplies),
    "compares": Measure("comparison", lambda step: step.cost.compares),
    "divides": Measure("division", lambda step: step.cost.divides),
    "exponentials": Measure("exponential", lambda step: step.cost.exponentials),
    "inputs": Measure("value in", lambda step: sum(map(prod, step.inputs))),
    "results": Measure("value out", lambda step: step.size),
    "params": Measure("parameter", lambda step: step.count),
    "placed": Measure(
        "weight at each position out", lambda step: prod(step.parameters.get("weight", ())) * prod(step.outputs[0][1:])
    ),
}

EVERY = "*"


class Rule(NamedTuple):
    """What counts in layers of these ops, as weights of measures; ``only`` where attributes have these values.

    ``learnt`` is for layers that have parameters; ``axes`` is the number of spatial axes that the tool knows the op
    for, 0 if it does not matter.
    """

    ops: str
    weights: dict[str, int]
    only: dict[str, Any] = {}  # noqa: RUF012  # a default that nobody writes to
    learnt: bool = False
    axes: int = 0

    def fits(self, step: Applied) -> bool:
        """Whether it is about this layer."""
        if step.op is None or (self.ops != EVERY and step.op.name not in self.ops.split()):
            return False
        if self.learnt and not step.parameters:
            return False
        if self.axes and len(step.inputs[0]) - 1 != self.axes:
            return False
        return all(getattr(step.op, key) == value for key, value in self.only.items())

    def count(self, step: Applied) -> int:
        """Its count of a layer, for one sample."""
        return sum(weight * MEASURES[name].of(step) for name, weight in self.weights.items())

    def told(self) -> str:
        """``2 a MAC, 1 an addition``."""
        words = ((weight, MEASURES[name].name) for name, weight in self.weights.items())
        return ", ".join(f"{weight} {'an' if word[0] in 'aeiou' else 'a'} {word}" for weight, word in words)


class Convention(NamedTuple):
    """Whose it is, where its figure stands, and its rules."""

    source: str
    rules: tuple[Rule, ...]
    column: str = ""
    """The column that every report has it in; of the tools' figures that has the convention's own name."""


CONVOLVED = "conv filter"
PRODUCTS = f"{CONVOLVED} conv_transpose linear matmul"
NORMALIZED = "layer_norm group_norm instance_norm"
POOLED = "adaptive_avg_pool global_avg_pool"

CONVENTIONS = {
    "mac": Convention("multiply-accumulates, the headline here", (Rule(EVERY, {"macs": 1}),), "macs"),
    "flops": Convention(
        "2 a MAC and 1 for any other operation",
        (Rule(EVERY, {"macs": 2, **dict.fromkeys(Cost._fields[1:], 1)}),),
        "flops",
    ),
    "torch": Convention(
        "torch.utils.flop_counter of PyTorch, get_total_flops",
        (Rule(PRODUCTS, {"macs": 2}),),
    ),
    "fvcore": Convention(
        "fvcore 0.1.5, FlopCountAnalysis(...).total()",
        (
            Rule(PRODUCTS, {"macs": 1}),
            Rule("batch_norm", {"inputs": 2}, learnt=True),
            Rule("batch_norm", {"inputs": 1}),
            Rule(NORMALIZED, {"inputs": 5}, learnt=True),
            Rule(NORMALIZED, {"inputs": 4}),
            Rule(POOLED, {"inputs": 1}, axes=2),
            Rule("upsample", {"results": 1}, only={"mode": "nearest"}, axes=2),
            Rule("upsample", {"results": 4}, axes=2),
        ),
    ),
    # thop sees modules alone. torchvision's mobilenet_v2 pools by a function, so there it prints 64,000 less.
    "thop": Convention(
        "thop 0.1.1, profile(...)[0]; every layer a module",
        (
            Rule(f"{CONVOLVED} linear", {"macs": 1}),
            Rule("conv_transpose", {"placed": 1}),
            Rule("batch_norm layer_norm instance_norm", {"inputs": 4}, learnt=True),
            Rule("batch_norm layer_norm instance_norm", {"inputs": 2}),
            Rule(POOLED, {"inputs": 1, "results": 1}),
            Rule("avg_pool", {"results": 1}),
            Rule("upsample", {"results": 1}, only={"mode": "nearest"}),
            Rule("upsample", {"results": 5}, axes=1),
            Rule("upsample", {"results": 11}, axes=2),
            Rule("prelu", {"inputs": 1}),
            Rule("softmax", {"exponentials": 1, "divides": 1, "compares": 1}),
        ),
    ),
    "ptflops": Convention(
        "ptflops 0.7.5, get_model_complexity_info(..., backend='aten')",
        (Rule(PRODUCTS, {"macs": 1, "adds": 1}),),
    ),
    "torchinfo": Convention(
        "torchinfo 1.8.0, summary(...).total_mult_adds; every layer a module",
        (
            Rule(CONVOLVED, {"macs": 1, "adds": 1}),
            Rule("conv_transpose", {"placed": 1, "adds": 1}),
            Rule(EVERY, {"params": 1}),
        ),
    ),
}


TOOLS = {name: convention.source for name, convention in CONVENTIONS.items() if not convention.column}
"""Those of others, and where their figures stand."""


def column(name: str) -> str:
    """The column of a convention; raises Misuse where there is none of that name."""
    if name not in CONVENTIONS:
        raise Misuse(f"there is no convention '{name}': {did_you_mean(name, CONVENTIONS)}")
    return CONVENTIONS[name].column or name


def rule(name: str, step: Applied) -> Rule | None:
    """The rule of a convention that a layer is counted by, or None where it is not counted."""
    return next((rule for rule in CONVENTIONS[name].rules if rule.fits(step)), None)


def counted(name: str, rows: Iterable[Row]) -> int:
    """What a convention counts of layers, for their batch."""
    fitting = ((row, rule(name, row.applied)) for row in rows)
    return sum(row.batch * found.count(row.applied) for row, found in fitting if found)


class Item(NamedTuple):
    """What a convention counts in all layers of one op by one rule, and how much that is over the MACs."""

    op: str
    layers: int
    counted: int
    over: int
    why: str


class Counted(NamedTuple):
    """A net by one convention: the total, and an item for all that is not counted as the MACs are."""

    name: str
    source: str
    total: int
    items: tuple[Item, ...]


def by_conventions(analysis: Analysis) -> list[Counted]:
    """A net by every convention, for its batch."""
    return [_by(name, analysis) for name in CONVENTIONS]


def _by(name: str, analysis: Analysis) -> Counted:
    items: dict[tuple[str, str], Item] = {}
    for row in analysis.rows:
        count, why = counted(name, [row]), _told(rule(name, row.applied), row.applied)
        _, layers, before, over, _ = items.get((row.op, why), Item("", 0, 0, 0, ""))
        items[row.op, why] = Item(row.op, layers + 1, before + count, over + count - row.macs, why)
    told = tuple(item for item in items.values() if item.over)
    return Counted(name, CONVENTIONS[name].source, counted(name, analysis.rows), told)


def _told(fitting: Rule | None, step: Applied) -> str:
    """The rule in words, of what this layer has any of."""
    if fitting is None:
        return "not counted"
    present = {name: weight for name, weight in fitting.weights.items() if MEASURES[name].of(step)}
    return fitting._replace(weights=present).told() or "nothing to count"
