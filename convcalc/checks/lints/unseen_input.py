"""Pixels of an input between others, that no output can see."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

from convcalc.analysis.masks import read_by
from convcalc.checks.lints._net import Remark
from convcalc.ops._window import Windowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.checks.lints._net import Net
    from convcalc.ops._op import Taps

    Needed = dict[int, tuple[int, ...]]

MOST_POSITIONS = 1 << 24
"""In all layers together, padding and gaps included; a net with more is passed over: it would take seconds."""


def look(net: Net) -> Iterator[Remark]:
    """Windows that step over positions of an input which no other way to an output leads to.

    Border strips that a stride leaves over are passed over, crops and slices too, and what a dilation leaves out on a
    map that is too small for it.
    """
    if not _suspects(net) or _positions(net) > MOST_POSITIONS:
        return
    needed = _needed(net)
    told = set()
    for name, ref in net.graph.inputs.items():
        for axis, size in enumerate(net.shape(ref)[1:]):
            lost = _between(needed[ref.node][axis]) if ref.node in needed else 0
            for place in _skipping(net, needed, ref.node, axis) if lost else ():
                if place not in told:
                    told.add(place)
                    yield _remark(net, place, axis, f"{lost.bit_count()} of {size} positions of '{name}'")


def _remark(net: Net, place: int, axis: int, lost: str) -> Remark:
    ((_, step, count),) = net.steps[place].taps[0][axis].windows  # type: ignore[index]  # a window has taps
    stride = net.steps[place].taps[0][axis].advance  # type: ignore[index]
    apart = f", {abs(step)} apart," if abs(step) > 1 else ""
    windows = f"windows of {net.title(place)} have {count} tap{'s' * (count > 1)}{apart} and move by {stride}"
    told = f"{windows}: on axis {axis} no output sees {lost} that lie between others"
    return Remark(place, told, "use a kernel as large as the stride or larger, or a smaller stride", ("stride",))


def _suspects(net: Net) -> bool:
    """Whether some result is read by windows with gaps alone: elsewhere nothing between others can be lost."""
    skipping = {place for place in range(len(net.nodes)) if any(map(_gaps, _window(net, place)))}
    covered = {
        ref.node
        for place, (node, step) in enumerate(zip(net.nodes, net.steps, strict=True))
        if place not in skipping
        for ref, axes in zip(node.inputs, step.taps, strict=True)
        if axes is not None
    }
    read = {net.nodes[place].inputs[0].node for place in skipping}
    return bool(read - covered - net.outputs)


def _positions(net: Net) -> int:
    """About how many positions are looked at: those of results, and what windows reach over."""
    reaches = (
        taps.advance + max(abs(start) + abs(step) * count for start, step, count in taps.windows)
        for applied in net.steps
        for axes in applied.taps
        for taps in axes or ()
    )
    return sum(sum(applied.outputs[0][1:]) for applied in net.steps) + sum(reaches)


def _window(net: Net, place: int) -> tuple[Taps, ...]:
    """The taps of a window that is slid over an operand, none of other ops."""
    return net.steps[place].taps[0] or () if isinstance(net.nodes[place].op, Windowed) else ()


def _gaps(taps: Taps) -> bool:
    """Whether windows side by side leave out positions between them, on a map of any size."""
    ((_, step, count), *others) = taps.windows
    return not others and min(count, taps.advance // gcd(step, taps.advance)) < taps.advance


def _needed(net: Net) -> Needed:
    """By node, the positions on each axis of its results that some output depends on, as sets of bits."""
    needed: Needed = {place: tuple((1 << size) - 1 for size in net.result(place)[1:]) for place in net.outputs}
    for place in range(len(net.nodes) - 1, -1, -1):
        if place not in needed:
            continue
        step = net.steps[place]
        for ref, axes, x in zip(net.nodes[place].inputs, step.taps, step.inputs, strict=True):
            if axes is None:
                continue
            wanted = (*needed[place], *(1 for _ in axes))
            read = tuple(read_by(bits, taps, size) for bits, taps, size in zip(wanted, axes, x[1:], strict=False))
            if all(read):
                before = needed.get(ref.node, (0,) * len(read))
                needed[ref.node] = tuple(a | b for a, b in zip(before, read, strict=True))
    return needed


def _between(bits: int) -> int:
    """The positions that are not in a set, and lie between its first and its last."""
    return _hull(bits) & ~bits


def _hull(bits: int) -> int:
    return (1 << bits.bit_length()) - (bits & -bits) if bits else 0


def _skipping(net: Net, needed: Needed, source: int, axis: int) -> Iterator[int]:
    """The windows to blame for what is lost of an input: those that would skip it if all of their results were used."""
    todo, looked = [source], {source}
    while todo:
        place = todo.pop()
        lost = _between(needed[place][axis])
        for user in net.users[place] if lost else ():
            if user in looked or user not in needed or len(needed[user]) <= axis:
                continue
            looked.add(user)
            results = _hull(needed[user][axis])
            for ref, axes in zip(net.nodes[user].inputs, net.steps[user].taps, strict=True):
                if ref.node != place or axes is None:
                    continue
                skipped = lost & _between(read_by(results, axes[axis], net.shape(ref)[axis + 1]))
                if skipped and results & (results - 1) and any(map(_gaps, _window(net, user))):
                    yield user
                else:
                    todo.append(user)
