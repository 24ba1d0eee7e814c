"""Quantities as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")


def grouped(n: int) -> str:
    """``25,557,032``."""
    return f"{n:,}"


def short(n: int) -> str:
    """Three digits and a decimal prefix: ``25.6 M``."""
    return _scaled(n, 1000, PREFIXES, "")


def size(n: int) -> str:
    """Bytes, decimal: ``102.2 MB``."""
    return _scaled(n, 1000, PREFIXES, "B")


def signed(n: int) -> str:
    """``+1,024``, ``-3``; nothing for 0."""
    return f"{n:+,}" if n else ""


def growth(old: int, new: int) -> str:
    """By how much, in percent with one decimal: ``+2.4%``; nothing where nothing grew, or from nothing."""
    if not old or old == new:
        return ""
    sign = "+" if new > old else "-"
    tenths = (2000 * abs(new - old) + old) // (2 * old)
    return f"{sign}{tenths // 10:,}.{tenths % 10}%" if tenths else f"{sign}<0.1%"


def _scaled(n: int, base: int, prefixes: tuple[str, ...], unit: str) -> str:
    if n < base:
        return f"{n} {unit}".rstrip()
    power, tenths = 0, 10 * n
    # In integers, for n may be larger than any float; rounding may reach the next prefix.
    while tenths >= 10 * base and power + 1 < len(prefixes):
        power += 1
        tenths = (20 * n + base**power) // (2 * base**power)
    return f"{tenths // 10:,}.{tenths % 10} {prefixes[power]}{unit}"


def share(part: int, whole: int) -> str:
    """A percentage with one decimal; nothing of nothing is ``-``."""
    if not whole:
        return "-"
    tenths = (2000 * part + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10}%"


def per_axis(values: Iterable[Any]) -> str:
    """One value where all axes agree, else ``3x5``."""
    told = [str(value) for value in values]
    return "x".join(told if len(set(told)) > 1 else told[:1])


def moving(size: str, stride: str) -> str:
    """A field and its stride: ``5 /2``, ``5 /(1/2)``."""
    return f"{size} /({stride})" if "/" in stride else f"{size} /{stride}"
