"""Dims that are plain SymPy expressions: the rules over them as SymPy leaves them, to compare with."""

from __future__ import annotations

from typing import Any

import sympy

from convcalc.dims import Free


class Raw(Free):
    """A SymPy expression as a dim."""

    __slots__ = ("expression",)

    def __init__(self, expression: Any) -> None:
        self.expression = expression

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Raw) and self.expression == other.expression

    def __hash__(self) -> int:
        return hash(self.expression)

    def __str__(self) -> str:
        return str(self.expression)

    def __add__(self, other: Any) -> Raw:
        return Raw(self.expression + plain(other))

    def __sub__(self, other: Any) -> Raw:
        return Raw(self.expression - plain(other))

    def __rsub__(self, other: Any) -> Raw:
        return Raw(plain(other) - self.expression)

    def __mul__(self, other: Any) -> Raw:
        return Raw(self.expression * plain(other))

    def __floordiv__(self, other: Any) -> Raw:
        return Raw(sympy.floor(self.expression / plain(other)))

    def __rfloordiv__(self, other: Any) -> Raw:
        return Raw(sympy.floor(plain(other) / self.expression))

    def __mod__(self, other: Any) -> Raw:
        return Raw(self.expression % plain(other))

    def __rmod__(self, other: Any) -> Raw:
        return Raw(plain(other) % self.expression)

    __radd__ = __add__
    __rmul__ = __mul__

    def apply(self, function: str, *operands: Any) -> Any:
        if function in ("min", "max"):
            return Raw((sympy.Min if function == "min" else sympy.Max)(*map(plain, operands)))
        return super().apply(function, *operands)


def raw(name: str) -> Raw:
    return Raw(sympy.Symbol(name, integer=True, positive=True))


def plain(dim: Any) -> Any:
    return dim.expression if isinstance(dim, Raw) else sympy.Integer(dim)
