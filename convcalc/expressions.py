"""The one expression grammar: arithmetic over named integers.

    expr    := or ;  or := and ("or" and)* ;  and := not ("and" not)* ;  not := "not" not | compare
    compare := sum (("==" | "!=" | "<" | "<=" | ">" | ">=") sum)?
    sum     := term (("+" | "-") term)* ;  term := unary (("*" | "//" | "%") unary)*
    unary   := ("-" | "+") unary | power ;  power := atom ("^" small literal)?
    atom    := integer | name | "(" expr ")" | call
    call    := ("min" | "max") "(" expr ("," expr)+ ")"
             | ("ceil" | "floor") "(" sum ["/" unary] ")"
             | "make_divisible" "(" sum ["/" unary] "," expr ")"

A truth value is the integer 1 or 0. A name may stand for a free dim (``dims.Free``): arithmetic is its own, and what
else is asked of it (``min``, a comparison, ``and``) its domain answers or refuses.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from convcalc.diagnostics import Problem, did_you_mean
from convcalc.dims import Free, apply, ceil_div

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_LENGTH = 200
MAX_DEPTH = 40
MAX_EXPONENT = 9
LIMIT = 1 << 63

# What other languages write, and what is written here.
_ELSEWHERE = {
    "=": "write == to compare",
    "!": "write 'not'",
    "&": "write 'and'",
    "|": "write 'or'",
    "?": "multiply by the condition: it is 1 or 0",
}

FUNCTIONS = ("ceil", "floor", "make_divisible", "max", "min")
RESERVED = frozenset((*FUNCTIONS, "and", "or", "not"))

PADDING_WORDS = frozenset(("same", "same_upper", "same_lower", "valid", "full"))
"""Words that an attribute may hold where others hold expressions: no variable is named like one."""

_TOKEN = re.compile(r"\s*(?:(\d+(?:_\d+)*(?:\.\d+)?)|([A-Za-z_]\w*)|(//|==|!=|<=|>=|\*\*|[-+*/%^()<>,]))", re.ASCII)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class Expression:
    """A parsed expression: its text, the names it mentions, and its value in a scope."""

    __slots__ = ("_value", "names", "text")

    def __init__(self, text: str, names: frozenset[str], value: Callable[[Mapping[str, Any]], Any]) -> None:
        self.text = text
        self.names = names
        self._value = value

    def evaluate(self, scope: Mapping[str, Any]) -> Any:
        """The value over ``scope``; raises Problem for an unknown name, a zero divisor, or past 63 bits."""
        return self._value(scope)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


_parsed: dict[str, Expression] = {}


def parse(text: str) -> Expression:
    """Read an expression; raises Problem (code ``expression``, or ``too-large``) saying what is wrong."""
    known = _parsed.get(text)
    if known is None:
        known = _parsed[text] = _Parser(text).whole()
    return known


def is_name(text: str) -> bool:
    """Whether the text is one bare name, and not a word of the grammar."""
    return bool(_NAME.fullmatch(text)) and text not in RESERVED


def evaluate(text: str, scope: Mapping[str, Any]) -> Any:
    """Parse and evaluate in one go."""
    return parse(text).evaluate(scope)


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and not -LIMIT < value < LIMIT:
        raise Problem("too-large", "the value does not fit in 63 bits", "use smaller numbers")
    return value


def _nonzero(value: Any) -> Any:
    if isinstance(value, int) and value == 0:
        raise Problem("expression", "division by zero", "give the divisor another value")
    return value


def make_divisible(numerator: Any, denominator: Any, divisor: Any) -> int:
    """``numerator / denominator`` rounded to a multiple of ``divisor``, never more than 10 % down.

    The channel rounding of MobileNet's reference code: add half the divisor, round down, at least one
    divisor, and one divisor more where the result fell below nine tenths. Raises Problem unless both
    divisors are positive.
    """
    if denominator <= 0 or divisor <= 0:
        raise Problem("expression", "make_divisible divides by positive numbers only", "give it positive divisors")
    rounded: int = max(divisor, (2 * numerator + divisor * denominator) // (2 * denominator * divisor) * divisor)
    if 10 * rounded * denominator < 9 * numerator:
        rounded += divisor
    return rounded


_CALLS: dict[str, Callable[..., int]] = {
    "==": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b),
    "<=": lambda a, b: int(a <= b),
    ">": lambda a, b: int(a > b),
    ">=": lambda a, b: int(a >= b),
    "not": lambda a: int(not a),
    "and": lambda a, b: int(bool(a and b)),
    "or": lambda a, b: int(bool(a or b)),
    "min": min,
    "max": max,
    "make_divisible": make_divisible,
}


def call(function: str, *operands: Any) -> Any:
    """A comparison, a connective or a function that is no arithmetic, of dims; raises Problem."""
    if any(isinstance(operand, Free) for operand in operands):
        return apply(function, *operands)
    return _bounded(_CALLS[function](*operands))


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: _bounded(a + b),
    "-": lambda a, b: _bounded(a - b),
    "*": lambda a, b: _bounded(a * b),
    "//": lambda a, b: a // _nonzero(b),
    "%": lambda a, b: a % _nonzero(b),
}
_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))


class _Parser:
    """Recursive descent that builds closures, so that evaluation walks no tree of types."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        self.depth = 0
        if len(text) > MAX_LENGTH:
            message = f"the expression is longer than {MAX_LENGTH} characters"
            raise Problem("expression", message, "name its parts in vars")
        self.tokens: list[str] = []
        position = 0
        end = len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                rest = text[position:].lstrip()
                fix = _ELSEWHERE.get(rest[0], "use + - * // % ^ and comparisons")
                raise self.error(f"'{rest[0]}' has no meaning in an expression", fix)
            self.tokens.append(match.group().lstrip())
            position = match.end()
        self.tokens.reverse()

    def error(self, message: str, fix: str = "") -> Problem:
        text = " ".join(self.text.split())
        return Problem("expression", f"in '{text}': {message}" if text else message, fix)

    def peek(self) -> str:
        return self.tokens[-1] if self.tokens else ""

    def take(self, *wanted: str) -> str:
        return self.tokens.pop() if self.tokens and self.tokens[-1] in wanted else ""

    def expect(self, token: str) -> None:
        if not self.take(token):
            if not self.tokens and token == ")":
                fix = "close the parenthesis; inside [ ] quote an expression that has a comma"
                raise self.error("')' is missing at the end", fix)
            self.refuse(f"'{token}' is missing ")

    def whole(self) -> Expression:
        value = self.alternative()
        if self.tokens:
            self.refuse()
        return Expression(self.text, frozenset(self.names), value)

    def refuse(self, missing: str = "") -> NoReturn:
        """Complain of the next token, or of what is missing before it."""
        left = self.peek()
        if left == "**":
            raise self.error("'**' is not an operator here", "write a power as ^ with a small literal exponent: w^2")
        if left == "/":
            raise self.error("'/' would leave the integers", "use a//b, ceil(a/b) or floor(a/b)")
        if left in _COMPARISONS:
            raise self.error("comparisons do not chain", "join two comparisons with 'and'")
        if missing:
            raise self.error(missing + (f"before '{left}'" if left else "at the end"), "write it there")
        raise self.error(f"'{left}' is not expected here", "an operator may be missing before it")

    def alternative(self) -> Callable[[Mapping[str, Any]], Any]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"it is nested deeper than {MAX_DEPTH}", "name its parts in vars")
        value = self.conjunction()
        while self.take("or"):
            value = _either(value, self.conjunction())
        self.depth -= 1
        return value

    def conjunction(self) -> Callable[[Mapping[str, Any]], Any]:
        value = self.negation()
        while self.take("and"):
            value = _both(value, self.negation())
        return value

    def negation(self) -> Callable[[Mapping[str, Any]], Any]:
        count = 0
        while self.take("not"):
            count += 1
        value = self.comparison()
        for _ in range(min(count, 2 - count % 2)):
            value = _negated(value)
        return value

    def comparison(self) -> Callable[[Mapping[str, Any]], Any]:
        value = self.sum()
        operator = self.take(*_COMPARISONS)
        return _apply(operator, value, self.sum()) if operator else value

    def sum(self) -> Callable[[Mapping[str, Any]], Any]:
        value = self.term()
        while operator := self.take("+", "-"):
            value = _apply(operator, value, self.term())
        return value

    def term(self) -> Callable[[Mapping[str, Any]], Any]:
        value = self.unary()
        while operator := self.take("*", "//", "%"):
            value = _apply(operator, value, self.unary())
        return value

    def unary(self) -> Callable[[Mapping[str, Any]], Any]:
        odd = False
        while operator := self.take("-", "+"):
            odd ^= operator == "-"
        value = self.power()
        return (lambda scope: -value(scope)) if odd else value

    def power(self) -> Callable[[Mapping[str, Any]], Any]:
        value = self.atom()
        if not self.take("^"):
            return value
        exponent = self.tokens.pop() if self.tokens else ""
        if not exponent.isdigit() or int(exponent) > MAX_EXPONENT:
            raise self.error(f"an exponent is a literal from 0 to {MAX_EXPONENT}", "write the product out")
        if self.peek() == "^":
            raise self.error("powers do not chain", "multiply the exponents")
        power = int(exponent)
        return lambda scope: _bounded(value(scope) ** power)

    def atom(self) -> Callable[[Mapping[str, Any]], Any]:
        token = self.tokens.pop() if self.tokens else ""
        if token[:1].isdigit():
            if "." in token:
                fix = "variables are integers: use hundredths, as in 140*width//100"
                raise self.error(f"{token} is not an integer", fix)
            number = _bounded(int(token))
            return lambda scope: number
        if token == "(":
            value = self.alternative()
            self.expect(")")
            return value
        if token in FUNCTIONS:
            return self.call(token)
        if _NAME.fullmatch(token) and token not in RESERVED:
            if self.peek() == "(":
                raise self.error(f"there is no function '{token}'", did_you_mean(token, FUNCTIONS))
            self.names.add(token)
            return _lookup(token)
        if not token:
            message = "a value is missing at the end" if self.text.strip() else "an expression is empty"
            raise self.error(message, "write a number or a name")
        raise self.error(f"'{token}' stands where a value belongs", "write a number, a name or a parenthesis")

    def call(self, name: str) -> Callable[[Mapping[str, Any]], Any]:
        if not self.take("("):
            raise self.error(f"'{name}' is a function", f"write {name}(...)")
        if name in ("min", "max"):
            values = [self.alternative()]
            while self.take(","):
                values.append(self.alternative())
            self.expect(")")
            if len(values) < 2:
                raise self.error(f"{name} takes two values or more", f"write {name}(a, b)")
            return lambda scope: call(name, *[value(scope) for value in values])
        over = self.sum()
        divides = self.take("/")
        under = self.unary() if divides else (lambda scope: 1)
        if divides and self.peek() in ("*", "/", "//", "%", "+", "-"):
            fix = f"write {name}((...)/(...)) with parentheses around both parts"
            raise self.error(f"'/' comes last inside {name}( )", fix)
        if name == "make_divisible":
            self.expect(",")
            divisor = self.alternative()
            self.expect(")")
            return lambda scope: call("make_divisible", over(scope), under(scope), divisor(scope))
        self.expect(")")
        if name == "floor":
            return lambda scope: over(scope) // _nonzero(under(scope))
        return lambda scope: _ceiling(over(scope), _nonzero(under(scope)))


