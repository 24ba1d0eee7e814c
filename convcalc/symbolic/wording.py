"""Sets of sizes as a person would say them: ``H >= 16 and H % 16 == 0``.

Every text is an expression of the one grammar, or nearly: ``H in 224..255``, ``H % 32 in {0, 29, 30, 31}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convcalc.symbolic.sizes import Sizes

SHORTEST_RUN = 4
"""Numbers in a row from which on a list among others becomes a range."""

MOST = 12
"""Ranges and numbers that are listed."""


def condition(symbol: str, sizes: Sizes, *, plain: bool = False) -> str:
    """What a size must meet; ``plain`` leaves out a bound that every positive size in the remainders meets anyway."""
    said = []
    if sizes.early:
        said.append(f"{symbol} {_membership(runs(sizes.early))}")
    if sizes.cycle:
        first = sizes.above(sizes.start) or 0
        rest = _remainders(symbol, sizes)
        bound = f"{symbol} >= {first}"
        implied = rest and first == _first_of(sizes)
        said.append(rest if plain and implied else f"{bound} and {rest}" if rest else bound)
    return " or ".join(said) if said else f"no {symbol}"


def box(sizes: Mapping[str, Sizes], *, plain: bool = False) -> str:
    """The conditions on all sizes of a product; the sizes that meet the same one after the other."""
    said: dict[Sizes, list[str]] = {}
    for symbol, own in sizes.items():
        said.setdefault(own, []).append(symbol)
    if len(said) == 1 and len(sizes) > 1:
        ((own, (first, *others)),) = said.items()
        return f"{condition(first, own, plain=plain)}, {' and '.join(others)} likewise"
    return " and ".join(_guarded(condition(symbol, own, plain=plain)) for symbol, own in sizes.items())


def whole(boxes: Sequence[Mapping[str, Sizes]]) -> str:
    """A union of products."""
    return "; or ".join(map(box, boxes)) if boxes else "none"


def _guarded(text: str) -> str:
    return f"({text})" if " or " in text else text


def _first_of(sizes: Sizes) -> int:
    """The smallest positive size with one of the remainders."""
    return next(n for n in range(1, sizes.period + 1) if sizes.cycle >> n % sizes.period & 1)


def _remainders(symbol: str, sizes: Sizes) -> str:
    period, found = sizes.period, runs(sizes.cycle)
    missing = ((1 << period) - 1) ^ sizes.cycle
    if not missing:
        return ""
    if missing & (missing - 1) == 0 and period > 2:
        return f"{symbol} % {period} != {missing.bit_length() - 1}"
    return f"{symbol} % {period} {_membership(found)}"


def _membership(found: list[tuple[int, int]]) -> str:
    if len(found) == 1:
        ((low, high),) = found
        return f"== {low}" if low == high else f"in {low}..{high}"
    return "in {" + ", ".join(_entries(found)) + "}"


def _entries(found: list[tuple[int, int]]) -> Iterator[str]:
    told = []
    for low, high in found:
        if high - low + 1 >= SHORTEST_RUN:
            told.append(f"{low}..{high}")
        else:
            told += map(str, range(low, high + 1))
    yield from told[:MOST]
    if len(told) > MOST:
        yield f"... ({sum(high - low + 1 for low, high in found):,} in all)"


def runs(bits: int) -> list[tuple[int, int]]:
    """The places of the bits that are set, those in a row as the first and the last."""
    text = bin(bits)[:1:-1]
    found: list[tuple[int, int]] = []
    low = text.find("1")
    while low >= 0:
        high = text.find("0", low)
        high = (len(text) if high < 0 else high) - 1
        found.append((low, high))
        low = text.find("1", high + 1)
    return found
