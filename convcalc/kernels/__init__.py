"""Observation: what every op does to arrays, one module and one function of the op's name each.

A kernel takes operands ``[N, C, *S]``, parameters and buffers as keyword arrays, and attributes as a spec says
them; it returns ``(y, vjp)``. ``vjp(dy)`` gives the gradients that exist: operands under their position,
parameters under their name. An op with several results returns a tuple, and its ``vjp`` takes a tuple, None for
a result that nobody uses. Nothing in here knows a formula for an output size: windows are placed and counted.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.kernels._types import Array, Forward


def find(name: str) -> Forward:
    """The kernel of an op."""
    kernel: Forward = getattr(import_module(f"convcalc.kernels.{name}"), name)
    return kernel


def initial(name: str) -> Callable[..., dict[str, Array]] | None:
    """What draws an op's parameters and buffers, ``parameters(rng, x_shape, **attributes)``; None if it has none."""
    return getattr(import_module(f"convcalc.kernels.{name}"), "parameters", None)
