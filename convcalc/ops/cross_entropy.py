"""Cross-entropy of a softmax, as a loss."""

from __future__ import annotations

from typing import ClassVar

from convcalc.diagnostics import Problem
from convcalc.dims import Demand, Dim, Shape, prod
from convcalc.ops._op import Cost, Op, Outcome, Taps, whole


class CrossEntropy(Op):
    """The logarithm of softmax over the channels, negated, at the target: the mean over the map, as one value.

    The second operand is the target: probabilities of the shape of the first, or as integers the class of each
    position, without the axis of the channels ([1] for a vector). The loss of a batch is the mean of its samples'.
    Source: torch.nn.CrossEntropyLoss.
    """

    also = ("crossentropyloss", "softmax_cross_entropy", "softmax_with_loss", "categorical_crossentropy",
            "sparse_categorical_crossentropy", "softmax_cross_entropy_with_logits")  # fmt: skip
    operands: ClassVar[tuple[int, int | None]] = (2, 2)
    saves = ("values", "target")

    def infer(self, *inputs: Shape) -> Outcome:
        logits, target = inputs
        wanted = _wanted(logits, target)
        if len(target) != len(wanted):
            axes = "1 axis" if len(target) == 1 else f"{len(target)} axes"
            told = f"the target has {axes}, the logits have {len(logits)}"
            raise Problem("wrong-target", told, _fix(logits))
        reason = "the target has {left} positions where the logits have {right}"
        demands = (Demand(n, "==", goal, "wrong-target", reason) for n, goal in zip(target, wanted, strict=True))
        return Outcome(((1,),), tuple(demands))

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        return _fix(inputs[0])

    def own_values(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Dim:
        """The logarithms of the softmax."""
        return prod(inputs[0])

    def workspace(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], width: int) -> int:
        """Two arrays as large as an operand."""
        return int(2 * prod(inputs[0]) * width)

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """That of log_softmax; then a mean of what the target picks, or the target's products summed up."""
        logits, target = inputs
        values, positions = prod(logits), prod(logits[1:])
        logs = Cost(adds=3 * values - positions, compares=values - positions, exponentials=values + positions)
        if _is_classes(logits, target):
            return logs.plus(Cost(adds=positions - 1, divides=1))
        return logs.plus(Cost(adds=values - 1, multiplies=values, divides=1))

    def axes(self, *inputs: Shape) -> tuple[tuple[Taps, ...], ...]:
        """All of both."""
        return tuple(tuple(map(whole, x)) for x in inputs)


def _wanted(logits: Shape, target: Shape) -> Shape:
    """The shape that the target must have."""
    return (logits[1:] or (1,)) if _is_classes(logits, target) else logits


def _is_classes(logits: Shape, target: Shape) -> bool:
    """Whether the target says a class for each position: an axis less, or a literal 1 beside a vector."""
    if len(logits) > 1:
        return len(target) == len(logits) - 1
    return len(target) == 1 and type(target[0]) is int and target[0] == 1


def _fix(logits: Shape) -> str:
    return f"give the target the shape {_listed(logits)}, or {_listed(logits[1:] or (1,))} for classes"


def _listed(shape: tuple[Dim, ...]) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"
