"""What each algorithm for convolution would perform: multiplications, additions, and bytes of workspace.

Forward, for one call with a whole batch. Workspace is what an algorithm holds beside operand, weights and result; the
copies that NumPy's transforms (and Winograd's, axis by axis) make on the way come on top, up to three times as much.
A padded operand is counted by its padded sizes. With ``C`` and ``O`` channels in ``g`` groups, padded sizes ``S``,
results ``P``, taps ``K``, a batch of ``N``:

    direct    N O P K C/g of each, tap by tap: Dumoulin & Visin 2016, section 2
    im2col    the same products; the columns in tiles: Chellapilla et al. 2006, section 3.1
    toeplitz  a dense product with the matrix, (O P) x (C S) for each sample: Dumoulin & Visin 2016, section 4.1
    fft       transforms of all maps and kernels at L >= S, a power of two: Mathieu et al. 2013, section 2.2
    winograd  (m + 2)/m products a result and channel on each axis, m = 2 or 4: Lavin & Gray 2015, section 4

A transposed convolution is the adjoint of a convolution with ``C`` and ``O``, ``S`` and ``P`` exchanged; what is said
of both is said of that convolution here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.analysis.memory import ITEMSIZE
from convcalc.dims import Dim, Shape, ceil_div, prod, unwindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convcalc.analysis import Analysis
    from convcalc.ops._window import Window

CORRELATIONS = ("conv", "conv_transpose")
"""Ops that have a choice of algorithms."""

FALLBACK = "im2col"
"""What runs where an algorithm does not apply."""

MATRIX = 1 << 24
"""Entries of the largest Toeplitz matrix that is made."""

COLUMNS = 4 << 20
"""Bytes of the columns of a tile, where the weights and one row of windows take no more."""

LARGE = 28
"""Results on every axis from which on Winograd's tiles are of 4, not 2."""

TRANSFORMS: dict[int, dict[str, tuple[int, int, int, int]]] = {
    2: {"operand": (4, 4, 8, 0), "kernel": (4, 3, 8, 6), "result": (2, 4, 6, 0)},
    4: {"operand": (6, 6, 22, 12), "kernel": (6, 3, 14, 13), "result": (4, 6, 18, 6)},
}
"""Of the matrices B^T, G and A^T of Lavin & Gray 2015, equations 7, 10 and those of section 4.3: rows, columns,
entries that are not 0, and those of them that are not 1 or -1 either. Each row is a sum of its own."""


class Work(NamedTuple):
    """What an algorithm performs and holds; ``reason`` says why it does not apply, and then the rest is 0."""

    multiplications: int = 0
    additions: int = 0
    workspace: int = 0
    reason: str = ""


class Correlation(NamedTuple):
    """A convolution ``[N, C, *sizes]`` to ``[N, O, *places]``, padding included, or its adjoint."""

    batch: int
    channels: int
    outputs: int
    groups: int
    sizes: Shape
    places: Shape
    kernel: Shape
    stride: Shape
    dilation: Shape
    adjoint: bool
    itemsize: int

    @property
    def weights(self) -> int:
        """Kernels, one for each pair of channels of a group."""
        return self.outputs * self.channels // self.groups

    @property
    def taps(self) -> int:
        """Products of the definition: each result with each tap in each channel of its group."""
        return self.batch * self.weights * prod(self.places) * prod(self.kernel)


class Layer(NamedTuple):
    """A layer and what each algorithm performs in it; ``alike`` is the same for layers that are alike."""

    name: str
    op: str
    work: dict[str, Work]
    alike: object


def layers(analysis: Analysis) -> Iterator[Layer]:
    """Every convolution and transposed convolution of a net."""
    graph, rows = analysis.graph, iter(analysis.rows)
    shapes: list[tuple[Shape, ...]] = []
    known: dict[Correlation, dict[str, Work]] = {}
    for node in graph.nodes:
        if node.op is None:
            shapes.append((node.shape or (),))
            continue
        shapes.append(next(rows).shapes)
        if node.kind in CORRELATIONS:
            operand = node.inputs[0]
            found = correlation(
                node.op, shapes[operand.node][operand.port], shapes[-1][0], analysis.batch, ITEMSIZE[analysis.dtype]
            )
            yield Layer(node.name, node.kind, known.setdefault(found, predict(found)), found)


def correlation(op: Any, x: Shape, y: Shape, batch: int = 1, itemsize: int = 4) -> Correlation:
    """The map that a ``conv`` or ``conv_transpose`` from ``x`` to ``y``, both without batch, performs."""
    windows = op.windows(len(x) - 1)
    adjoint = op.name == "conv_transpose"
    if adjoint:
        x, y = y, x
        sizes = [unwindow(n, w.extent, w.stride, 0, 0) for n, w in zip(y[1:], windows, strict=True)]
    else:
        sizes = [_padded(n, places, w) for n, places, w in zip(x[1:], y[1:], windows, strict=True)]
    kernel, stride, dilation = (tuple(getattr(w, key) for w in windows) for key in ("kernel", "stride", "dilation"))
    moved = kernel, stride, dilation
    return Correlation(batch, x[0], y[0], op.groups, tuple(sizes), y[1:], *moved, adjoint, itemsize)


