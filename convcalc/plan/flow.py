"""What a group of layers can do, and where it sends gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from convcalc.graph import Ref
    from convcalc.plan.fusion import Group
    from convcalc.plan.layout import Array
    from convcalc.plan.threads import Later, Team


class Flow(Protocol):
    """Where gradients go; arrays that are handed over are not written to any more."""

    later: Later

    def wants(self, operand: Ref) -> bool:
        """Whether a gradient of the operand is of any use."""

    def arrive(self, operand: Ref, gradient: Array) -> None:
        """A gradient of an operand is there."""

    def waiting(self, operand: Ref) -> Array | None:
        """What has arrived for the operand so far, taken out by the one who adds it in."""

    def learn(self, node: int, gradients: dict[str, Array]) -> None:
        """The gradients of a node's parameters are there."""


class Layer(Protocol):
    """A group, ready to run: operands and results are logical ``[N, C, *S]``."""

    group: Group

    def forward(self, operands: list[Array], team: Team) -> tuple[tuple[Array, ...], Any]:
        """The results, and what ``backward`` needs to have kept."""

    def backward(self, kept: Any, arriving: Any, flow: Flow) -> None:
        """Send on the gradients that follow from that of the result; of several results, from a tuple."""

    def forget(self) -> None:
        """Let go of the weights that were made ready."""
