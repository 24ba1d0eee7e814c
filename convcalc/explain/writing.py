"""A spelled number as text or LaTeX, with the names of what goes in or with its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from convcalc.explain.spelled import Bracket, Name

if TYPE_CHECKING:
    from collections.abc import Callable

    from convcalc.explain.spelled import Atom, Product, Quotient, Sum


class Style(NamedTuple):
    """How the parts of a formula are written; a quotient by its kind, ``exact`` where nothing is left over."""

    name: Callable[[str], str]
    times: str
    power: str
    dots: str
    comma: str
    quotients: dict[str, str]


TEXT = Style(
    str,
    "*",
    "{}^{}",
    "...",
    ",",
    {"floor": "floor({}/{})", "ceil": "ceil({}/{})", "rest": "({} % {})", "exact": "{}/{}"},
)


def _latex_name(text: str) -> str:
    base, _, index = text.partition("_")
    if len(base) == 1:
        return f"{base}_{{\\text{{{index.replace('_', ', ')}}}}}" if index else base
    return "\\text{" + text.replace("_", "\\_") + "}"


LATEX = Style(
    _latex_name,
    " \\cdot ",
    "{}^{{{}}}",
    "\\dots",
    "{,}",
    {
        "floor": "\\left\\lfloor\\frac{{{}}}{{{}}}\\right\\rfloor",
        "ceil": "\\left\\lceil\\frac{{{}}}{{{}}}\\right\\rceil",
        "rest": "\\left({} \\bmod {}\\right)",
        "exact": "\\frac{{{}}}{{{}}}",
    },
)


def formula(of: Sum, style: Style = TEXT, exact: frozenset[Quotient] = frozenset(), most: int = 0) -> str:
    """With names; the quotients in ``exact`` leave nothing over, sums of more than ``most`` terms are cut short."""
    return _Writer(style, exact, most, numbers=False).sum(of)


def numbers(of: Sum, style: Style = TEXT, exact: frozenset[Quotient] = frozenset(), most: int = 0) -> str:
    """With the value of each name in its place."""
    return _Writer(style, exact, most, numbers=True).sum(of)


class _Writer:
    def __init__(self, style: Style, exact: frozenset[Quotient], most: int, *, numbers: bool) -> None:
        self.style = style
        self.exact = exact
        self.most = most
        self.numbers = numbers

    def sum(self, of: Sum) -> str:
        if not of.terms:
            return "0"
        # A formula does not begin with a minus where something positive can come first.
        terms = sorted(of.terms, key=lambda term: term[1] < 0) if of.terms[0][1] < 0 else of.terms
        told = ""
        for place, (product, factor) in enumerate(terms):
            sign = ("-" if factor < 0 else "") if not told else (" - " if factor < 0 else " + ")
            if not self.most or len(terms) <= self.most or place < self.most - 2 or place == len(terms) - 1:
                told += sign + self.product(product, abs(factor))
            elif place == self.most - 2:
                told += f" + {self.style.dots}"
        return told

    def product(self, of: Product, factor: int) -> str:
        parts = [str(factor)] if factor != 1 or not of else []
        return self.style.times.join(parts + [self.power(atom, power) for atom, power in of])

    def power(self, of: Atom, power: int) -> str:
        told = self.atom(of)
        if power == 1:
            return told
        return self.style.power.format(told if isinstance(of, Name) else f"({told})", power)

    def atom(self, of: Atom) -> str:
        if isinstance(of, Name):
            if not self.numbers:
                return self.style.name(of.text)
            return str(of.value) if of.value >= 0 else f"({of.value})"
        if isinstance(of, Bracket):
            return f"({self.sum(of.inside)})"
        pattern = self.style.quotients["exact" if of in self.exact else of.kind]
        fraction = "frac" in pattern
        return pattern.format(*(self.sum(part) if fraction else self.factor(part) for part in (of.above, of.below)))

    def factor(self, of: Sum) -> str:
        told = self.sum(of)
        return told if len(of.terms) == 1 and len(of.terms[0][0]) <= 1 else f"({told})"
