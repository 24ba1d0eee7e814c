"""Attributes as a spec says them, by axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convcalc.kernels._types import Array, Sizes


def per_axis(value: Any, rank: int, name: str) -> tuple[Any, ...]:
    """One value for each of ``rank`` spatial axes; raises ValueError for another number of them."""
    values = value if isinstance(value, tuple) else (value,) * rank
    if len(values) != rank:
        raise ValueError(f"{name} has {len(values)} entries for {rank} axes")
    return values


def pairs(value: Any, rank: int, name: str) -> list[tuple[int, int]]:
    """``(before, after)`` for each of ``rank`` spatial axes."""
    return [entry if isinstance(entry, tuple) else (entry, entry) for entry in per_axis(value, rank, name)]


def agree(name: str, stated: Any, found: Any) -> None:
    """An attribute that only says what the arrays show anyway: where given it must be right."""
    if stated is not None and stated != found:
        raise ValueError(f"{name} says {stated}, the arrays have {found}")


def given(bias: Array | bool | None) -> Array | None:
    """The learnt constants, None where there are none; raises ValueError where they are promised and missing."""
    if bias is True:
        raise ValueError("the bias is missing")
    return None if isinstance(bias, bool) else bias


def agree_axes(name: str, stated: Any, found: Sizes) -> None:
    """The same for an attribute by axis."""
    if stated is not None:
        agree(name, per_axis(stated, len(found), name), found)


def same_shape(name: str, *shapes: Sizes) -> None:
    """Nothing is broadcast."""
    if len(set(shapes)) > 1:
        raise ValueError(f"{name} takes operands of one shape, not {' and '.join(map(str, shapes))}")
