"""THE arithmetic of sizes, once, for rules and tests.

Every function uses only ``+ - * // %`` on its dims, so a dim may be an int, a NumPy array, a closed form
or a periodic set; it is typed as the int that it reads as.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from convcalc.diagnostics import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

Dim = int
Shape = tuple[Dim, ...]


class Free:
    """A dim whose value is not fixed: a closed form, the values over a grid, a periodic set.

    A domain subclasses it and gives

    - ``+ - * // %`` with ints and with dims of its own domain, on either side; what comes out constant may be an int;
    - ``==`` and ``hash`` of the dim as an object, never of its values: dims are keys of dictionaries;
    - ``str``, for messages;
    - ``apply``, if it can do more than arithmetic.

    A truth value, an order and an index exist for ints alone: asking for one raises Problem (``undecided``).
    """

    __slots__ = ()

    def apply(self, function: str, *operands: Any) -> Any:
        """``min max == != < <= > >= and or not make_divisible`` of operands of which one at least is of this domain.

        A truth value is the dim 1 or 0. Raises Problem where the domain does not know.
        """
        raise undecided(f"{function} of {' and '.join(map(str, operands))}")

    def __neg__(self) -> Any:
        return self * -1

    def __pow__(self, exponent: int) -> Any:
        return prod([self] * exponent)  # type: ignore[list-item]  # a dim reads as an int

    def __mul__(self, other: Any) -> Any:
        raise NotImplementedError

    def _refuse(self, *others: Any) -> NoReturn:
        raise undecided(" and ".join(map(str, (self, *others))))

    __bool__ = __index__ = __int__ = __float__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse


def undecided(what: str) -> Problem:
    """The Problem of a decision that hangs on a free dim."""
    return Problem("undecided", f"{what} cannot be decided", "give it a fixed value")


def apply(function: str, *operands: Any) -> Any:
    """What a domain makes of operands of which one at least is free; raises Problem where it does not know."""
    return next(dim for dim in operands if isinstance(dim, Free)).apply(function, *operands)


def least(*dims: Dim) -> Dim:
    """The smallest of the dims."""
    return apply("min", *dims) if any(isinstance(dim, Free) for dim in dims) else min(dims)


def greatest(*dims: Dim) -> Dim:
    """The largest of the dims."""
    if len(dims) == 1:
        return dims[0]
    return apply("max", *dims) if any(isinstance(dim, Free) for dim in dims) else max(dims)


class Demand(NamedTuple):
    """What must hold for a rule to be right: ``left relation right``.

    ``reason`` is a sentence about the failure, with ``{left}`` and ``{right}`` to fill in; ``key`` leads to
    the attribute to blame. ``code`` names the kind of failure.
    """

    left: Dim
    relation: str
    right: Dim
    code: str
    reason: str
    key: tuple[str | int, ...] = ()

    def holds(self) -> bool:
        """Decide it, for ints."""
        left, relation, right = self.left, self.relation, self.right
        if relation == ">=":
            return left >= right
        if relation == "==":
            return left == right
        if relation == "<=":
            return left <= right
        raise ValueError(f"no relation {relation!r}")

    def sentence(self) -> str:
        """The reason with the two sides filled in."""
        return self.reason.format(left=self.left, right=self.right)


def prod(dims: Iterable[Dim]) -> Dim:
    """The product of the dims; 1 of none."""
    total = 1
    for dim in dims:
        total = total * dim
    return total


def ceil_div(n: Dim, d: Dim) -> Dim:
    """``ceil(n / d)`` for ``d > 0``."""
    return (n + d - 1) // d


def extent(kernel: Dim, dilation: Dim) -> Dim:
    """Positions from the first to the last tap of a dilated kernel, Dumoulin & Visin 2016, section 5.1."""
    return dilation * (kernel - 1) + 1


def window(n: Dim, span: Dim, stride: Dim, padding: Dim) -> Dim:
    """Windows of ``span`` positions in ``n`` with ``padding`` in all: Dumoulin & Visin 2016, relationship 6."""
    return (n + padding - span) // stride + 1


def window_ceil(n: Dim, span: Dim, stride: Dim, before: Dim, after: Dim) -> Dim:
    """The same rounded up, without a window that would start in the padding behind the input.

    PyTorch's ``ceil_mode`` (torch.nn.MaxPool2d) in one floor: the rounded count is at most
    ``ceil((n + before) / stride)``, and both share their divisor.
    """
    return (n + least(before + after - span + 2 * stride - 1, before + stride - 1)) // stride


def window_caffe(n: Dim, span: Dim, stride: Dim, padding: Dim) -> Dim:
    """The same rounded up, with every window kept: Caffe's pooling layer without padding."""
    return (n + padding - span + 2 * stride - 1) // stride


def unwindow(n: Dim, span: Dim, stride: Dim, padding: Dim, output_padding: Dim) -> Dim:
    """Output size of a transposed convolution: Dumoulin & Visin 2016, relationship 14."""
    return (n - 1) * stride - padding + span + output_padding
