"""Dims over one open size ``n``, exactly: ``f(n + P) = f(n) + S`` from some ``n`` on, so finitely many values tell all.

Sums, multiples, floors and remainders of such dims are such dims. What is not is kept apart: a ``Product`` of them
stays in factors, and whatever is made of a product otherwise, or of two sizes at once, is ``Unknown`` and says why.
"""

from __future__ import annotations

from itertools import chain
from math import gcd, lcm
from typing import TYPE_CHECKING, Any, NoReturn

from convcalc.diagnostics import Problem
from convcalc.dims import Free

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MOST = 1 << 14
"""Values that are kept of a dim: nets whose strides multiply to more are not built."""


class Unknown(Free):
    """A dim outside of the class that can be decided; ``why`` completes "not decided: "."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why

    def __str__(self) -> str:
        return f"a size that is not decided ({self.why})"

    def _stay(self, _: Any) -> Unknown:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _stay
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _stay

    def apply(self, function: str, *operands: Any) -> Any:
        """Nothing comes of it either."""
        return self


class _Known(Free):
    """What is common to the dims of known values: the mirrored operators, and comparisons as the dim 1 or 0."""

    __slots__ = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """The open sizes that it hangs on."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Any:
        raise NotImplementedError

    def __sub__(self, other: Any) -> Any:
        return self + other * -1

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __rsub__(self, other: Any) -> Any:
        return self * -1 + other

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def __rfloordiv__(self, other: Any) -> Any:
        return Unknown(f"{self} divides")

    __rmod__ = __rfloordiv__

    def __str__(self) -> str:
        return f"a size that hangs on {' and '.join(self.symbols)}"


