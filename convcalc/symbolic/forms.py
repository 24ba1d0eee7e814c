"""Closed forms: integer polynomials over symbols, floors and calls, in a normal form of their own.

``//`` keeps a chain of windows one floor (Graham, Knuth, Patashnik, Concrete Mathematics, section 3.2):

    floor((floor(X/b) + Y) / d) = floor((X + b*Y) / (b*d))      for d > 0

and takes out what is a multiple of the divisor, so that coefficients inside a floor lie between 0 and the divisor.
Two forms that are written alike are equal; equal forms that are written otherwise are for ``deciding``.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any

from convcalc import expressions
from convcalc.diagnostics import Problem
from convcalc.dims import Free

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class Atom:
    """What a polynomial treats as a variable; equal where it is made of equal parts."""

    __slots__ = ("_hash", "parts")

    def __init__(self, *parts: Any) -> None:
        self.parts = parts
        self._hash = hash((type(self), parts))

    def __eq__(self, other: object) -> bool:
        return self is other or (type(self) is type(other) and self.parts == other.parts)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.parts}"

    def value(self, of: Callable[[Any], Any]) -> Any:
        """Its value, ``of`` giving those of its parts."""
        raise NotImplementedError


class Symbol(Atom):
    """A free variable: its name, and the least value that it takes (None: any)."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """What the variable is called."""
        return str(self.parts[0])

    @property
    def least(self) -> int | None:
        """The assumption that every decision about a form may use."""
        return self.parts[1]  # type: ignore[no-any-return]  # given so


class Floor(Atom):
    """``floor(numerator / denominator)``, the denominator an int above 1 or a form."""

    __slots__ = ()

    def value(self, of: Callable[[Any], Any]) -> Any:
        """Python's floor division."""
        numerator, denominator = map(of, self.parts)
        return numerator // denominator


class Call(Atom):
    """A function of the expression grammar that is no arithmetic: its name, then its operands."""

    __slots__ = ()

    def value(self, of: Callable[[Any], Any]) -> Any:
        """The grammar's function."""
        function, *operands = self.parts
        return expressions.call(function, *map(of, operands))


class Whole(Atom):
    """A form that is kept in one piece, as a factor of a product that is not multiplied out."""

    __slots__ = ()

    def value(self, of: Callable[[Any], Any]) -> Any:
        """That of the form."""
        return of(self.parts[0])


Monomial = frozenset[tuple[Atom, int]]
"""Atoms with their exponents."""

ONE: Monomial = frozenset()


class Form(Free):
    """A dim that is an integer polynomial over atoms, never a constant: that is an int."""

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: dict[Monomial, int]) -> None:
        self.terms = terms
        self._hash = 0

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Form) and self.terms == other.terms)

    def __hash__(self) -> int:
        if not self._hash:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    def __str__(self) -> str:
        from convcalc.symbolic.writing import text

        return text(self)

    __repr__ = __str__

    def __add__(self, other: Any) -> Any:
        if isinstance(other, int):
            if not other:
                return self
            terms = dict(self.terms)
            _put(terms, ONE, other)
            return Form(terms)
        if not isinstance(other, Form):
            return NotImplemented
        terms = dict(self.terms)
        for monomial, count in other.terms.items():
            _put(terms, monomial, count)
        return made(terms)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return Form({monomial: -count for monomial, count in self.terms.items()})

    def __sub__(self, other: Any) -> Any:
        return self + -other if isinstance(other, (int, Form)) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int):
            if other == 1:
                return self
            return Form({monomial: count * other for monomial, count in self.terms.items()}) if other else 0
        if not isinstance(other, Form):
            return NotImplemented
        terms: dict[Monomial, int] = {}
        for one, count in self.terms.items():
            for another, times in other.terms.items():
                _put(terms, _product(one, another), count * times)
        return made(terms)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        return quotient(self, other) if isinstance(other, (int, Form)) else NotImplemented

    def __rfloordiv__(self, other: Any) -> Any:
        return quotient(other, self)

    def __mod__(self, other: Any) -> Any:
        return self - other * quotient(self, other) if isinstance(other, (int, Form)) else NotImplemented

    def __rmod__(self, other: Any) -> Any:
        return other - self * quotient(other, self)

    def apply(self, function: str, *operands: Any) -> Any:
        """``min`` and ``max`` where one operand is never the other's better; else the call itself."""
        from convcalc.symbolic.deciding import simplified

        known = simplified(function, operands)
        return atom(Call(function, *operands)) if known is None else known

    @property
    def constant(self) -> int:
        """The term without atoms."""
        return self.terms.get(ONE, 0)

    def atoms(self) -> Iterator[Atom]:
        """Every atom, those inside others too, an inner one before what holds it; some come twice."""
        for monomial in self.terms:
            for one, _ in monomial:
                for part in one.parts:
                    if isinstance(part, Form):
                        yield from part.atoms()
                yield one

    def symbols(self) -> dict[str, Symbol]:
        """The free variables by name."""
        return {one.name: one for one in self.atoms() if isinstance(one, Symbol)}

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """The value at values of the variables: ints, arrays or other dims, by Python's operators alone."""
        return evaluator(values)(self)

    def multiplied_out(self) -> Any:
        """The same form with every ``Whole`` opened."""
        return evaluator({one.name: symbol(one.name, one.least) for one in self.symbols().values()})(self)


