"""The layer graph: operations in the order they run, each with its operands.

A graph comes from a spec (``convcalc.load``) or is built by hand:

    net = Graph("tiny")
    x = net.input((3, 32, 32))
    x = net.add("conv", x, out_channels=8, kernel_size=3)
    net.output(net.add("relu", x))
    net.analyze().totals.macs
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc import ops
from convcalc.diagnostics import Diagnostic, Misuse, Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from convcalc.analysis import Analysis
    from convcalc.dims import Shape
    from convcalc.ops._op import Op
    from convcalc.source import Span
    from convcalc.spec.model import Layer, Path, Spec


class Ref(NamedTuple):
    """One result of a node: its place in ``Graph.nodes``, and which of its ports."""

    node: int
    port: int = 0


class Node:
    """One operation that runs; ``op`` is None for an input and for a layer whose mistakes were reported."""

    __slots__ = ("dtype", "inputs", "kind", "layer", "name", "op", "shape", "shares")

    def __init__(
        self, name: str, kind: str, op: Op | None, inputs: tuple[Ref, ...], layer: Layer | None = None
    ) -> None:
        self.name = name
        self.kind = kind
        self.op = op
        self.inputs = inputs
        self.layer = layer
        self.shares: int | None = None
        """The node whose parameters this one uses."""
        self.shape: Shape | None = None
        """The declared shape of an input."""
        self.dtype = "float32"

    @property
    def is_input(self) -> bool:
        """Whether this is an input of the net."""
        return self.kind == "input"

    def __repr__(self) -> str:
        return f"<{self.name}: {self.op!r}>"


class Group(NamedTuple):
    """Consecutive nodes that stand for one layer of the spec: a copy of a block, or of a repeated op."""

    name: str
    kind: str
    copy: int
    copies: int
    start: int
    stop: int
    output: Ref
    args: tuple[Any, ...]
    layer: Layer


class Claim(NamedTuple):
    """One entry of an ``expect``: what is said of the nodes ``start .. stop - 1``, in which scope."""

    path: Path
    key: str
    said: Any
    scope: Mapping[str, Any]
    start: int
    stop: int
    output: Ref | None
    title: str
    suspended: bool
    variables: frozenset[str]
    """The file's variables that it mentions, and those that these come from."""