class Periodic(_Known):
    """``values`` for ``n`` from 0 to ``start + period - 1``; from ``start`` on a period more adds ``increment``."""

    __slots__ = ("_hash", "increment", "period", "symbol", "values")

    def __init__(self, symbol: str, period: int, increment: int, values: tuple[int, ...]) -> None:
        self.symbol = symbol
        self.period = period
        self.increment = increment
        self.values = values
        self._hash = hash((symbol, period, increment, values))

    @property
    def start(self) -> int:
        """From where on it repeats itself."""
        return len(self.values) - self.period

    @property
    def symbols(self) -> tuple[str, ...]:
        """The one size."""
        return (self.symbol,)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Periodic) and self._hash == other._hash and self._key() == other._key()
        )

    def _key(self) -> tuple[Any, ...]:
        return self.symbol, self.period, self.increment, self.values

    def at(self, n: int) -> int:
        """The value for a size."""
        if n < len(self.values):
            return self.values[n]
        times, phase = divmod(n - self.start, self.period)
        return self.values[self.start + phase] + times * self.increment

    def spread(self, count: int) -> Sequence[int]:
        """The values for ``0 .. count - 1``."""
        return self.values if count == len(self.values) else [*chain.from_iterable(self._periods(count))][:count]

    def _periods(self, count: int) -> Iterator[Sequence[int]]:
        yield self.values
        last = self.values[self.start :]
        for times in range(1, max(count - len(self.values), 0) // self.period + 2):
            yield [value + times * self.increment for value in last]

    def __add__(self, other: Any) -> Any:
        if isinstance(other, int):
            if other == 0:
                return self
            return Periodic(self.symbol, self.period, self.increment, tuple([value + other for value in self.values]))
        return self._with(other, "a sum", lambda a, b: a + b, lambda a, b: a + b)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int):
            if other in (0, 1):
                return self if other else 0
            values = tuple([value * other for value in self.values])
            return Periodic(self.symbol, self.period, self.increment * other, values)
        if isinstance(other, Periodic) and other.symbol == self.symbol and not (self.increment or other.increment):
            return self._with(other, "a product", lambda a, b: a * b, lambda a, b: 0)
        return other if isinstance(other, Unknown) else _factored(self) * other

    def __floordiv__(self, other: Any) -> Any:
        if not isinstance(other, int):
            return other if isinstance(other, Unknown) else Unknown(f"{other} divides")
        if other == 0:
            _zero_divisor()
        if other < 0:
            return (self * -1) // -other
        times = other // gcd(self.increment, other)
        if self.start + self.period * times > MOST:
            return _too_long(self.symbol, self.period * times)
        values = [value // other for value in self.spread(self.start + self.period * times)]
        return periodic(self.symbol, self.period * times, self.increment * times // other, values)

    def __mod__(self, other: Any) -> Any:
        return self - self // other * other if isinstance(other, int) else self // other

    def _with(self, other: Any, what: str, function: Callable[[int, int], int], increments: Any) -> Any:
        """Value by value with another dim of the same symbol, the increments told apart."""
        if isinstance(other, Unknown):
            return other
        if not isinstance(other, Periodic) or other.symbol != self.symbol:
            return Unknown(f"{what} of {' and '.join(dict.fromkeys((*self.symbols, *other.symbols)))}")
        period = lcm(self.period, other.period)
        count = max(self.start, other.start) + period
        if count > MOST:
            return _too_long(self.symbol, period)
        increment = increments(self.increment * (period // self.period), other.increment * (period // other.period))
        values = list(map(function, self.spread(count), other.spread(count)))
        return periodic(self.symbol, period, increment, values)

    def apply(self, function: str, *operands: Any) -> Any:
        """Minima, maxima and truth values, which settle once the larger side has overtaken for good."""
        if function == "make_divisible":
            return Unknown("make_divisible of an open size")
        result = operands[0] if len(operands) > 1 else self
        if function in ("min", "max"):
            for other in operands[1:]:
                result = _larger(result, other, -1 if function == "min" else 1)
            return result
        if function in ("and", "or"):
            a, b = (_truth(operand) for operand in operands)
            return a * b if function == "and" else a + b - a * b
        if function == "not":
            return 1 - _truth(self)
        left, right = operands
        return _truth(left - right, function)


def periodic(symbol: str, period: int, increment: int, values: list[int]) -> Any:
    """The dim in its shortest form: an int where it does not hang on the size at all."""
    start = len(values) - period
    for prime in primes(period):
        while period % prime == 0 and increment % prime == 0:
            shorter, step = period // prime, increment // prime
            tail = values[start : start + period]
            if any(late - early != step for early, late in zip(tail, tail[shorter:], strict=False)):
                break
            period, increment = shorter, step
    while start and values[start - 1] + increment == values[start - 1 + period]:
        start -= 1
    if start == 0 and period == 1 and increment == 0:
        return values[0]
    return Periodic(symbol, period, increment, tuple(values[: start + period]))


def size(symbol: str) -> Periodic:
    """The open size itself."""
    return Periodic(symbol, 1, 1, (0,))


class Product(_Known):
    """A product of dims that repeat themselves, in factors: flattened maps are one."""

    __slots__ = ("coefficient", "factors")

    def __init__(self, coefficient: int, factors: tuple[Periodic, ...]) -> None:
        self.coefficient = coefficient
        self.factors = factors

    @property
    def symbols(self) -> tuple[str, ...]:
        """The sizes of its factors."""
        return tuple(dict.fromkeys(factor.symbol for factor in self.factors))

    def __hash__(self) -> int:
        return hash((self.coefficient, self.factors))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Product) and (self.coefficient, self.factors) == (other.coefficient, other.factors)

    def __add__(self, other: Any) -> Any:
        if other == 0 or isinstance(other, Unknown):
            return other or self if isinstance(other, int) else other
        if isinstance(other, Product) and other.factors == self.factors:
            return product(self.coefficient + other.coefficient, self.factors)
        return Unknown(f"a sum with {self.told()}")

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int):
            return product(self.coefficient * other, self.factors)
        if isinstance(other, Unknown):
            return other
        right = other if isinstance(other, Product) else _factored(other)
        return product(self.coefficient * right.coefficient, (*self.factors, *right.factors))

    def __floordiv__(self, other: Any) -> Any:
        if isinstance(other, int) and other and self.coefficient % other == 0:
            return product(self.coefficient // other, self.factors)
        return Unknown(f"{self.told()} in one floor")

    def __mod__(self, other: Any) -> Any:
        if isinstance(other, int) and other and self.coefficient % other == 0:
            return 0
        if isinstance(other, int) and other > 0 and len(self.symbols) == 1:
            rest: Any = self.coefficient
            for factor in self.factors:
                rest = rest * (factor % other) % other
            return rest
        return Unknown(f"{self.told()} in one remainder")

    def told(self) -> str:
        """What it is a product of."""
        return f"a product of {' and '.join(factor.symbol for factor in self.factors)}"

    def apply(self, function: str, *operands: Any) -> Any:
        """Products are only multiplied."""
        return Unknown(f"{function} of {self.told()}")


def _factored(dim: Periodic) -> Product:
    """A dim as a product of one factor, its content taken out of it."""
    content = gcd(dim.increment, *dim.values)
    values = tuple([value // content for value in dim.values])
    return Product(content, (Periodic(dim.symbol, dim.period, dim.increment // content, values),))


def product(coefficient: int, factors: tuple[Periodic, ...]) -> Any:
    """A product in its one form: the factors in order, 0 and single factors as what they are."""
    if not coefficient or len(factors) < 2:
        return factors[0] * coefficient if coefficient else 0
    return Product(coefficient, tuple(sorted(factors, key=lambda f: (f.symbol, f.period, f.increment, f.values))))


def _larger(a: Any, b: Any, sign: int) -> Any:
    """The larger of two dims, of sign -1 the smaller."""
    ahead = _truth((a - b) * sign, ">=")
    if isinstance(ahead, int):
        return a if ahead else b
    if isinstance(ahead, Unknown):
        return ahead
    # Where both grow, neither is bounded: the difference is, or one is chosen for good.
    count = max(ahead.start, *(dim.start for dim in (a, b) if isinstance(dim, Periodic)))
    period = lcm(ahead.period, *(dim.period for dim in (a, b) if isinstance(dim, Periodic)))
    if count + period > MOST:
        return _too_long(ahead.symbol, period)
    values = [_at(a, n) if ahead.at(n) else _at(b, n) for n in range(count + 2 * period)]
    increments = {late - early for early, late in zip(values[count:], values[count + period :], strict=False)}
    if len(increments) > 1:
        return Unknown(f"a choice between sizes that hang on {ahead.symbol}")
    return periodic(ahead.symbol, period, increments.pop(), values[: count + period])


_COMPARED: dict[str, Callable[[int], bool]] = {
    "==": lambda n: n == 0,
    "!=": lambda n: n != 0,
    "<": lambda n: n < 0,
    "<=": lambda n: n <= 0,
    ">": lambda n: n > 0,
    ">=": lambda n: n >= 0,
}


def _truth(dim: Any, relation: str = "!=") -> Any:
    """1 where the dim compares so with 0, else 0."""
    holds = _COMPARED[relation]
    if isinstance(dim, int):
        return int(holds(dim))
    if not isinstance(dim, Periodic):
        return dim if isinstance(dim, Unknown) else Unknown(f"a comparison of {dim}")
    # From where on each phase has its final sign.
    periods = max(abs(value) // abs(dim.increment) + 1 for value in dim.values[dim.start :]) if dim.increment else 0
    count = dim.start + periods * dim.period
    if count + dim.period > MOST:
        return _too_long(dim.symbol, count)
    return periodic(dim.symbol, dim.period, 0, [int(holds(value)) for value in dim.spread(count + dim.period)])


def _at(dim: Any, n: int) -> int:
    return dim.at(n) if isinstance(dim, Periodic) else int(dim)


def _too_long(symbol: str, period: int) -> Unknown:
    return Unknown(f"what hangs on {symbol} repeats after {period:,} positions only")


def primes(n: int) -> Iterator[int]:
    """The primes that divide ``n``."""
    prime = 2
    while prime * prime <= n:
        if n % prime == 0:
            yield prime
            while n % prime == 0:
                n //= prime
        prime += 1
    if n > 1:
        yield n


def _zero_divisor() -> NoReturn:
    raise Problem("expression", "division by zero", "give the divisor another value")