def _apply(operator: str, left: Callable[..., Any], right: Callable[..., Any]) -> Callable[[Mapping[str, Any]], Any]:
    function = _BINARY.get(operator) or partial(call, operator)
    return lambda scope: function(left(scope), right(scope))


def _either(left: Callable[..., Any], right: Callable[..., Any]) -> Callable[[Mapping[str, Any]], Any]:
    def value(scope: Mapping[str, Any]) -> Any:
        one = left(scope)
        if not isinstance(one, Free) and one:
            return 1
        return call("or", one, right(scope))

    return value


def _both(left: Callable[..., Any], right: Callable[..., Any]) -> Callable[[Mapping[str, Any]], Any]:
    def value(scope: Mapping[str, Any]) -> Any:
        one = left(scope)
        if not isinstance(one, Free) and not one:
            return 0
        return call("and", one, right(scope))

    return value


def _ceiling(over: Any, under: Any) -> Any:
    """``ceil(over / under)``; of free dims in the way the rules have it."""
    return ceil_div(over, under) if isinstance(under, int) and under > 0 else -(-over // under)


def _negated(truth: Callable[..., Any]) -> Callable[[Mapping[str, Any]], Any]:
    return lambda scope: call("not", truth(scope))


_TRUTHS = {"true": "1", "false": "0"}
"""What truth values are in an expression; they come here in capitals, as in Python."""


def _lookup(name: str) -> Callable[[Mapping[str, Any]], Any]:
    def value(scope: Mapping[str, Any]) -> Any:
        if name not in scope:
            truth = _TRUTHS.get(name.lower())
            fix = f"write {truth} for {name}" if truth else did_you_mean(name, scope) or "declare it under vars"
            raise Problem("unknown-name", f"there is no variable '{name}' here", fix)
        return scope[name]

    return value
