"""What a spec says, as plain data with the places it was said at; no op is known here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from convcalc.diagnostics import Diagnostic
    from convcalc.source import Source, Span
    from convcalc.spec.bounds import Bound

Path = tuple[str | int, ...]
"""The way to a value in the document: ``("layers", 3, "conv", "kernel_size")``."""

REQUIRED = "required"
"""The word that stands for the default of a block argument that has none."""


class Marks:
    """The side table: where each key and each value of a document stands."""

    __slots__ = ("keys", "values")

    def __init__(self) -> None:
        self.keys: dict[Path, Span] = {}
        self.values: dict[Path, Span] = {}

    def key(self, path: Path) -> Span | None:
        """The place of the key at ``path``; of the value, or of what holds it, where there is no key."""
        while path:
            span = self.keys.get(path) or self.values.get(path)
            if span:
                return span
            path = path[:-1]
        return self.values.get(())

    def value(self, path: Path) -> Span | None:
        """The place of the value at ``path``, or of the nearest thing that holds it."""
        return self.values.get(path) or self.key(path)


class Layer:
    """One entry of a list of layers.

    ``args`` are the attributes as written (numbers, text, lists, maps), ``branches`` the lists of layers
    of a join written as algebra, ``sources`` the names after ``from``.
    """

    __slots__ = (
        "args", "branches", "broken", "expect", "kind", "name", "named", "path", "repeat", "share", "sources", "when",
    )  # fmt: skip

    def __init__(
        self,
        kind: str,
        name: str,
        path: Path = (),
        *,
        named: bool = False,
        args: dict[str, Any] | None = None,
        branches: list[list[Layer]] | None = None,
        sources: list[str] | None = None,
        repeat: int | str | None = None,
        when: int | str | None = None,
        share: str | None = None,
        expect: dict[str, Any] | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.path = path
        self.named = named
        self.args = args or {}
        self.branches = branches
        self.sources = sources
        self.repeat = repeat
        self.when = when
        self.share = share
        self.expect = expect
        self.broken = False
        """Whether a mistake in it was reported: then nothing is known of what comes out."""

    @property
    def is_block(self) -> bool:
        """Block names start with a capital, ops never do."""
        return self.kind[:1].isupper()


class Block(NamedTuple):
    """A named list of layers with arguments; ``inputs`` are the names its layers know its operands by."""

    name: str
    path: Path
    inputs: list[str]
    args: dict[str, Any]
    layers: list[Layer]


class Input(NamedTuple):
    """A declared input: its shape without the batch axis, as written, and its dtype."""

    shape: list[int | str]
    dtype: str
    path: Path


class Variant(NamedTuple):
    """A member of a family: variables it overrides, expectations it merges over the file's."""

    name: str
    path: Path
    vars: dict[str, int | str]
    expect: dict[str, Any]


class Sample(NamedTuple):
    """A worked example: arrays as nested lists, by name of input, output, gradient or layer."""

    path: Path
    input: Any
    output: Any
    grad: Any
    at: dict[str, Any]


class Spec:
    """A whole file; every field is as written, nothing is evaluated."""

    __slots__ = (
        "blocks", "budget", "citation", "diagnostics", "expect", "inputs", "layers", "marks", "mistaken", "name",
        "outputs", "samples", "source", "variants", "vars", "weights",
    )  # fmt: skip

    def __init__(self, source: Source, marks: Marks) -> None:
        self.source = source
        self.marks = marks
        self.name = ""
        self.citation = ""
        self.vars: dict[str, int | str] = {}
        self.inputs: dict[str, Input] = {}
        self.blocks: dict[str, Block] = {}
        self.layers: list[Layer] = []
        self.outputs: list[str] | None = None
        self.expect: dict[str, Any] = {}
        self.budget: dict[str, Bound] = {}
        self.variants: dict[str, Variant] = {}
        self.weights: dict[str, Any] = {}
        self.samples: list[Sample] = []
        self.diagnostics: list[Diagnostic] = []
        self.mistaken: set[str] = set()
        """Variables without a usable value, which ``diagnostics`` tell of."""
        """Mistakes in layers, where reading went on to find what else there is."""
