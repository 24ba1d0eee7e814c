"""What an op is: attributes, a shape rule, parameters, cost, taps, and what its backward pass needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from convcalc.diagnostics import Problem, listing, nearest
from convcalc.dims import prod
from convcalc.ops._attributes import Attribute

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from convcalc.dims import Demand, Dim, Shape


class Outcome(NamedTuple):
    """What a rule returns: the shapes of the results, without the batch axis, and what must hold for them."""

    shapes: tuple[Shape, ...]
    demands: tuple[Demand, ...] = ()


class Cost(NamedTuple):
    """Operations by kind, for one sample.

    ``macs`` are multiply-accumulates of convolution, transposed convolution, linear and matmul alone; the
    other kinds hold everything else, a bias as one add an output.
    """

    macs: Dim = 0
    adds: Dim = 0
    multiplies: Dim = 0
    compares: Dim = 0
    divides: Dim = 0
    exponentials: Dim = 0

    @property
    def flops(self) -> Dim:
        """Two for each MAC and one for every other operation."""
        return 2 * self.macs + self.adds + self.multiplies + self.compares + self.divides + self.exponentials

    def plus(self, other: Cost) -> Cost:
        """The sum by kind."""
        return Cost(*[mine + theirs for mine, theirs in zip(self, other, strict=True)])

    def times(self, count: Dim) -> Cost:
        """Each kind ``count`` times."""
        return Cost(*[count * each for each in self])


FREE = Cost()

INDEX = 8
"""Bytes of a place in a map: int64."""


class Gradients(NamedTuple):
    """Multiply-accumulates of a backward pass, by what they are for: the parameters, and the operands."""

    weight_macs: Dim = 0
    input_macs: Dim = 0


NO_GRADIENTS = Gradients()


class Taps(NamedTuple):
    """Which input positions an output position reads on one axis, periodic in the output index.

    Output ``q * period + r`` reads ``q * advance + start + step * j`` for ``j`` in ``0 .. count - 1``, with
    ``(start, step, count) = windows[r]``. An advance of 0 says that every output reads the same: the op is
    global on this axis.
    """

    period: int
    advance: int
    windows: tuple[tuple[int, int, int], ...]


IDENTITY = Taps(1, 1, ((0, 1, 1),))


MOST_PHASES = 1 << 16
"""Outputs after which an axis repeats itself, at most: more than that nobody builds, and each is looked at."""


def phases(period: int) -> int:
    """The period, if it is no more than ``MOST_PHASES``; raises Problem."""
    if period > MOST_PHASES:
        told = f"what an output reads repeats after {period:,} positions only, the most is {MOST_PHASES:,}"
        raise Problem("too-large", told, "use smaller numbers")
    return period


def whole(size: Dim) -> Taps:
    """The taps of an op that reads all of an axis for every output."""
    return Taps(1, 0, ((0, 1, size),))


class Op:
    """The prediction side of one operation; subclasses declare attributes and fill in the rules.

    Instances are immutable. Shapes are without the batch axis: ``(C, *S)``.
    """

    attributes: ClassVar[dict[str, Attribute[Any]]] = {}
    also: ClassVar[tuple[str, ...]] = ()
    """Names that other frameworks know the op by."""
    operands: ClassVar[tuple[int, int | None]] = (1, 1)
    """The fewest and the most operands; None is no limit."""
    spatial: ClassVar[tuple[int, int]] = (0, 4)
    """The fewest and the most spatial axes of an operand."""
    saves: ClassVar[tuple[str, ...]] = ()
    """What PyTorch's backward pass needs kept: ``input`` (all operands), ``target`` (the last one), ``places`` (the one
    that holds indices), ``output``, ``indices`` (int64, one an output), ``mask`` (one an output, in train mode),
    ``statistics`` (two floats a mean, in train mode) and ``values`` of its own."""
    in_place: ClassVar[bool] = False
    """Whether the result may overwrite the operand."""
    indices: ClassVar[int | None] = None
    """The operand that must be the port ``indices`` of another op."""
    view: ClassVar[bool] = False
    """Whether the result is the operand's memory, seen otherwise."""
    selects: ClassVar[bool] = False
    """Whether a result passes on a part of the channels or positions, which may see less than all of them."""

    moves: ClassVar[bool] = False
    """Whether it is nothing but axes in another order."""

    centres: ClassVar[bool] = False
    """Whether the mean of each channel is taken off, and so any constant that was added to it."""

    temporaries: ClassVar[int] = 0
    """Arrays as large as the result that the plain kernel holds beside operands and results."""

    name: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        cls.name = cls.__module__.rpartition(".")[2]
        own = {key: value for key, value in vars(cls).items() if isinstance(value, Attribute)}
        cls.attributes = {**cls.attributes, **own}

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)
        self.given = values

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self.given.items())})"

    @classmethod
    def read(cls, args: Mapping[str, Any], evaluate: Callable[[str], Any]) -> tuple[Op | None, list[Problem]]:
        """The op that a spec's arguments describe, or None, and every mistake in them."""
        problems: list[Problem] = []
        values: dict[str, Any] = {}
        for key, raw in args.items():
            attribute = cls.attributes.get(key)
            if attribute is None:
                problems.append(cls._unknown(key, args))
                continue
            try:
                values[key] = attribute.read(raw, evaluate)
            except Problem as problem:
                problems.append(problem)
        blamed = {problem.key[0] for problem in problems}
        meant = {cls._meant(key, args) for key in args if key not in cls.attributes}
        for key, attribute in cls.attributes.items():
            if attribute.required and key not in values and key not in blamed and key not in meant:
                problems.append(
                    Problem("missing-argument", f"{cls.name} needs {key}", f"add {attribute.example()[6:]}")
                )
        if problems:
            return None, problems
        op = cls(**values)
        try:
            op.check()
        except Problem as problem:
            return None, [problem]
        return op, []

    @classmethod
    def check_operands(cls, count: int, *, branches: bool = False) -> None:
        """Raise Problem where the op takes fewer or more operands, or one alone and is given branches."""
        fewest, most = cls.operands
        if fewest <= count and (most is None or count <= most) and not (branches and most == 1):
            return
        wanted = f"{fewest} operands or more" if most is None else "1 operand" if most == 1 else f"{most} operands"
        if most is None or count < fewest:
            fix = f"list branches under {cls.name}:, or name the operands with from: [a, b]"
        elif branches:
            fix = "put the layer into one list, without branches"
        else:
            fix = f"name {most} in from"
        given = "a list of branches" if branches and count == most else count
        raise Problem("wrong-operand-count", f"{cls.name} takes {wanted}, {given} given", fix)

    @classmethod
    def _meant(cls, key: str, args: Mapping[str, Any]) -> str:
        """The attribute that ``key`` is a slip of, or that another framework calls so; empty if there is none."""
        for name, attribute in cls.attributes.items():
            if key in attribute.also:
                return name
        return nearest(key, [name for name in cls.attributes if name not in args])

    @classmethod
    def _unknown(cls, key: str, args: Mapping[str, Any]) -> Problem:
        if not cls.attributes:
            return Problem("unknown-attribute", f"{cls.name} takes no arguments", f"remove {key}", (key,))
        meant = cls._meant(key, args)
        fix = f"did you mean '{meant}'?" if meant else f"one of {listing(list(cls.attributes))}"
        if key == "activation":
            fix = "write it as a layer of its own below, as in `- relu`"
        elif meant in args:
            fix = f"remove {key}: {meant} is there too"
        return Problem("unknown-attribute", f"{cls.name} has no attribute '{key}'", fix, (key,))

    def check(self) -> None:
        """Refuse attributes that contradict each other whatever the input; raises Problem."""

    @property
    def ports(self) -> tuple[str, ...]:
        """The names of the results; the bare layer name is the first."""
        return ("0",)

    def per_axis(self, key: str, rank: int) -> tuple[Any, ...]:
        """The attribute ``key`` as one value for each of ``rank`` spatial axes."""
        value = getattr(self, key)
        if not isinstance(value, tuple):
            return (value,) * rank
        if len(value) != rank:
            raise Problem(
                "wrong-rank",
                f"{key} has {len(value)} entries, the operand has {rank} spatial {'axis' if rank == 1 else 'axes'}",
                f"give {key} one integer, or {rank}",
                (key,),
            )
        return value

    def pairs(self, key: str, rank: int) -> tuple[tuple[Any, Any], ...]:
        """The attribute ``key`` as ``(before, after)`` for each of ``rank`` spatial axes."""
        return tuple(entry if isinstance(entry, tuple) else (entry, entry) for entry in self.per_axis(key, rank))

    def infer(self, *inputs: Shape) -> Outcome:
        """The shape rule; raises Problem where the operands' ranks do not fit."""
        raise NotImplementedError

    def mend(self, demand: Demand, *inputs: Shape) -> str:
        """A fix that works for a demand that failed on these operands."""
        return ""

    def reads_all(self, *inputs: Shape) -> tuple[Demand, ...]:
        """What must hold beside, so that no position behind the last window is left unread."""
        return ()

    def parameters(self, *inputs: Shape) -> dict[str, Shape]:
        """Learnable parameters by name."""
        return {}

    def buffers(self, *inputs: Shape) -> dict[str, Shape]:
        """State that is kept but not learnt."""
        return {}

    def statistics(self, batch: Dim, *inputs: Shape) -> Dim:
        """How many means, each with a deviation, backward keeps as ``statistics``: one a channel."""
        return inputs[0][0]

    def cost(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Cost:
        """Operations of the forward pass in eval mode, for one sample."""
        raise NotImplementedError

    def gradients(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: tuple[bool, ...]) -> Gradients:
        """MACs of the backward pass for one sample: for the parameters, and for the operands that are ``wanted``.

        A MAC multiplies two factors, and the derivative by either is the other times what arrives: so the gradient
        of each factor takes as many MACs as the forward pass, whatever groups, stride and padding are.
        """
        macs = self.cost(inputs, outputs).macs
        return Gradients(macs if self.parameters(*inputs) else 0, macs * sum(wanted))

    def saved(self, *inputs: Shape) -> tuple[str, ...]:
        """What of ``saves`` is kept with these attributes and operands."""
        return self.saves

    def own_values(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Dim:
        """The ``values`` that are kept, for one sample."""
        return 0

    def workspace(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], width: int) -> int:
        """Bytes that the plain kernel holds for one sample beside operands and results, a value taking ``width``."""
        return int(self.temporaries * prod(outputs[0]) * width)

    def axes(self, *inputs: Shape) -> tuple[tuple[Taps, ...], ...]:
        """For each operand its taps on every axis, channels first, where all results read alike.

        The default is that of an op that works value by value.
        """
        return tuple((IDENTITY,) * len(x) for x in inputs)

    def taps(self, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        """For each operand its taps by spatial axis; None where only its shape is read."""
        return tuple(axes[1:] for axes in self.axes(*inputs))

    def channels(self, port: int, *inputs: Shape) -> tuple[Taps, ...]:
        """For each operand its taps on the axis of the channels, for the result ``port``."""
        return tuple(axes[0] for axes in self.axes(*inputs))

    def places(self, rank: int) -> list[int]:
        """For each axis of the result of an op that ``moves`` its place in the operand, the batch axis left out."""
        return list(range(rank))

    def reads(self, port: int, *inputs: Shape) -> tuple[tuple[Taps, ...] | None, ...]:
        """For each operand its taps on every axis, channels first, for the result ``port``.

        ``taps`` name what one of the results or another reads; this names what one reads.
        """
        spatial = zip(self.channels(port, *inputs), self.taps(*inputs), strict=True)
        return tuple(None if axes is None else (own, *axes) for own, axes in spatial)

    def bounded(self, *inputs: Shape) -> bool:
        """Whether taps may name more than a value reads, since axes alone do not tell, or the values decide."""
        return False

    def sized(self, *inputs: Shape) -> bool:
        """Whether taps that do not read all of an axis depend on its size, and not on attributes alone."""
        return False
