"""Closed forms as people read them: the shortest of the ways to write one, as text, Python, LaTeX or SymPy.

A floor may be written as a ceiling, may take a constant in from outside, and may stand for a remainder.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from convcalc.symbolic.forms import LONG, Atom, Call, Floor, Form, Symbol, Whole, atom, quotient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convcalc.symbolic.forms import Monomial


class Remainder(Atom):
    """``numerator % denominator``, for reading alone."""

    __slots__ = ()

    def value(self, of: Callable[[Any], Any]) -> Any:
        """Python's remainder."""
        numerator, denominator = map(of, self.parts)
        return numerator % denominator


def reading(dim: Any) -> Any:
    """An equal form in which floors take constants in, turn their sign or become remainders, where that is shorter."""
    if not isinstance(dim, Form) or len(dim.terms) > LONG:
        return dim
    known = _read.get(dim)
    if known is None:
        known = dim
        for monomial, count in dim.terms.items():
            floor = next(iter(monomial))[0] if len(monomial) == 1 else None
            if isinstance(floor, Floor) and isinstance(known, Form) and known.terms.get(monomial) == count:
                known = min([known, *_rewritten(known, floor, count)], key=_length)
        if len(_read) >= MOST:
            _read.clear()
        _read[dim] = known
    return known


MOST = 10_000
_read: dict[Form, Any] = {}
"""Readings already found, at most so many."""


def _length(form: Any) -> int:
    return len(_PLAIN.dim(form))


def _rewritten(form: Form, floor: Floor, count: int) -> Iterator[Any]:
    """The form with ``count * floor``, a term of it, written in another way."""
    numerator, denominator = floor.parts
    rest = form - count * atom(floor)
    if not isinstance(numerator, Form):
        return
    if form.constant and form.constant % count == 0:
        inside = numerator + form.constant // count * denominator
        if isinstance(inside, Form):
            yield rest - form.constant + count * atom(Floor(inside, denominator))
    if count < 0:
        # -floor(X/d) = floor((d - 1 - X)/d)
        yield rest - count * quotient(denominator - 1 - numerator, denominator)
    if isinstance(denominator, int) and count % denominator == 0:
        times = count // denominator
        rest = rest + times * numerator
        if isinstance(rest, int):
            yield rest - times * atom(Remainder(numerator, denominator))


def as_ceiling(floor: Floor) -> Any:
    """The numerator of the ceiling that a floor is, where that is shorter to write; else None."""
    numerator, denominator = floor.parts
    # a ceiling reaches as far as the floor of one less than a divisor more
    up = numerator - denominator + 1
    return up if isinstance(up, Form) and _length(up) + 1 < _length(numerator) else None


def shortest(form: Any) -> Any:
    """The reading of a form with its pieces kept whole, or multiplied out where that is shorter."""
    if not isinstance(form, Form):
        return form
    opened = form.multiplied_out()
    return reading(form) if opened == form else min(map(reading, (form, opened)), key=_length)