class Graph:
    """Nodes in the order they run; operands always stand before the node that uses them."""

    def __init__(self, name: str = "net", spec: Spec | None = None) -> None:
        self.name = name
        self.spec = spec
        self.variant = ""
        self.values: dict[str, Any] = {}
        """The variables' values."""
        self.overrides: dict[str, Any] = {}
        self.shapes_given: dict[str, Sequence[int]] = {}
        """What was given instead of declared values and input shapes."""
        self.structural: set[str] = set()
        """Variables that decide which layers there are, and free ones that a flag or a word hangs on."""
        self.nodes: list[Node] = []
        self.inputs: dict[str, Ref] = {}
        self.outputs: dict[str, Ref] = {}
        self.groups: list[Group] = []
        self.claims: list[Claim] = []
        self.diagnostics: list[Diagnostic] = []
        self._named: dict[str, int] = {}
        self._taken: set[str] = set()
        self._ops: dict[tuple[Any, ...], Op] = {}

    def input(self, shape: Sequence[int], name: str = "input", dtype: str = "float32") -> Ref:
        """Declare an input of this shape, ``(C, *S)`` without the batch axis; raises SpecError if it is none."""
        if not shape or any(isinstance(size, (bool, float)) or (isinstance(size, int) and size < 1) for size in shape):
            told = f"{name}: a shape is a list of positive integers, not {list(shape)}"
            raise SpecError([Diagnostic("wrong-type", told, "write it as (3, 224, 224)")])
        self._check_name(name)
        node = Node(name, "input", None, ())
        node.shape = tuple(shape)
        node.dtype = dtype
        self.inputs[name] = self.append(node)
        return self.inputs[name]

    def add(self, kind: str, *operands: Ref, name: str = "", shares: Ref | None = None, **attributes: Any) -> Ref:
        """Append an operation; raises SpecError for an unknown op, wrong attributes and wrong operands."""
        self._named[kind] = self._named.get(kind, 0) + 1
        name = name or f"{kind}_{self._named[kind]}"
        listed = {key: list(value) if isinstance(value, tuple) else value for key, value in attributes.items()}
        self._check_name(name)
        try:
            found = ops.find(kind)
            op, problems = found.read(listed, _no_expression)
            if not problems:
                found.check_operands(len(operands))
                for ref in operands:
                    self._check_ref(ref)
        except Problem as problem:
            op, problems = None, [problem]
        if op is None:
            raise SpecError(Diagnostic(p.code, f"{name}: {p.message}", p.fix) for p in problems)
        node = Node(name, kind, self.intern(op), operands)
        node.shares = shares.node if shares else None
        return self.append(node)

    def _check_name(self, name: str) -> None:
        if name in self._taken:
            raise SpecError([Diagnostic("duplicate-name", f"the name '{name}' is taken", "choose another name")])
        self._taken.add(name)

    def _check_ref(self, ref: Ref) -> None:
        """Raise Problem unless the node and the port are there."""
        if not 0 <= ref.node < len(self.nodes):
            raise Problem("unknown-layer", f"there is no node {ref.node}", "use what add or input returned")
        op = self.nodes[ref.node].op
        if not 0 <= ref.port < (1 if op is None else len(op.ports)):
            name = self.nodes[ref.node].name
            raise Problem("unknown-port", f"'{name}' has no result {ref.port}", "count its results from 0")

    def output(self, ref: Ref, name: str = "") -> None:
        """Declare a result of the net; without any, the last node's is the output."""
        self.outputs[name or self.nodes[ref.node].name] = ref

    def intern(self, op: Op) -> Op:
        """The first op of this graph that is the same as this one: what is worked out for one serves all."""
        try:
            return self._ops.setdefault((op.name, *op.given.items()), op)
        except TypeError:
            return op

    def append(self, node: Node) -> Ref:
        """Append a node that is already made."""
        self.nodes.append(node)
        return Ref(len(self.nodes) - 1)

    def find(self, name: str) -> Ref | None:
        """The first result of a layer by its name; of a block or a repeated layer, that of its last layer."""
        for group in self.groups[::-1]:
            if group.name in (name, f"{name}/{group.copies}"):
                return group.output
        return next((Ref(place) for place, node in enumerate(self.nodes) if node.name == name), None)

    def title(self, ref: Ref) -> str:
        """A result as a spec names it: the layer, and the port unless it is the first."""
        node = self.nodes[ref.node]
        return f"{node.name}.{node.op.ports[ref.port]}" if ref.port and node.op else node.name

    def results(self) -> dict[str, Ref]:
        """The outputs by name: the declared ones, or the last node's."""
        if self.outputs or not self.nodes:
            return self.outputs
        return {self.nodes[-1].name: Ref(len(self.nodes) - 1)}

    def analyze(self, *, batch: int = 1, inputs: Mapping[str, Sequence[int]] | None = None, **values: int) -> Analysis:
        """Shapes, parameters and cost, with variables set to other values.

        Raises SpecError with every finding, Misuse for a variable that the spec does not have.
        """
        from convcalc.analysis import analyze

        return analyze(self.bind(values, inputs), batch=batch)

    def bind(self, values: Mapping[str, int], inputs: Mapping[str, Sequence[int]] | None = None) -> Graph:
        """The graph with other values of its variables, and other input shapes."""
        if not values and not inputs:
            return self
        if self.spec is None:
            if values:
                raise Misuse(f"a graph built by hand has no variables to set: {', '.join(values)}")
            return self._reshaped(inputs or {})
        from convcalc.expand import expand

        shapes = {**self.shapes_given, **(inputs or {})}
        return expand(self.spec, {**self.overrides, **values}, variant=self.variant, inputs=shapes)

    def _reshaped(self, inputs: Mapping[str, Sequence[int]]) -> Graph:
        graph = Graph(self.name)
        graph.__dict__.update(self.__dict__)
        graph.nodes = list(self.nodes)
        for name, shape in inputs.items():
            if name not in self.inputs:
                raise Misuse(f"there is no input '{name}'; the inputs are {', '.join(self.inputs)}")
            place = self.inputs[name].node
            node = Node(name, "input", None, ())
            node.shape, node.dtype = tuple(shape), self.nodes[place].dtype
            graph.nodes[place] = node
        return graph

    def span(self, node: Node, *key: str | int) -> Span | None:
        """The place in the spec of a node, or of one of its attributes."""
        if self.spec is None or node.layer is None:
            return None
        return self.spec.marks.key((*node.layer.path, node.layer.kind, *key))


def _no_expression(text: str) -> Any:
    raise Problem("wrong-type", f"'{text}' is text where a graph built by hand has numbers", "give an integer")
