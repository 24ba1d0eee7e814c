"""Spec to Graph: variables get values, blocks and repeats become layers, names become references."""

from __future__ import annotations

from collections import ChainMap
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc import ops
from convcalc.diagnostics import Diagnostic, Misuse, Note, Problem, did_you_mean, listing, times
from convcalc.dims import Free, undecided
from convcalc.expressions import PADDING_WORDS, evaluate, parse
from convcalc.graph import Claim, Graph, Group, Node, Ref
from convcalc.spec.model import REQUIRED
from convcalc.spec.written import SIBLINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convcalc.ops._op import Op
    from convcalc.spec.model import Block, Layer, Path, Spec

MAX_LAYERS = 100_000
MAX_NESTING = 64
MAX_VARIABLES = 1000
MOST = 100
"""After so many findings the rest is left: nobody reads further."""

_UNKNOWN = object()
"""The value of a name that a mistake leaves without one."""

_FOLLOWS = "follows"
"""The code of a Problem that is no mistake of its own: it comes of a name without a value."""


class Scope:
    """Names with values, and for each name the file's variables that its value comes from."""

    __slots__ = ("key", "origins", "outer", "own", "unknown", "values")

    def __init__(self, outer: Scope | None = None) -> None:
        self.own: dict[str, Any] = {}
        self.values: Mapping[str, Any] = ChainMap(self.own, outer.own) if outer else self.own
        self.origins: dict[str, frozenset[str]] = {}
        self.outer = outer
        self.unknown: frozenset[str] = outer.unknown if outer else frozenset()
        self.key: tuple[Any, ...] = ()
        """What tells the scopes of one block apart: its arguments."""

    def define(self, name: str, value: Any, origin: frozenset[str]) -> None:
        """Give a name a value, or ``_UNKNOWN``."""
        self.own[name], self.origins[name] = value, origin
        if value is _UNKNOWN or name in self.unknown:
            self.unknown = self.unknown | {name} if value is _UNKNOWN else self.unknown - {name}

    def evaluate(self, text: str) -> Any:
        """The value of an expression; raises Problem."""
        if self.unknown and parse(text).names & self.unknown:
            raise Problem(_FOLLOWS, f"'{text}' has no value")
        return evaluate(text, self.values)

    def value(self, raw: Any) -> Any:
        """The value of an argument: an expression is evaluated, a flag is 1 or 0, words stay what they are."""
        if isinstance(raw, str) and raw.lower() not in PADDING_WORDS:
            return self.evaluate(raw)
        if isinstance(raw, list):
            return tuple(map(self.value, raw))
        if isinstance(raw, dict):
            fix = "write a number, a word, an expression or a list"
            raise Problem("wrong-type", "the argument of a block cannot be a map", fix)
        return int(raw) if isinstance(raw, bool) else raw

    def argument(self, raw: Any) -> Any:
        """An op's argument; one that only names a word or a list gives that word or list."""
        value = self.values.get(raw) if isinstance(raw, str) else None
        return list(value) if isinstance(value, tuple) else value if isinstance(value, str) else raw

    def origin(self, name: str) -> frozenset[str]:
        """The file's variables that the value of a name comes from."""
        if name in self.origins or self.outer is None:
            return self.origins.get(name, frozenset((name,)))
        return self.outer.origin(name)

    def mentions(self, raw: Any) -> frozenset[str]:
        """The file's variables that a value, an expression or a list of them comes from."""
        if isinstance(raw, str):
            try:
                names = parse(raw).names
            except Problem:
                return frozenset()
            return frozenset().union(*map(self.origin, names))
        parts = raw.values() if isinstance(raw, dict) else raw if isinstance(raw, list) else ()
        return frozenset().union(*map(self.mentions, parts))


class _Frame(NamedTuple):
    """Where names are looked up: the top level or one copy of a block."""

    scope: Scope
    layers: list[Layer]
    names: dict[str, Ref]
    spans: dict[str, tuple[int, int]]
    off: set[str]
    depth: int


