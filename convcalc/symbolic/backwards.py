"""Which attributes of a windowed op take one size to another, by the op's own rule: the simplest first."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc import ops
from convcalc.diagnostics import Misuse, Problem
from convcalc.dims import extent
from convcalc.ops._window import Windowed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BOUNDS = {"kernel_size": 11, "stride": 8, "padding": 5, "dilation": 4}
"""The largest values that are tried; padding stays below what the kernel spans, and a kernel of 1 has no dilation."""


class Setting(NamedTuple):
    """Values of the attributes, and how many positions of the padded operand no window reaches."""

    kernel_size: int
    stride: int
    padding: int
    dilation: int
    output_padding: int
    left_over: int

    def given(self) -> dict[str, int]:
        """The attributes as a spec writes them, defaults left out."""
        own = self._asdict()
        defaults = {"stride": 1, "padding": 0, "dilation": 1, "output_padding": 0}
        return {key: own[key] for key in ("kernel_size", *defaults) if own[key] != defaults.get(key)}


def settings(kind: str, n: int, goal: int, bounds: Mapping[str, int] | None = None) -> list[Setting]:
    """Every setting of ``conv``, ``conv_transpose`` or a pool that makes ``goal`` positions of ``n``.

    Those whose windows end exactly at the padded border come first, then those with small attributes that are usual:
    no dilation, no padding of the output, an odd kernel, little padding. Raises Misuse for an op without windows.
    """
    try:
        found = ops.find(kind)
    except Problem as problem:
        raise Misuse(f"{problem.message}: {problem.fix}") from None
    if not issubclass(found, Windowed):
        raise Misuse(f"{kind} has no window: solve knows conv, conv_transpose, max_pool and avg_pool")
    fixed = {key: 1 for key in ("out_channels",) if key in found.attributes}
    fitting = []
    for values in _tried(found.attributes, {**BOUNDS, **(bounds or {})}):
        op = found(**fixed, **values)
        outcome = op.infer((1, n))
        if outcome.shapes[0][1] == goal and all(demand.holds() for demand in outcome.demands):
            fitting.append(_setting(op, values, n))
    return sorted(fitting, key=_effort)


def _tried(attributes: Mapping[str, Any], bounds: Mapping[str, int]) -> Iterator[dict[str, int]]:
    for kernel, stride in product(range(1, bounds["kernel_size"] + 1), range(1, bounds["stride"] + 1)):
        for dilation in range(1, bounds["dilation"] + 1 if kernel > 1 else 2):
            more = max(stride, dilation) if "output_padding" in attributes else 1
            paddings = range(min(bounds["padding"], extent(kernel, dilation) - 1) + 1)
            for padding, output_padding in product(paddings, range(more)):
                values = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
                yield {**values, "output_padding": output_padding} if "output_padding" in attributes else values


def _setting(op: Any, values: Mapping[str, int], n: int) -> Setting:
    left_over = 0
    if "output_padding" not in values:
        (window,) = op.windows(1)
        left_over = (n + window.before + window.after - window.extent) % window.stride
    return Setting(**{"output_padding": 0, **values}, left_over=left_over)


def _effort(setting: Setting) -> tuple[int, ...]:
    return (
        setting.left_over > 0, setting.dilation, setting.output_padding, setting.kernel_size % 2 == 0,
        setting.kernel_size, setting.padding, setting.stride,
    )  # fmt: skip
