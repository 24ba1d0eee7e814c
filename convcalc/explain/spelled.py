"""Integers that remember how they were computed, so that the rule of an op writes its own formula.

A spelled integer is an int: whatever a rule does with it, it does with the number. What it remembers is a sum of
products of names, floors and remainders, as it would be written by hand: ``kernel_size - 1 + 1`` is ``kernel_size``,
a product is not multiplied out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from convcalc.dims import prod


class Name(NamedTuple):
    """A quantity that is given."""

    text: str
    value: int


class Quotient(NamedTuple):
    """``above / below`` rounded as ``kind`` says, ``floor`` or ``ceil``; of kind ``rest`` what the division leaves."""

    kind: str
    above: Sum
    below: Sum


class Bracket(NamedTuple):
    """A sum as a factor."""

    inside: Sum


Atom = Name | Quotient | Bracket
Product = tuple[tuple[Atom, int], ...]
"""Factors with their powers, in the order they came; of none, the number 1."""


class Sum(NamedTuple):
    """Products with their integer factors, in the order they came."""

    terms: tuple[tuple[Product, int], ...]

    @property
    def number(self) -> int | None:
        """The value of a sum without names, else None."""
        if not self.terms:
            return 0
        ((product, factor), *more) = self.terms
        return factor if not product and not more else None

    def plus(self, other: Sum, sign: int = 1) -> Sum:
        """The sum of both, equal products put together."""
        found = dict(self.terms)
        for product, factor in other.terms:
            found[product] = found.get(product, 0) + sign * factor
        return Sum(tuple((product, factor) for product, factor in found.items() if factor))

    def times(self, other: Sum) -> Sum:
        """The product; a sum of several terms stays together."""
        if 0 in (self.number, other.number):
            return literal(0)
        if self.number == 1:
            return other
        if other.number == 1:
            return self
        ((left, one),) = self._whole().terms
        ((right, two),) = other._whole().terms
        powers = dict(left)
        for atom, power in right:
            powers[atom] = powers.get(atom, 0) + power
        return Sum(((tuple(powers.items()), one * two),))

    def _whole(self) -> Sum:
        return self if len(self.terms) == 1 else atom(Bracket(self))

    def over(self, other: Sum) -> Sum:
        """The quotient rounded down; ``(x + y - 1) // y`` is the quotient rounded up."""
        if other.number == 1:
            return self
        if self.number == 0 or (self.number is not None and other.number):
            return literal(self.number // (other.number or 1))
        whole = self._holds(other)
        if whole and self._holds(ONE) < 0:
            above = self.plus(other.times(literal(whole)), -1).plus(ONE)
            return atom(Quotient("ceil", above, other)).plus(literal(whole - 1))
        return atom(Quotient("floor", self, other))

    def _holds(self, other: Sum) -> int:
        """How often a product is among the terms."""
        own = dict(self.terms)
        return own.get(other.terms[0][0], 0) if len(other.terms) == 1 and other.terms[0][1] == 1 else 0

    def rest(self, other: Sum) -> Sum:
        """What the division leaves."""
        if self.number is not None and other.number:
            return literal(self.number % other.number)
        return atom(Quotient("rest", self, other))


def literal(number: int) -> Sum:
    """A number that stands for itself."""
    return Sum((((), number),) if number else ())


ONE = literal(1)


def atom(of: Atom) -> Sum:
    """One factor alone."""
    return Sum(((((of, 1),), 1),))


class Spelled(int):
    """An int with the sum that it is the value of."""

    spelling: Sum

    def __new__(cls, value: int, spelling: Sum) -> Spelled:
        """The number ``value``, spelled so."""
        made = super().__new__(cls, value)
        made.spelling = spelling
        return made

    def __add__(self, other: Any) -> Any:
        return _spelled(int.__add__(self, other), self, other, Sum.plus)

    def __radd__(self, other: Any) -> Any:
        return _spelled(int.__radd__(self, other), other, self, Sum.plus)

    def __sub__(self, other: Any) -> Any:
        return _spelled(int.__sub__(self, other), self, other, _minus)

    def __rsub__(self, other: Any) -> Any:
        return _spelled(int.__rsub__(self, other), other, self, _minus)

    def __mul__(self, other: Any) -> Any:
        return _spelled(int.__mul__(self, other), self, other, Sum.times)

    def __rmul__(self, other: Any) -> Any:
        return _spelled(int.__rmul__(self, other), other, self, Sum.times)

    def __floordiv__(self, other: Any) -> Any:
        return _spelled(int.__floordiv__(self, other), self, other, Sum.over)

    def __rfloordiv__(self, other: Any) -> Any:
        return _spelled(int.__rfloordiv__(self, other), other, self, Sum.over)

    def __mod__(self, other: Any) -> Any:
        return _spelled(int.__mod__(self, other), self, other, Sum.rest)

    def __rmod__(self, other: Any) -> Any:
        return _spelled(int.__rmod__(self, other), other, self, Sum.rest)

    def __neg__(self) -> Any:
        return 0 - self

    def __pow__(self, other: Any, _: Any = None) -> Any:
        return prod((self,) * other)


def named(text: str, value: int) -> Spelled:
    """A given quantity."""
    return Spelled(value, atom(Name(text, int(value))))


def spelling(value: int) -> Sum:
    """How a number was computed; a plain one stands for itself."""
    return value.spelling if isinstance(value, Spelled) else literal(value)


def _spelled(result: Any, left: Any, right: Any, combine: Any) -> Any:
    # The other operand was no integer: its own operator has the answer.
    if result is NotImplemented:
        return result
    return Spelled(result, combine(spelling(left), spelling(right)))


def _minus(left: Sum, right: Sum) -> Sum:
    return left.plus(right, -1)