def symbol(name: str, least: int | None = 1) -> Form:
    """A free variable, by default one that is 1 or more."""
    return atom(Symbol(name, least))


def atom(one: Atom) -> Form:
    """The form that is this atom alone."""
    return Form({frozenset(((one, 1),)): 1})


def whole(dim: Any) -> Any:
    """A dim as a product whose factors, where they are sums, are kept in one piece."""
    if not isinstance(dim, Form) or len(dim.terms) == 1:
        return dim
    product: Any = 1
    for factor in factors(dim):
        product = product * (atom(Whole(factor)) if isinstance(factor, Form) and len(factor.terms) > 1 else factor)
    return product


def factors(dim: Any) -> list[Any]:
    """Factors of a dim in one symbol each, if it is such a product, with a number in front; else the dim itself."""
    if not isinstance(dim, Form):
        return [dim]
    if len(dim.terms) == 1:
        ((monomial, count),) = dim.terms.items()
        return [count, *(atom(one) for one, power in monomial for _ in range(power))]
    found, rest = [], dim
    for name in sorted(dim.symbols())[:-1]:
        split = _split(rest, name)
        if split is None:
            return [dim]
        one, rest = split
        found.append(one)
    number = 1
    for place, one in enumerate([*found, rest]):
        shared = gcd(*one.terms.values())
        number *= shared
        found[place:] = [
            Form({monomial: count // shared for monomial, count in one.terms.items()}),
            *found[place + 1 :],
        ]
    return [number, *found]


def _rows(dim: Form, name: str) -> dict[Monomial, dict[Monomial, int]]:
    """The terms by what of them hangs on a symbol."""
    rows: dict[Monomial, dict[Monomial, int]] = {}
    for monomial, count in dim.terms.items():
        own = frozenset(each for each in monomial if name in atom(each[0]).symbols())
        rows.setdefault(own, {})[monomial - own] = count
    return rows


def _split(dim: Form, name: str) -> tuple[Form, Form] | None:
    """``dim`` as a form in this symbol times one without it, if it is such a product of sums."""
    rows = _rows(dim, name)
    first = next(iter(rows.values()))
    shared = gcd(*first.values())
    other = {monomial: count // shared for monomial, count in first.items()}
    mine: dict[Monomial, int] = {}
    lead = next(iter(other))
    for own, row in rows.items():
        times, left = divmod(row.get(lead, 0), other[lead])
        if left or row != {monomial: times * count for monomial, count in other.items()}:
            return None
        mine[own] = times
    if (len(mine) == 1 and ONE in mine) or (len(other) == 1 and ONE in other):
        return None
    if any(name in atom(each).symbols() for monomial in other for each, _ in monomial):
        return None
    return Form(mine), Form(other)


def tidied(dim: Any) -> Any:
    """A dim of many terms as a product and a number, if it is that."""
    if not isinstance(dim, Form) or len(dim.terms) <= LONG:
        return dim
    number = _number_beside(dim)
    return whole(dim - number) + number


def _number_beside(dim: Form) -> int:
    """``c`` where ``dim`` is ``A*B + c`` with ``A`` in one symbol and ``B`` without it; else its constant."""
    name = min(dim.symbols())
    rows = _rows(dim, name)
    rest = rows.pop(ONE, {})
    other = next(iter(rows.values()))
    lead = next((monomial for monomial in other if monomial), None)
    if lead is None:
        return dim.constant
    # the row without the symbol is a multiple of B beside c
    return rest.get(ONE, 0) - rest.get(lead, 0) * other.get(ONE, 0) // other[lead]


LONG = 8
"""Terms from which on a sum is hard to read."""


def made(terms: dict[Monomial, int]) -> Form | int:
    """The dim of these terms, none of them 0."""
    if not terms:
        return 0
    if len(terms) == 1 and ONE in terms:
        return terms[ONE]
    return Form(terms)


def total(parts: Iterable[tuple[Any, int]]) -> Any:
    """The sum of dims, each taken so many times."""
    terms: dict[Monomial, int] = {}
    number = 0
    for dim, times in parts:
        if isinstance(dim, Form):
            for monomial, count in dim.terms.items():
                _put(terms, monomial, times * count)
        else:
            number += times * dim
    _put(terms, ONE, number)
    return made(terms)


def evaluator(values: Mapping[str, Any]) -> Callable[[Any], Any]:
    """A function from forms to their values at ``values``, in which an atom that many share is worked out once."""
    known: dict[Atom, Any] = {}

    def of_atom(one: Atom) -> Any:
        if one not in known:
            known[one] = values[one.name] if isinstance(one, Symbol) else one.value(of)
        return known[one]

    def of(form: Any) -> Any:
        if not isinstance(form, Form):
            return form
        total: Any = None
        for monomial, count in form.terms.items():
            product: Any = None
            for one, power in monomial:
                for _ in range(power):
                    factor = of_atom(one)
                    product = factor if product is None else product * factor
            term = count if product is None else product if count == 1 else product * count
            total = term if total is None else total + term
        return total

    return of


def quotient(n: Any, d: Any) -> Any:
    """``floor(n / d)`` in normal form, with no ``Whole`` in it; raises Problem for a divisor of 0."""
    n, d = _opened(n), _opened(d)
    if isinstance(d, int):
        if d == 0:
            raise Problem("expression", "division by zero", "give the divisor another value")
        if d < 0:
            n, d = -n, -d
        return n // d if isinstance(n, int) else n if d == 1 else _by_number(n, d)
    if isinstance(n, int):
        return 0 if n == 0 else atom(Floor(n, d))
    return _by_form(n, d)


def _opened(dim: Any) -> Any:
    if isinstance(dim, Form) and any(type(one) is Whole for monomial in dim.terms for one, _ in monomial):
        return dim.multiplied_out()
    return dim


def _by_number(n: Form, d: int) -> Any:
    taken: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    shared = d
    for monomial, count in n.terms.items():
        times, left = divmod(count, d)
        if times:
            taken[monomial] = times
        if left:
            rest[monomial] = left
            if monomial:
                shared = gcd(shared, left)
    if shared > 1:
        d //= shared
        rest = {monomial: left // shared for monomial, left in rest.items() if left >= shared}
    outside = made(taken)
    if not rest or (len(rest) == 1 and ONE in rest):
        return outside
    if d == 1:
        return outside + made(rest)
    return outside + _collapsed(rest, d)


def _by_form(n: Form, d: Form) -> Any:
    outside: Any = 0
    if len(d.terms) == 1:
        ((divisor, times),) = d.terms.items()
        if times < 0:
            return quotient(-n, -d)
        taken, rest = {}, {}
        for monomial, count in n.terms.items():
            ratio = _ratio(monomial, divisor)
            many, left = (0, count) if ratio is None else divmod(count, times)
            if many and ratio is not None:
                taken[ratio] = many
            if left:
                rest[monomial] = left
        outside = made(taken)
    else:
        monomial = next(one for one in d.terms if one)
        many = n.terms.get(monomial, 0) // d.terms[monomial]
        left = n - many * d
        if left == 0:
            return many
        rest = n.terms
    remaining = made(rest)
    if isinstance(remaining, int):
        return outside + atom(Floor(remaining, d)) if remaining else outside
    return outside + _collapsed(rest, d)


def _collapsed(rest: dict[Monomial, int], d: Any) -> Any:
    """``floor(rest / d)`` where a floor that stands alone in ``rest`` lends its denominator."""
    inner = [(one, count, monomial) for monomial, count in rest.items() if (one := _sole_floor(monomial)) is not None]
    if len(inner) == 1 and (isinstance(d, int) or surely_positive(d)):
        one, count, monomial = inner[0]
        numerator, denominator = one.parts
        others = made({other: times for other, times in rest.items() if other != monomial})
        if count == 1:
            return quotient(numerator + denominator * others, denominator * d)
        if isinstance(d, int) and count == d - 1 and isinstance(denominator, int):
            # (d-1)*F = d*F - F, and -floor(X/b) = floor((b - 1 - X)/b)
            return atom(one) + quotient(denominator - 1 - numerator + denominator * others, denominator * d)
    return atom(Floor(made(rest), d))


def _sole_floor(monomial: Monomial) -> Floor | None:
    if len(monomial) != 1:
        return None
    ((one, power),) = monomial
    return one if power == 1 and isinstance(one, Floor) else None


def surely_positive(d: Form) -> bool:
    """Whether a divisor is a sum of products of symbols that are never negative: 0 divides nothing."""
    return all(
        count > 0 and all(isinstance(one, Symbol) and one.least is not None and one.least >= 0 for one, _ in monomial)
        for monomial, count in d.terms.items()
    )


def _put(terms: dict[Monomial, int], monomial: Monomial, count: int) -> None:
    total = terms.get(monomial, 0) + count
    if total:
        terms[monomial] = total
    else:
        terms.pop(monomial, None)


def _product(one: Monomial, other: Monomial) -> Monomial:
    if not one:
        return other
    if not other:
        return one
    powers = dict(one)
    for each, power in other:
        powers[each] = powers.get(each, 0) + power
    return frozenset(powers.items())


def _ratio(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """``monomial / divisor``, or None where that is no monomial."""
    powers = dict(monomial)
    for each, power in divisor:
        left = powers.pop(each, 0) - power
        if left < 0:
            return None
        if left:
            powers[each] = left
    return frozenset(powers.items())


def forms_in(values: Iterable[Any]) -> Iterator[Form]:
    """Those of the values that are forms, lists and tuples looked through."""
    for value in values:
        if isinstance(value, Form):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from forms_in(value)
