"""Dilations in a row that leave holes in what the output sees, known as gridding.

Source: Wang et al., Understanding Convolution for Semantic Segmentation, WACV 2018, section 3.2.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis.masks import HERE, WHOLE, Axis, compose, contains, merged
from convcalc.checks.lints._net import Remark
from convcalc.ops._op import IDENTITY, Taps
from convcalc.ops._window import Windowed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convcalc.checks.lints._net import Net


class Seen(NamedTuple):
    """What a node sees on one axis of an input, and what it would see if no window had gaps between its taps.

    ``windows`` of more than one tap lie on the way. ``culprit`` is the first layer that left a hole that is still
    there. ``frozen``: a global op lies behind, and was left out.
    """

    real: Axis
    dense: Axis
    windows: int = 0
    culprit: int | None = None
    frozen: bool = False


def look(net: Net) -> Iterator[Remark]:
    """Dilated layers whose holes are still in the field of an output, behind two windows or more.

    One dilated window alone samples sparsely as it was told to, and so do branches of several dilations side by side
    (atrous pyramids): only dilations in a row are blamed.
    """
    if not any(_dilated(net, place) for place in range(len(net.nodes))):
        return
    told = set()
    for source in net.graph.inputs.values():
        rank = len(net.shape(source)) - 1
        for axis in range(rank):
            for seen in _of_outputs(net, source.node, axis, rank):
                if seen.culprit is not None and seen.windows > 1 and seen.culprit not in told:
                    told.add(seen.culprit)
                    yield _remark(net, seen, seen.culprit, axis)


def _remark(net: Net, seen: Seen, culprit: int, axis: int) -> Remark:
    used, size = max((bits.bit_count(), bits.bit_length()) for _, bits in seen.real.masks)
    holes = f"on axis {axis} an output sees {used} of {size} positions from the first to the last"
    told = f"the dilation of {net.title(culprit)} leaves holes that no layer fills: {holes}"
    fix = "keep each dilation within what the layers in front see: 1, 2, 5 with kernels of 3"
    return Remark(culprit, told, fix, ("dilation",))


def _dilated(net: Net, place: int) -> bool:
    taps = net.steps[place].taps
    return isinstance(net.nodes[place].op, Windowed) and any(_filled(axis) != axis for axis in taps[0] or ())


def _filled(taps: Taps) -> Taps:
    """The same windows without gaps between their taps; those of a strided transposed convolution as they are."""
    ((start, step, count), *others) = taps.windows
    if others or abs(step) == 1 or count < 2:
        return taps
    reach = step * (count - 1)
    return taps._replace(windows=((min(start, start + reach), 1, abs(reach) + 1),))


def _of_outputs(net: Net, source: int, axis: int, rank: int) -> Iterator[Seen]:
    """What every output of the net sees on one axis of an input."""
    known = {source: Seen(HERE, HERE)}
    for place in range(source + 1, len(net.nodes)):
        operands = zip(net.nodes[place].inputs, net.steps[place].taps, strict=True)
        read = [(known[ref.node], axes) for ref, axes in operands if axes is not None and ref.node in known]
        seen = [_through(net, place, before, axes, axis, rank) for before, axes in read]
        if seen:
            known[place] = _joined([each for each in seen if not each.frozen] or seen)
        for ref in net.nodes[place].inputs:
            if net.users[ref.node][-1] == place and ref.node not in net.outputs:
                known.pop(ref.node, None)
    return (known[place] for place in sorted(net.outputs & known.keys()))


def _through(net: Net, place: int, before: Seen, axes: tuple[Taps, ...], axis: int, rank: int) -> Seen:
    if before.frozen or len(axes) != rank or any(taps.advance == 0 for taps in axes):
        return before._replace(frozen=True)
    taps = axes[axis]
    if taps == IDENTITY:
        return before
    windowed = isinstance(net.nodes[place].op, Windowed)
    # What is too much to keep is taken to be everything: nothing is said of it.
    real = compose(before.real, taps) or WHOLE
    dense = compose(before.dense, _filled(taps) if windowed else taps) or WHOLE
    windows = before.windows + (windowed and taps.windows[0][2] > 1)
    if WHOLE in (real, dense) or contains(real, dense):
        return Seen(dense, dense, windows)
    return Seen(real, dense, windows, place if before.culprit is None else before.culprit)


def _joined(seen: Sequence[Seen]) -> Seen:
    """Branches together; where none of them sees all that they see together, they sample sparsely on purpose."""
    if len(seen) == 1:
        return seen[0]
    real, dense = (reduce(_union, axes) for axes in ([s.real for s in seen], [s.dense for s in seen]))
    windows, frozen = max(s.windows for s in seen), seen[0].frozen
    largest = next((s for s in seen if contains(s.real, real)), None)
    if largest is None or largest.culprit is None or WHOLE in (real, dense):
        return Seen(dense, dense, windows, frozen=frozen)
    return Seen(real, dense, windows, largest.culprit, frozen)


def _union(one: Axis, other: Axis) -> Axis:
    return merged(one, other) or WHOLE