def expand(
    spec: Spec,
    values: Mapping[str, int] | None = None,
    *,
    variant: str = "",
    inputs: Mapping[str, Sequence[int]] | None = None,
) -> Graph:
    """The graph of a spec, with every mistake in ``Graph.diagnostics``.

    A value, or a size of an input, may be a free dim of any domain (``dims.Free``): the graph then stands for every
    value. What decides which layers there are (``when``, ``repeat``, flags and words) cannot hang on one.
    Raises Misuse for a variable, variant or input that the spec does not have.
    """
    return _Expansion(spec, dict(values or {}), variant, dict(inputs or {})).graph


class _Expansion:
    def __init__(self, spec: Spec, overrides: dict[str, int], variant: str, inputs: dict[str, Sequence[int]]) -> None:
        self.spec = spec
        self.graph = Graph(spec.name, spec)
        self.graph.variant = variant
        self.graph.overrides = overrides
        self.graph.diagnostics = list(spec.diagnostics)
        self.ops: dict[tuple[int, tuple[Any, ...]], Op | None] = {}
        self.scopes: dict[tuple[int, tuple[Any, ...]], Scope] = {}
        self.counts: dict[tuple[str, tuple[Any, ...]], int] = {}
        self.deciding: set[tuple[str, Scope]] = set()
        """What ``when`` and ``repeat`` say, and in which scope."""
        self.calls: list[str] = []
        self.astray = False
        """Whether a layer's operands are unknown: who is used then is unknown too."""
        family = self._variant(variant)
        for name in overrides:
            if name not in spec.vars:
                raise Misuse(
                    f"the spec has no variable '{name}': {did_you_mean(name, spec.vars) or 'it declares none'}"
                )
        self.shapes_given = self._unify(inputs, overrides)
        self.graph.shapes_given = self.shapes_given
        with suppress(_Enough):
            self.file = self._variables({**family, **overrides})
            self.graph.values = self.file.own
            self.changed = {
                "file": self._changed({**family, **overrides}, {}),
                "variant": self._changed(overrides, family),
            }
            self._run(self.file)

    def _changed(self, given: Mapping[str, int | str], declared: Mapping[str, int | str]) -> set[str]:
        """The variables that have another value than declared, and the inputs of another shape."""
        before = self._variables(declared).values if given else {}
        return {*self.shapes_given, *(name for name in given if self.graph.values.get(name) != before.get(name))}

    def _variant(self, name: str) -> dict[str, int | str]:
        if not name:
            return {}
        if name not in self.spec.variants:
            raise Misuse(f"there is no variant '{name}': {did_you_mean(name, self.spec.variants)}")
        return self.spec.variants[name].vars

    def _unify(self, inputs: dict[str, Sequence[int]], overrides: dict[str, int]) -> dict[str, Sequence[int]]:
        """Given input shapes set the variables that the declared ones name; the rest replaces what is declared."""
        replaced: dict[str, Sequence[int]] = {}
        for name, shape in inputs.items():
            declared = self.spec.inputs.get(name)
            if declared is None:
                raise Misuse(f"there is no input '{name}': {did_you_mean(name, self.spec.inputs)}")
            if len(declared.shape) != len(shape):
                told = f"input '{name}' has {len(declared.shape)} axes, {len(shape)} were given"
                if len(shape) == len(declared.shape) + 1:
                    told += f": without a batch axis write {times(shape[1:])}"
                raise Misuse(told)
            sizes: list[Any] = list(shape)
            for axis, said in enumerate(declared.shape):
                is_variable = isinstance(said, str) and isinstance(self.spec.vars.get(said), int)
                if is_variable and said != shape[axis] and overrides.setdefault(str(said), shape[axis]) == shape[axis]:
                    sizes[axis] = said
            if sizes != declared.shape:
                replaced[name] = sizes
        return replaced

    # variables and scopes

    def _variables(self, overrides: Mapping[str, int | str]) -> Scope:
        spec_names = self.spec.vars.keys()
        scope = Scope()
        if len(self.spec.vars) > MAX_VARIABLES:
            told = f"{len(self.spec.vars):,} variables, the most is {MAX_VARIABLES:,}"
            self._report(Problem("too-many-variables", told, "declare fewer"), ("vars",))
            raise _Enough
        for name, declared in self.spec.vars.items():
            raw = overrides.get(name, declared)
            if name in self.spec.mistaken and name not in overrides:
                scope.define(name, _UNKNOWN, frozenset((name,)))
                continue
            path: Path = ("vars", name)
            if self.graph.variant and name in self.spec.variants[self.graph.variant].vars:
                path = ("variants", self.graph.variant, "vars", name)
            try:
                value = scope.evaluate(raw) if isinstance(raw, str) else raw
                scope.define(name, value, scope.mentions(raw) | {name})
            except Problem as wrong:
                problem = self._freed(wrong, name, raw, scope)
                later = problem.code == "unknown-name" and parse(str(raw)).names & spec_names - scope.values.keys()
                fix = "declare the variables it uses above it" if later else problem.fix
                self._report(Problem(problem.code, problem.message, fix), path)
                scope.define(name, _UNKNOWN, frozenset((name,)))
        return scope

    def _inside(self, layer: Layer, block: Block, outer: Scope) -> Scope:
        """The scope of a block that is called here: the file's variables, then its arguments."""
        key = (id(layer), outer.key)
        if key in self.scopes:
            return self.scopes[key]
        made = Scope(self.file)
        path = (*layer.path, layer.kind)
        for name in layer.args:
            if name not in block.args:
                fix = _beside(name, layer) or (did_you_mean(name, block.args) if block.args else f"remove {name}")
                self._report(Problem("unknown-argument", f"{block.name} has no argument '{name}'", fix), (*path, name))
        for name, default in block.args.items():
            given = name in layer.args
            raw = layer.args[name] if given else default
            scope = outer if given else made
            try:
                if raw == REQUIRED and not given:
                    raise Problem("missing-argument", f"{block.name} needs {name}", f"add {name} to its arguments")
                if raw is None:
                    raise Problem("missing-argument", f"{block.name} is given no value for {name}", f"write {name}: 1")
                value, origin = scope.value(raw), scope.mentions(raw)
            except Problem as wrong:
                default_path = path if raw == REQUIRED else (*block.path, "args", name)
                self._report(self._freed(wrong, name, raw, scope), (*path, name) if given else default_path)
                value, origin = _UNKNOWN, frozenset()
            made.define(name, value, origin)
        made.key = tuple(made.own.values())
        self.scopes[key] = made
        return made

    # counting, before anything is expanded

    def _count(self, layers: list[Layer], scope: Scope, nesting: int = 0) -> int:
        return sum(self._count_layer(layer, scope, nesting) for layer in layers)

    def _count_layer(self, layer: Layer, scope: Scope, nesting: int) -> int:
        if layer.when is not None and not self._number(layer, "when", scope, 1):
            return 0
        one = 1 + sum(self._count(branch, scope, nesting) for branch in layer.branches or ())
        block = self.spec.blocks.get(layer.kind) if layer.is_block else None
        if block is not None:
            if layer.kind in self.calls or nesting >= MAX_NESTING:
                deep = "calls itself" if layer.kind in self.calls else f"is nested deeper than {MAX_NESTING}"
                raise _TooLarge(
                    Problem("recursive-block", f"block {layer.kind} {deep}", "write the inner layers out"), layer
                )
            inner = self._inside(layer, block, scope)
            key = (layer.kind, inner.key)
            if key not in self.counts:
                self.calls.append(layer.kind)
                self.counts[key] = self._count(block.layers, inner, nesting + 1)
                self.calls.pop()
            one += self.counts[key]
        total = one * (1 if layer.repeat is None else max(0, self._number(layer, "repeat", scope, 1)))
        if total > MAX_LAYERS:
            told = f"this makes {total:,} layers" if total < 10**15 else "this makes more layers than can be counted"
            raise _TooLarge(Problem("too-many-layers", f"{told}, the most is {MAX_LAYERS:,}", "lower repeat"), layer)
        return total

    # expansion

    def _run(self, scope: Scope) -> None:
        spec, graph = self.spec, self.graph
        names = {name: self._input(name, scope) for name in spec.inputs}
        try:
            total = self._count(spec.layers, scope)
        except _TooLarge as large:
            key = "repeat" if large.problem.code == "too-many-layers" else large.layer.kind
            self._report(large.problem, (*large.layer.path, key))
            return
        if total > MAX_LAYERS:
            told = f"this makes {total:,} layers, the most is {MAX_LAYERS:,}"
            self._report(Problem("too-many-layers", told, "split the net"), ("layers",))
            return
        frame = _Frame(scope, spec.layers, names, {}, set(), 0)
        first = next(iter(names.values())) if len(names) == 1 else None
        last = self._layers(spec.layers, frame, "", first)
        if spec.outputs is None:
            if last is not None:
                graph.outputs[graph.nodes[last.node].name] = last
        else:
            for index, name in enumerate(spec.outputs):
                if name not in frame.off:
                    ref = self._output(name, frame, ("outputs", index))
                    if ref is None:
                        self.astray = True
                    else:
                        graph.outputs[name] = ref
        whole = next(iter(graph.outputs.values()), None) if len(graph.outputs) == 1 else None
        for key, said, path, kind in self._expectations():
            self._claim(path, key, said, scope, 0, len(graph.nodes), whole, "", kind)
        if not (spec.diagnostics or self.astray):
            self._unused()

    def _expectations(self) -> Iterator[tuple[str, Any, Path, str]]:
        """What the file expects of the whole net, with the variant's own claims over it."""
        own = self.spec.variants[self.graph.variant].expect if self.graph.variant else {}
        for key, said in self.spec.expect.items():
            if key not in own:
                yield key, said, ("expect", key), "file"
        for key, said in own.items():
            yield key, said, ("variants", self.graph.variant, "expect", key), "variant"

    def _input(self, name: str, scope: Scope) -> Ref:
        declared = self.spec.inputs[name]
        shape: list[Any] = []
        for index, raw in enumerate(self.shapes_given.get(name, declared.shape)):
            try:
                size = scope.evaluate(raw) if isinstance(raw, str) else raw
                if isinstance(size, int) and size < 1:
                    raise Problem(
                        "out-of-range", f"an axis of input '{name}' is at least 1, not {size}", "give it a larger size"
                    )
            except Problem as wrong:
                problem = self._freed(wrong, f"input '{name}'", raw, scope)
                given_as_map = (*declared.path, "shape") in self.spec.marks.values
                self._report(problem, (*declared.path, "shape", index) if given_as_map else (*declared.path, index))
                shape = []
                break
            shape.append(size)
        node = Node(name, "input", None, ())
        node.shape, node.dtype = tuple(shape) or None, declared.dtype
        self.graph.inputs[name] = self.graph.append(node)
        return self.graph.inputs[name]

    def _layers(self, layers: list[Layer], frame: _Frame, prefix: str, current: Ref | None) -> Ref | None:
        for layer in layers:
            current = self._layer(layer, frame, prefix, current)
        return current

    def _layer(self, layer: Layer, frame: _Frame, prefix: str, current: Ref | None) -> Ref | None:
        operands = self._operands(layer, frame, current)
        on = layer.when is None or self._number(layer, "when", frame.scope, 1)
        copies = 1 if layer.repeat is None else self._number(layer, "repeat", frame.scope, 1)
        if copies < 0:
            told = f"repeat is at least 0, not {copies}"
            self._report(Problem("out-of-range", told, "give repeat a value of 0 or more"), (*layer.path, "repeat"))
        if not on or copies < 1:
            frame.off.add(layer.name)
            passed = operands[0] if operands else current
            if passed is not None:
                frame.names[layer.name] = passed
            return passed
        start = len(self.graph.nodes)
        name = prefix + layer.name
        ref: Ref | None = None
        for copy in range(1, copies + 1):
            first = len(self.graph.nodes)
            told = name if layer.repeat is None else f"{name}/{copy}"
            ref, args = self._copy(layer, frame, told, prefix, operands, current if ref is None else ref)
            if layer.is_block or layer.repeat is not None:
                place = len(self.graph.nodes)
                self.graph.groups.append(Group(told, layer.kind, copy, copies, first, place, ref, args, layer))
            operands = [ref]
            frame.names[layer.name] = ref
            frame.spans[layer.name] = first, len(self.graph.nodes)
        if layer.expect and ref is not None:
            for key, said in layer.expect.items():
                path = (*layer.path, "expect", key)
                self._claim(path, key, said, frame.scope, start, len(self.graph.nodes), ref, name, "file")
        return ref

    def _operands(self, layer: Layer, frame: _Frame, current: Ref | None) -> list[Ref]:
        """What a layer reads: the layers after ``from``, else the one before."""
        if layer.sources is None:
            return [] if current is None else [current]
        path = (*layer.path, "from")
        refs = []
        for index, name in enumerate(layer.sources):
            place = (*path, index) if (*path, index) in self.spec.marks.values else path
            ref = self._resolve(name, frame, place)
            refs.append(self._broken(layer, name) if ref is None else ref)
        return refs

    def _output(self, name: str, frame: _Frame, path: Path) -> Ref | None:
        """A layer of the top level, or by its whole name one inside a block."""
        if "/" not in name:
            return self._resolve(name, frame, path)
        places = {node.name: place for place, node in enumerate(self.graph.nodes)}
        places |= {group.name: group.output.node for group in self.graph.groups}
        if name in places:
            return Ref(places[name])
        problem = Problem("unknown-layer", f"there is no layer '{name}'", did_you_mean(name, places))
        self._report(problem, path, value=True)
        return None

    def _resolve(self, name: str, frame: _Frame, path: Path) -> Ref | None:
        bare, _, port = name.partition(".")
        ref = frame.names.get(bare)
        if ref is None:
            if bare in _names_in(frame.layers):
                fix = f"move '{bare}' above this layer: a layer reads what was computed before it"
                problem = Problem("name-from-below", f"layer '{bare}' stands further down", fix)
            else:
                problem = Problem("unknown-layer", f"there is no layer '{bare}' above", did_you_mean(bare, frame.names))
            self._report(problem, path, value=True)
            return None
        if not port or bare in frame.off:
            return ref
        op = self.graph.nodes[ref.node].op
        if op is None:
            return ref
        if port not in op.ports:
            fix = f"write {bare}" if len(op.ports) == 1 else f"one of {', '.join(f'{bare}.{p}' for p in op.ports)}"
            self._report(Problem("unknown-port", f"'{bare}' has no result '{port}'", fix), path, value=True)
            return None
        return Ref(ref.node, op.ports.index(port))

    def _copy(
        self, layer: Layer, frame: _Frame, name: str, prefix: str, operands: list[Ref], current: Ref | None
    ) -> tuple[Ref, tuple[Any, ...]]:
        """One copy of a layer: its last node, and a block's arguments."""
        inner = prefix if layer.repeat is None else f"{name}/"
        if layer.broken:
            for branch in layer.branches or ():
                self._layers(branch, frame, inner, operands[0] if operands else None)
            return self._broken(layer, name), ()
        if layer.branches is not None:
            fork = operands[0] if len(operands) == 1 else None
            if layer.is_block:
                fix = "write them as a map, or give the block inputs"
                problem = Problem("wrong-arguments", f"block {layer.kind} takes arguments, not branches", fix)
                self._report(problem, (*layer.path, layer.kind))
                return self._broken(layer, name), ()
            if fork is None:
                self._no_operand(layer, frame, "branches fork from one layer")
                return self._broken(layer, name), ()
            ends = [self._layers(branch, frame, inner, fork) for branch in layer.branches]
            operands = [fork if end is None else end for end in ends]
        elif not operands:
            self._no_operand(layer, frame, "there is no layer before this one")
            return self._broken(layer, name), ()
        if layer.is_block:
            return self._block(layer, frame, name, operands)
        node = Node(name, layer.kind, self._op(layer, frame.scope, len(operands)), tuple(operands), layer)
        ref = self.graph.append(node)
        if layer.share:
            self._share(layer, frame, ref.node, ref.node + 1)
        return ref, ()

    def _no_operand(self, layer: Layer, frame: _Frame, why: str) -> None:
        known = list(frame.names)
        fix = f"say which with from: {known[0]}" if known else "declare an input"
        self._report(Problem("needs-from", f"{why}, and {len(known)} could be meant", fix), (*layer.path, layer.kind))

    def _block(self, layer: Layer, frame: _Frame, name: str, operands: list[Ref]) -> tuple[Ref, tuple[Any, ...]]:
        block = self.spec.blocks.get(layer.kind)
        if block is None:
            self._report(_unknown_block(layer.kind, self.spec.blocks), (*layer.path, layer.kind))
            return self._broken(layer, name), ()
        if len(operands) != len(block.inputs):
            wanted = ", ".join(block.inputs)
            told = f"block {block.name} has {_counted(len(block.inputs), 'input')} ({wanted}), {len(operands)} given"
            fix = f"write from: [{wanted}] with {_counted(len(block.inputs), 'name')} of layers"
            self._report(Problem("wrong-operand-count", told, fix), (*layer.path, layer.kind))
            return self._broken(layer, name), ()
        scope = self._inside(layer, block, frame.scope)
        start = len(self.graph.nodes)
        inside = _Frame(scope, block.layers, dict(zip(block.inputs, operands, strict=True)), {}, set(), frame.depth + 1)
        ref = self._layers(block.layers, inside, f"{name}/", operands[0] if len(operands) == 1 else None)
        if layer.share:
            self._share(layer, frame, start, len(self.graph.nodes))
        return operands[0] if ref is None else ref, tuple(scope.values[arg] for arg in block.args)

    def _op(self, layer: Layer, scope: Scope, operands: int) -> Op | None:
        key = (id(layer), scope.key)
        if key not in self.ops:
            self.ops[key] = self._read_op(layer, scope, operands)
        return self.ops[key]

    def _read_op(self, layer: Layer, scope: Scope, operands: int) -> Op | None:
        path = (*layer.path, layer.kind)
        try:
            kind = ops.find(layer.kind)
        except Problem as unknown:
            known = [name for name in self.spec.blocks if name.lower() == layer.kind.lower()]
            fix = f"did you mean the block '{known[0]}'?" if known else unknown.fix
            self._report(Problem(unknown.code, unknown.message, fix), path)
            return None
        args = {name: scope.argument(raw) for name, raw in layer.args.items()}
        op, problems = kind.read(args, scope.evaluate)
        for wrong in problems:
            beside = _beside(str(wrong.key[0]), layer) if wrong.code == "unknown-attribute" and wrong.key else ""
            problem = Problem(wrong.code, wrong.message, beside or wrong.fix, wrong.key)
            raw = layer.args.get(str(problem.key[0])) if problem.key else None
            self._report(self._freed(problem, "".join(map(str, problem.key[:1])), raw, scope), (*path, *problem.key))
        try:
            kind.check_operands(operands, branches=layer.branches is not None)
        except Problem as miscounted:
            self._report(miscounted, path)
            return None
        return op and self.graph.intern(op)

    def _broken(self, layer: Layer, name: str) -> Ref:
        """A node that stands for a mistake already reported."""
        self.astray = True
        return self.graph.append(Node(name, layer.kind, None, (), layer))

    def _share(self, layer: Layer, frame: _Frame, start: int, stop: int) -> None:
        nodes, other = self.graph.nodes, str(layer.share)
        path = (*layer.path, "share")
        if other not in frame.spans:
            if other in frame.names:
                problem = Problem("cannot-share", f"'{other}' has no parameters to share", "name a layer that is on")
                self._report(problem, path, value=True)
            else:
                self._resolve(other, frame, path)
            return
        first, last = frame.spans[other]
        kinds = [node.kind for node in nodes[first:last]]
        if kinds != [node.kind for node in nodes[start:stop]]:
            told = f"'{other}' is {_listed(kinds)}, this is {_listed([node.kind for node in nodes[start:stop]])}"
            self._report(Problem("cannot-share", told, "share with a layer of the same kind"), path, value=True)
            return
        for own, owner in zip(range(start, stop), range(first, last), strict=True):
            nodes[own].shares = owner if nodes[owner].shares is None else nodes[owner].shares

    def _claim(
        self,
        path: Path,
        key: str,
        said: Any,
        scope: Scope,
        start: int,
        stop: int,
        output: Ref | None,
        title: str,
        kind: str,
    ) -> None:
        mentioned = scope.mentions(said)
        suspended = bool(self.changed[kind] - mentioned)
        self.graph.claims.append(Claim(path, key, said, scope.values, start, stop, output, title, suspended, mentioned))

    def _number(self, layer: Layer, key: str, scope: Scope, otherwise: int) -> int:
        """The value of ``when`` or ``repeat``; a mistake is reported."""
        raw = getattr(layer, key)
        if not isinstance(raw, str):
            return int(raw)
        if (raw, scope) not in self.deciding:
            self.deciding.add((raw, scope))
            self.graph.structural |= scope.mentions(raw)
        try:
            value = scope.evaluate(raw)
            if isinstance(value, int):
                return value
            if isinstance(value, Free):
                raise undecided(key)
            raise Problem("wrong-type", f"{key} is a number, '{raw}' is not", "use a variable that holds a number")
        except Problem as problem:
            self._report(self._freed(problem, f"'{key}'", raw, scope), (*layer.path, key), value=True)
            return otherwise

    def _freed(self, problem: Problem, what: str, raw: Any, scope: Scope) -> Problem:
        """The problem, which names the free variables if it is that something hangs on them."""
        if problem.code != "undecided":
            return problem
        given = self.graph.overrides
        free = [name for name in self.spec.vars if name in scope.mentions(raw) and isinstance(given.get(name), Free)]
        if not free:
            return problem
        self.graph.structural.update(free)
        told = f"{what} depends on the free variable{'s' * (len(free) > 1)} {listing(free)}, and must be known"
        return Problem("free-variable", told, f"set it: --set {free[0]}={self.spec.vars[free[0]]}", problem.key)

    def _unused(self) -> None:
        """Report each layer and input of the spec that nobody uses in any of its copies."""
        graph = self.graph
        used = {ref.node for node in graph.nodes for ref in node.inputs} | {ref.node for ref in graph.outputs.values()}
        if len(used) == len(graph.nodes):
            return
        blamed = {place: node.layer for place, node in enumerate(graph.nodes)}
        for group in graph.groups:
            blamed[group.output.node] = group.layer
        alive = {id(blamed[place]) for place in used}
        for place, node in enumerate(graph.nodes):
            layer = blamed[place]
            if place in used:
                continue
            if layer is None:
                problem = Problem(
                    "unused-input", f"nobody uses the input '{node.name}'", "name it in a layer's from, or remove it"
                )
                self._report(problem, self.spec.inputs[node.name].path)
            elif id(layer) not in alive:
                fix = "name it in a later layer's from, add it to outputs, or remove it"
                self._report(
                    Problem("unused-layer", f"nobody uses the layer '{layer.name}'", fix), (*layer.path, layer.kind)
                )

    def _report(self, problem: Problem, path: Path, *, value: bool = False) -> None:
        if problem.code == _FOLLOWS:
            return
        marks = self.spec.marks
        span = marks.value(path) if value else marks.key(path)
        told = Diagnostic(problem.code, problem.message, problem.fix, self.spec.source, span, tuple(_notes(self.calls)))
        if told not in self.graph.diagnostics:
            self.graph.diagnostics.append(told)
            if len(self.graph.diagnostics) >= MOST + len(self.spec.diagnostics):
                raise _Enough


class _Enough(Exception):
    """There are so many findings that nobody would read more."""


class _TooLarge(Exception):
    def __init__(self, problem: Problem, layer: Layer) -> None:
        self.problem = problem
        self.layer = layer


def _notes(calls: list[str]) -> Iterator[Note]:
    if calls:
        yield Note(f"within {' > '.join(calls)}")


def _unknown_block(name: str, blocks: Mapping[str, Block]) -> Problem:
    """No such block; perhaps an op was meant by the name it has elsewhere, as in ``Conv2d``."""
    fix = ops.elsewhere(name) or did_you_mean(name, blocks) or "declare it under blocks"
    return Problem("unknown-block", f"there is no block '{name}'", fix)


def _beside(key: str, layer: Layer) -> str:
    """The fix for a key among the arguments that belongs beside the op."""
    return f"write `{key}` on a line of its own, in line with '{layer.kind}'" if key in SIBLINGS else ""


def _names_in(layers: list[Layer]) -> set[str]:
    names = {layer.name for layer in layers}
    for layer in layers:
        for branch in layer.branches or ():
            names |= _names_in(branch)
    return names


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _listed(kinds: list[str]) -> str:
    return ", ".join(kinds) if len(kinds) < 5 else f"{len(kinds)} layers"
