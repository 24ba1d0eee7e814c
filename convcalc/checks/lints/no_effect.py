"""A layer that gives back its operand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.checks.lints._net import Remark
from convcalc.ops._op import FREE, IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.checks.lints._net import Net


def look(net: Net) -> Iterator[Remark]:
    """Layers that only move values, and leave each at its place: a window of 1, padding of 0.

    Views are passed over: they cost nothing, and the head of a family may flatten what is flat in one member. So is
    dropout, which acts in training.
    """
    for place, _, op in net.ops():
        inputs = net.operands(place)
        if len(inputs) > 1 or op.view or net.result(place) != inputs[0]:
            continue
        (taps,) = op.reads(0, *inputs)
        still = taps is not None and all(axis == IDENTITY for axis in taps)
        if still and not op.parameters(*inputs) and op.cost(inputs, (net.result(place),)) == FREE:
            told = f"{net.title(place)} gives back its operand as it is"
            yield Remark(place, told, "remove it, or give it arguments that change something")
