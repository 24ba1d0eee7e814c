"""What an op may be told: typed, documented attributes, read from a spec's plain values.

An attribute is a non-data descriptor: declared once on the class, its value in the instance's ``__dict__``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from convcalc.diagnostics import Problem, listing, nearest
from convcalc.dims import Free, undecided
from convcalc.expressions import PADDING_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable

    Evaluate = Callable[[str], Any]

T = TypeVar("T")

REQUIRED: Any = object()


class Attribute(Generic[T]):
    """One attribute of an op; ``also`` are the names that other frameworks know it by."""

    expected = "a value"

    def __init__(
        self, doc: str, default: T = REQUIRED, *, minimum: int | None = None, also: tuple[str, ...] = ()
    ) -> None:
        self.doc = doc
        self.default = default
        self.minimum = minimum
        self.also = also
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Attribute[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Attribute[T] | T:
        return self if instance is None else self.default

    @property
    def required(self) -> bool:
        """Whether a spec must give it."""
        return self.default is REQUIRED

    def read(self, raw: Any, evaluate: Evaluate) -> T:
        """The value of what a spec says; raises Problem with the way to the offending part as key."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """JSON schema of what ``read`` accepts."""
        raise NotImplementedError

    def integer_schema(self) -> dict[str, Any]:
        """JSON schema of what ``integer`` accepts."""
        return INTEGER_SCHEMA if self.minimum is None else {**INTEGER_SCHEMA, "minimum": self.minimum}

    def wrong(self, raw: Any, *index: int) -> Problem:
        """The Problem of a value of the wrong type."""
        if isinstance(raw, float) and isinstance(self, (Integer, PerAxis, Padding, Integers)):
            near = max(round(raw), self.minimum if self.minimum is not None else round(raw))
            told = f"{self.name} is {self.expected}, not {raw}"
            return Problem(
                "wrong-type", told, f"write {self.name}: {near}" if not index else f"write {near}", (self.name, *index)
            )
        return Problem(
            "wrong-type", f"{self.name} is {self.expected}, not {describe(raw)}", self.example(raw), (self.name, *index)
        )

    def example(self, raw: Any = None) -> str:
        """How a right value is written, the one that ``raw`` was meant for where that can be told."""
        return f"write {self.name}: {self.minimum if self.minimum is not None else 1}"

    def integer(self, raw: Any, evaluate: Evaluate, *index: int) -> int:
        """An integer or an expression, at least ``minimum``."""
        value = raw
        if isinstance(raw, str):
            try:
                value = evaluate(raw)
            except Problem as problem:
                raise Problem(problem.code, problem.message, problem.fix, (self.name, *index)) from None
        if isinstance(value, (bool, float)) or value is None or isinstance(value, (str, list, dict)):
            raise self.wrong(raw, *index)
        if self.minimum is not None and isinstance(value, int) and value < self.minimum:
            said = f" ('{raw}')" if isinstance(raw, str) else ""
            raise Problem(
                "out-of-range",
                f"{self.name} is at least {self.minimum}, not {value}{said}",
                f"give {self.name} a value of {self.minimum} or more",
                (self.name, *index),
            )
        return value  # type: ignore[no-any-return]  # a dim of any domain, typed as int

    def fixed(self, raw: Any, evaluate: Evaluate) -> int:
        """An integer or an expression that hangs on no free variable."""
        value = self.integer(raw, evaluate)
        if isinstance(value, Free):
            problem = undecided(self.name)
            raise Problem(problem.code, problem.message, problem.fix, (self.name,))
        return value

    def switch(self, raw: str, evaluate: Evaluate) -> int:
        """The value of an expression where a word may stand as well: a name that is nothing like a variable's
        was meant for a word."""
        try:
            return self.fixed(raw, evaluate)
        except Problem as problem:
            if problem.code == "unknown-name" and not problem.fix.startswith("did you mean"):
                raise self.wrong(raw) from None
            raise


def describe(raw: Any) -> str:
    """A value as a message names it."""
    if raw is None:
        return "nothing"
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, (list, tuple)):
        return f"a list of {len(raw)}" if raw else "an empty list"
    return "a map" if isinstance(raw, dict) else f"'{raw}'" if isinstance(raw, str) else str(raw)


INTEGER_SCHEMA: dict[str, Any] = {"type": ["integer", "string"]}
"""An integer, or the text of an expression."""


class Integer(Attribute[T]):
    """An integer or an expression; with a default of None it may be left out."""

    expected = "an integer or an expression"

    def read(self, raw: Any, evaluate: Evaluate) -> T:
        return self.integer(raw, evaluate)  # type: ignore[return-value]  # T is int or int | None

    def schema(self) -> dict[str, Any]:
        return self.integer_schema()


class Number(Attribute[float]):
    """A real number."""

    expected = "a number"

    def read(self, raw: Any, evaluate: Evaluate) -> float:
        if isinstance(raw, str):
            raw = self.fixed(raw, evaluate)
        if isinstance(raw, bool) or not isinstance(raw, (int, float)):
            raise self.wrong(raw)
        if self.minimum is not None and raw < self.minimum:
            raise Problem(
                "out-of-range", f"{self.name} is at least {self.minimum}, not {raw}", self.example(), (self.name,)
            )
        return raw

    def example(self, raw: Any = None) -> str:
        return f"write {self.name}: {2 if self.required else self.default}"

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": ["number", "string"]}
        if self.minimum is not None:
            schema["minimum"] = self.minimum
        return schema


_OFF = ("false", "no", "off", "none", "n")
"""What other notations write for false, in lower case."""


class Flag(Attribute[bool]):
    """true or false, or an expression whose value is 1 or 0."""

    expected = "true or false"

    def read(self, raw: Any, evaluate: Evaluate) -> bool:
        value = self.switch(raw, evaluate) if isinstance(raw, str) else raw
        if value is True or value is False or (isinstance(value, int) and value in (0, 1)):
            return bool(value)
        raise self.wrong(raw)

    def example(self, raw: Any = None) -> str:
        off = str(raw).lower() in _OFF
        return f"write {self.name}: {'false' if off else 'true'}"

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": ["boolean", "string"]}, {"enum": [0, 1]}]}


class Word(Attribute[Any]):
    """One of a few words (or the literals true, false)."""

    def __init__(self, doc: str, choices: tuple[str | bool, ...], default: Any = REQUIRED) -> None:
        super().__init__(doc, default)
        self.choices = choices

    @property
    def expected(self) -> str:  # type: ignore[override]  # the choices are the instance's
        return "one of " + listing([describe(choice).strip("'") for choice in self.choices])

    def read(self, raw: Any, evaluate: Evaluate) -> Any:
        for choice in self.choices:
            if raw == choice and type(raw) is type(choice):
                return choice
        if isinstance(raw, str) and bool in map(type, self.choices):
            value = self.switch(raw, evaluate)
            if value in (0, 1):
                return bool(value)
        raise self.wrong(raw)

    def example(self, raw: Any = None) -> str:
        words = [describe(choice).strip("'") for choice in self.choices]
        return f"write {self.name}: {nearest(str(raw), words) or words[0]}"

    def schema(self) -> dict[str, Any]:
        words = {"enum": list(self.choices)}
        return {"anyOf": [words, {"type": "string"}]} if bool in map(type, self.choices) else words


class PerAxis(Attribute[T]):
    """An integer for all spatial axes, or a list with one for each."""

    expected = "an integer or a list with one for each spatial axis"

    def read(self, raw: Any, evaluate: Evaluate) -> T:
        if isinstance(raw, list) and raw:
            return tuple(self.entry(entry, evaluate, index) for index, entry in enumerate(raw))  # type: ignore[return-value]
        return self.integer(raw, evaluate)  # type: ignore[return-value]

    def entry(self, raw: Any, evaluate: Evaluate, index: int) -> Any:
        """The value for one axis."""
        return self.integer(raw, evaluate, index)

    def schema(self) -> dict[str, Any]:
        one = self.integer_schema()
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "maxItems": 4}]}


class PerAxisOrKeep(PerAxis[T]):
    """As PerAxis, where null keeps the size of that axis."""

    expected = "an integer or a list with one (or null) for each spatial axis"

    def entry(self, raw: Any, evaluate: Evaluate, index: int) -> Any:
        return None if raw is None else self.integer(raw, evaluate, index)

    def schema(self) -> dict[str, Any]:
        one = self.integer_schema()
        kept = {**one, "type": [*one["type"], "null"]}
        return {"anyOf": [one, {"type": "array", "items": kept, "minItems": 1, "maxItems": 4}]}


class Padding(Attribute[Any]):
    """An integer, one for each axis, a pair ``[before, after]`` for each axis, or a word."""

    expected = "an integer, a list with an integer or a pair [before, after] for each spatial axis"

    def __init__(
        self,
        doc: str,
        default: Any = REQUIRED,
        *,
        words: tuple[str, ...] = (),
        minimum: int | None = 0,
        also: tuple[str, ...] = ("pad", "pads", "paddings", "auto_pad"),
    ) -> None:
        super().__init__(doc, default, minimum=minimum, also=also)
        self.words = words
        if words:
            self.expected = f"{type(self).expected}, or a word: {listing(words)}"

    def read(self, raw: Any, evaluate: Evaluate) -> Any:
        if isinstance(raw, str) and raw.lower() in self.words:
            return raw.lower()
        if not isinstance(raw, list):
            return self._single(raw, evaluate)
        if not raw:
            raise self.wrong(raw)
        axes: list[Any] = []
        for index, entry in enumerate(raw):
            if isinstance(entry, list):
                if len(entry) != 2:
                    raise self.wrong(entry, index)
                axes.append(tuple(self.integer(side, evaluate, index, place) for place, side in enumerate(entry)))
            else:
                axes.append(self.integer(entry, evaluate, index))
        return tuple(axes)

    def _single(self, raw: Any, evaluate: Evaluate) -> int:
        try:
            return self.integer(raw, evaluate)
        except Problem as problem:
            if problem.code != "unknown-name":
                raise
            if raw.lower() in PADDING_WORDS:
                raise self.wrong(raw) from None
            word = nearest(raw, self.words)
            if not word:
                raise
            raise Problem(problem.code, problem.message, f"did you mean '{word}'?", problem.key) from None

    def schema(self) -> dict[str, Any]:
        one = self.integer_schema()
        pair = {"type": "array", "items": one, "minItems": 2, "maxItems": 2}
        axes = {"type": "array", "items": {"anyOf": [one, pair]}, "minItems": 1, "maxItems": 4}
        # A word is text as an expression is; an editor proposes it only when it is listed.
        return {"anyOf": [*([{"enum": list(self.words)}] if self.words else ()), one, axes]}


class Integers(Attribute[T]):
    """A list of integers or expressions."""

    expected = "a list of integers or expressions"

    def read(self, raw: Any, evaluate: Evaluate) -> T:
        if not isinstance(raw, list) or not raw:
            raise self.wrong(raw)
        return tuple(self.integer(entry, evaluate, index) for index, entry in enumerate(raw))  # type: ignore[return-value]

    def example(self, raw: Any = None) -> str:
        return f"write {self.name}: [1, 2]"

    def schema(self) -> dict[str, Any]:
        one = self.integer_schema()
        return {"type": "array", "items": one, "minItems": 1}


class OneOrMore(Integers[T]):
    """A list of integers or expressions, or one of them alone, which is a list of one."""

    expected = "an integer or an expression, or a list of these"

    def read(self, raw: Any, evaluate: Evaluate) -> T:
        return super().read(raw, evaluate) if isinstance(raw, list) else (self.integer(raw, evaluate),)  # type: ignore[return-value]

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.integer_schema(), super().schema()]}
