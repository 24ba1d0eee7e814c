"""THE arithmetic of sizes, once, for rules and tests.

Every function uses only ``+ - * // %`` on its dims, so a dim may be an int, a NumPy array, a closed form
or a periodic set; it is typed as the int that it reads as.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

Dim = int
Shape = tuple[Dim, ...]


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
    return (n + min(before + after - span + 2 * stride - 1, before + stride - 1)) // stride


def window_caffe(n: Dim, span: Dim, stride: Dim, padding: Dim) -> Dim:
    """The same rounded up, with every window kept: Caffe's pooling layer without padding."""
    return (n + padding - span + 2 * stride - 1) // stride


def unwindow(n: Dim, span: Dim, stride: Dim, padding: Dim, output_padding: Dim) -> Dim:
    """Output size of a transposed convolution: Dumoulin & Visin 2016, relationship 14."""
    return (n - 1) * stride - padding + span + output_padding