def _padded(n: Dim, places: Dim, w: Window) -> Dim:
    if w.rounding == "floor":
        return n + w.before + w.after
    return max(n, (places - 1) * w.stride + w.extent)


def predict(c: Correlation) -> dict[str, Work]:
    """By algorithm, in the order in which they are explained."""
    return {name: function(c) for name, function in ALGORITHMS.items()}


def direct(c: Correlation) -> Work:
    """Holds the product of one tap, and forward what it reads, copied."""
    held = c.channels if c.adjoint else c.channels + c.outputs
    return Work(c.taps, c.taps, c.itemsize * c.batch * held * prod(c.places))


def im2col(c: Correlation) -> Work:
    """Holds the columns of a tile: samples, or rows of a sample, as many as fit.

    Forward a sum starts from its first product; in the adjoint too, but every column is then added where it belongs.
    """
    if c.adjoint:
        return Work(c.taps, c.taps, _columns(c))
    held = 0 if prod(c.kernel) == prod(c.stride) == 1 else _columns(c)
    return Work(c.taps, c.taps - c.batch * c.outputs * prod(c.places), held)


def _columns(c: Correlation) -> int:
    rows = c.places[0]
    row = c.itemsize * c.channels * prod(c.kernel) * prod(c.places[1:])
    room = max(COLUMNS, c.itemsize * c.weights * prod(c.kernel))
    fitting = max(room // row, 1)
    return row * min(max(fitting // rows, 1) * rows if fitting >= rows else fitting, c.batch * rows)


def toeplitz(c: Correlation) -> Work:
    """Holds the matrix; its zeros are multiplied too."""
    rows, columns = c.outputs * prod(c.places), c.channels * prod(c.sizes)
    if rows * columns > MATRIX:
        return Work(reason=f"a matrix of more than {MATRIX:,} entries")
    sums = columns if c.adjoint else rows
    return Work(c.batch * rows * columns, c.batch * (rows * columns - sums), c.itemsize * rows * columns)


def fft(c: Correlation) -> Work:
    """Holds the spectra of what goes in, and those of kernels and sum for one channel of what comes out.

    A real transform of n values is 5/2 n log2 n operations, 2 of 5 of them multiplications: radix-2 butterflies,
    Cooley & Tukey 1965, and half of them for real values. A product of complex numbers is 4 multiplications and
    2 additions, and a spectrum is one value more than half of the last axis.
    """
    powers = [(n - 1).bit_length() for n in c.sizes]
    volume, frequencies = 1 << sum(powers), (1 << sum(powers[:-1])) * ((1 << powers[-1]) // 2 + 1)
    transforms = c.batch * (c.channels + c.outputs) + c.weights
    operations = transforms * volume * sum(powers)
    products = c.batch * c.weights
    given, made = (c.outputs, c.channels) if c.adjoint else (c.channels, c.outputs)
    sums = products - c.batch * made
    return Work(
        operations + 4 * products * frequencies,
        3 * operations // 2 + 2 * (products + sums) * frequencies,
        2 * c.itemsize * frequencies * (c.batch * given + given // c.groups + c.batch),
    )


def winograd(c: Correlation) -> Work:
    """Holds the transformed tiles, the transformed kernels and their products."""
    for name, values, wanted in (("kernel", c.kernel, 3), ("stride", c.stride, 1), ("dilation", c.dilation, 1)):
        if any(value != wanted for value in values):
            return Work(reason=f"a {name} other than {wanted}")
    m = 4 if min(c.places) >= LARGE else 2
    rank, points = len(c.places), (m + 2) ** len(c.places)
    tiles = c.batch * prod(ceil_div(n, m) for n in c.places)
    products = points * tiles * c.weights
    # Sums over the channels start from a product; tiles that overlap are added to zeros.
    given, made = (c.outputs, c.channels) if c.adjoint else (c.channels, c.outputs)
    sums = products - points * tiles * made + (points * tiles * made if c.adjoint else 0)
    before, after = ("result", "operand") if c.adjoint else ("operand", "result")
    steps = [
        _transform(TRANSFORMS[m][before], rank, tiles * given, transposed=c.adjoint),
        _transform(TRANSFORMS[m]["kernel"], rank, c.weights),
        _transform(TRANSFORMS[m][after], rank, tiles * made, transposed=c.adjoint),
    ]
    return Work(
        products + sum(step[0] for step in steps),
        sums + sum(step[1] for step in steps),
        c.itemsize * points * (tiles * (c.channels + c.outputs) + c.weights),
    )


def _transform(
    matrix: tuple[int, int, int, int], rank: int, times: int, *, transposed: bool = False
) -> tuple[int, int]:
    """Multiplications and additions of a matrix on each of ``rank`` axes in turn."""
    rows, columns, entries, constants = matrix
    if transposed:
        rows, columns = columns, rows
    lines = times * sum(rows**done * columns ** (rank - 1 - done) for done in range(rank))
    return lines * constants, lines * (entries - rows)


ALGORITHMS: dict[str, Callable[[Correlation], Work]] = {
    "direct": direct,
    "im2col": im2col,
    "toeplitz": toeplitz,
    "fft": fft,
    "winograd": winograd,
}