class Text:
    """The expression grammar: what is written reads back."""

    times = "*"

    def dim(self, dim: Any) -> str:
        """A form or an int."""
        if not isinstance(dim, Form):
            return str(dim)
        if _single(dim):
            ((monomial, _),) = dim.terms.items()
            return self.atom(next(iter(monomial))[0])
        terms = sorted(((self.product(m), m, c) for m, c in dim.terms.items()), key=self._order)
        first = next((place for place, term in enumerate(terms) if term[2] > 0), 0)
        terms.insert(0, terms.pop(first))
        written = ""
        for factors, monomial, count in terms:
            sign = ("-" if count < 0 else "") if not written else (" - " if count < 0 else " + ")
            size = abs(count)
            term = str(size) if not monomial else factors if size == 1 else f"{size}{self.times}{factors}"
            written += sign + term
        return written

    def _order(self, term: tuple[str, Monomial, int]) -> tuple[Any, ...]:
        """Terms of high degree first, then by their text, numbers by size."""
        factors, monomial, count = term
        degree = sum(power for _, power in monomial)
        return -degree, [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", factors)], count

    def product(self, monomial: Monomial) -> str:
        """A product of atoms."""
        factors = sorted((self.factor(one), power) for one, power in monomial)
        return self.times.join(self.power(base, power) for base, power in factors)

    def factor(self, one: Atom) -> str:
        """An atom within a product."""
        told = self.atom(one)
        in_parts = isinstance(one, Remainder) or (isinstance(one, Whole) and not _single(reading(one.parts[0])))
        return f"({told})" if in_parts else told

    def power(self, base: str, power: int) -> str:
        """A power with a literal exponent."""
        return base if power == 1 else f"{base}^{power}"

    def atom(self, one: Atom) -> str:
        """A symbol, floor, ceiling, remainder, call or form in one piece."""
        if isinstance(one, Symbol):
            return one.name
        if isinstance(one, Whole):
            return self.dim(reading(one.parts[0]))
        if isinstance(one, Call):
            return self.call(*one.parts)
        numerator, denominator = one.parts
        if isinstance(one, Remainder):
            return f"{self.operand(numerator)} % {self.operand(denominator)}"
        up = as_ceiling(one) if isinstance(one, Floor) else None
        return self.rounded("floor", numerator, denominator) if up is None else self.rounded("ceil", up, denominator)

    def rounded(self, kind: str, numerator: Any, denominator: Any) -> str:
        """A floor or a ceiling."""
        over = reading(numerator)
        told = self.dim(over)
        sums = isinstance(over, Form) and len(over.terms) > 1
        return f"{kind}({f'({told})' if sums else told}/{self.operand(denominator)})"

    def operand(self, dim: Any) -> str:
        """What stands beside ``/`` or ``%``: in parentheses where it is a sum or a product."""
        told = self.dim(reading(dim))
        return told if not isinstance(dim, Form) or _single(reading(dim)) else f"({told})"

    def call(self, function: str, *operands: Any) -> str:
        """A function, or a comparison or connective between its operands."""
        told = [self.dim(reading(one)) for one in operands]
        if function == "make_divisible":
            over, under, divisor = operands
            ratio = self.dim(reading(over)) if under == 1 else f"{self.operand(over)}/{self.operand(under)}"
            return f"make_divisible({ratio}, {self.dim(reading(divisor))})"
        if function in ("min", "max"):
            return f"{function}({', '.join(told)})"
        return f"({' '.join(['not', *told] if function == 'not' else [told[0], function, told[1]])})"


def identifier(name: str) -> str:
    """What a symbol is called in Python."""
    return name.replace(".", "_")


class Python(Text):
    """Python over integers, without imports."""

    def power(self, base: str, power: int) -> str:
        """A power."""
        return base if power == 1 else f"{base}**{power}"

    def atom(self, one: Atom) -> str:
        """An atom; the axis ``left.H`` of an input is ``left_H``."""
        if isinstance(one, Symbol):
            return identifier(one.name)
        if isinstance(one, Call) and one.parts[0] in ("==", "!=", "<", "<=", ">", ">=", "not", "and", "or"):
            return f"int{self.call(*one.parts)}"
        return super().atom(one)

    def rounded(self, kind: str, numerator: Any, denominator: Any) -> str:
        """A floor or a ceiling."""
        under = self.operand(denominator)
        if kind == "floor":
            return f"({self.operand(numerator)} // {under})"
        return f"-(-{self.operand(numerator)} // {under})"

    def factor(self, one: Atom) -> str:
        """An atom within a product."""
        told = super().factor(one)
        return f"({told})" if told.startswith("-") else told


_SIGNS = {"==": "=", "!=": r"\neq", "<=": r"\leq", ">=": r"\geq", "and": r"\wedge", "or": r"\vee", "not": r"\neg"}


class Latex(Text):
    r"""LaTeX's mathematics, with ``\lfloor`` and ``\lceil`` around fractions."""

    times = r" \cdot "

    def power(self, base: str, power: int) -> str:
        """A power."""
        return base if power == 1 else f"{base}^{{{power}}}"

    def atom(self, one: Atom) -> str:
        """An atom."""
        if isinstance(one, Symbol):
            name, _, index = one.name.partition("_")
            told = name if len(name) == 1 else rf"\mathit{{{name}}}"
            return told + (rf"_{{\mathit{{{index.replace('_', chr(92) + '_')}}}}}" if index else "")
        if isinstance(one, Remainder):
            numerator, denominator = one.parts
            return rf"\left({self.operand(numerator)} \bmod {self.operand(denominator)}\right)"
        return super().atom(one)

    def rounded(self, kind: str, numerator: Any, denominator: Any) -> str:
        """A floor or a ceiling."""
        parts = f"{{{self.dim(reading(numerator))}}}{{{self.dim(reading(denominator))}}}"
        return rf"\left\l{kind} \frac{parts} \right\r{kind}"

    def call(self, function: str, *operands: Any) -> str:
        """A function, or a sign between its operands."""
        if function in ("min", "max", "make_divisible"):
            name = rf"\{function}" if function != "make_divisible" else r"\operatorname{make\_divisible}"
            if function == "make_divisible" and operands[1] == 1:
                operands = (operands[0], operands[2])
            told = ", ".join(self.dim(reading(one)) for one in operands)
            return rf"{name}\left({told}\right)"
        values = [self.dim(reading(one)) for one in operands]
        sign = _SIGNS.get(function, function)
        return rf"\left[{' '.join([sign, *values] if function == 'not' else [values[0], sign, values[1]])}\right]"


_PLAIN = Text()


def _single(form: Any) -> bool:
    """Whether a form is one atom, which needs no parentheses."""
    if not isinstance(form, Form) or len(form.terms) != 1:
        return not isinstance(form, Form)
    ((monomial, count),) = form.terms.items()
    return count == 1 and len(monomial) == 1 and next(iter(monomial))[1] == 1


def is_sum(dim: Any) -> bool:
    """Whether a dim is written as several terms."""
    short = shortest(dim)
    return isinstance(short, Form) and len(short.terms) > 1


def text(dim: Any) -> str:
    """A dim in its shortest reading, in the expression grammar."""
    return _PLAIN.dim(shortest(dim))


def python(dim: Any) -> str:
    """A dim as a Python expression over integers."""
    return Python().dim(shortest(dim))


def latex(dim: Any) -> str:
    """A dim as LaTeX."""
    return Latex().dim(shortest(dim))


def sympy(dim: Any) -> Any:
    """A dim as a SymPy expression whose symbols are integers of the assumed sign; loads sympy.

    Raises TypeError for a call that SymPy has no function for.
    """
    import sympy as sp

    def of(form: Any) -> Any:
        if not isinstance(form, Form):
            return sp.Integer(form)
        terms = [
            sp.Mul(sp.Integer(count), *[of_atom(one) ** power for one, power in monomial])
            for monomial, count in form.terms.items()
        ]
        return sp.Add(*terms)

    def of_atom(one: Atom) -> Any:
        if isinstance(one, Symbol):
            sign = {} if one.least is None else {"positive": True} if one.least > 0 else {"nonnegative": True}
            return sp.Symbol(one.name, integer=True, **sign)
        if isinstance(one, Whole):
            return of(one.parts[0])
        if isinstance(one, Floor):
            up = as_ceiling(one)
            return (
                sp.floor(of(one.parts[0]) / of(one.parts[1])) if up is None else sp.ceiling(of(up) / of(one.parts[1]))
            )
        if isinstance(one, Remainder):
            return sp.Mod(of(one.parts[0]), of(one.parts[1]))
        if isinstance(one, Call) and one.parts[0] in ("min", "max"):
            return (sp.Min if one.parts[0] == "min" else sp.Max)(*map(of, one.parts[1:]))
        raise TypeError(f"SymPy has no function for {Text().atom(one)}")

    return of(shortest(dim))
