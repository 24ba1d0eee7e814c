"""Algorithms for convolution: they agree with the definition, and perform what is predicted of them."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import tracemalloc
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from test_ops_rules import made, refused, windowed_cases

import convcalc
from convcalc import kernels
from convcalc.analysis import algorithms
from convcalc.cli import main
from convcalc.diagnostics import Misuse
from convcalc.kernels import correlation
from convcalc.kernels._tally import tally
from convcalc.kernels.correlation import fft, toeplitz, winograd
from convcalc.report.algorithms import write_algorithms
from convcalc.report.matrix import check_matrix, matrix_text
from convcalc.report.matrix import toeplitz as called

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Array = Any
NAMES = ("direct", "im2col", "toeplitz", "fft", "winograd")
NEW = ("toeplitz", "fft", "winograd")

SINGLE = {"toeplitz": 2e-6, "fft": 1e-6, "winograd": 1e-5}
"""Errors in single precision, of the largest value; measured: 7e-7, 2e-7, 4e-6."""
SINGLE_OF_4 = {1: 2e-6, 2: 1e-5, 3: 3e-5, 4: 1e-4}
"""The same for Winograd's tiles of 4, by rank."""


class Map(NamedTuple):
    """A correlation: its operands' extents and how it moves."""

    samples: int
    channels: int
    outputs: int
    sizes: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    def arrays(self, seed: int = 0) -> tuple[Array, Array, Array]:
        """``x``, ``w`` and ``dy``."""
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((self.samples, self.channels, *self.sizes))
        w = rng.standard_normal((self.outputs, self.channels // self.groups, *self.kernel))
        starts = correlation.place(self.sizes, self.kernel, self.stride, self.dilation)
        return x, w, rng.standard_normal((self.samples, self.outputs, *map(len, starts)))

    def run(self, name: str, x: Array, w: Array, dy: Array) -> list[Array]:
        """Forward and both adjoints."""
        core, moved = correlation.find(name), (self.stride, self.dilation, self.groups)
        return [
            core.correlate(x, w, *moved),
            core.input_adjoint(dy, w, self.sizes, *moved),
            core.weight_adjoint(x, dy, self.kernel, *moved),
        ]


def maps() -> Iterator[Map]:
    """1-D to 4-D: strides, dilations, groups, kernels and sizes, alike on all axes and not."""
    for rank, k, s, d, groups in product((1, 2, 3, 4), (1, 2, 3), (1, 2), (1, 2), (1, 2)):
        sizes = (7, 6, 5, 5)[:rank]
        yield Map(2, 2, 4, sizes, (k,) * rank, (s,) * rank, (d,) * rank, groups)
    for rank in (1, 2, 3, 4):
        yield Map(3, 4, 6, (7, 6, 5, 6)[:rank], (3, 2, 1, 2)[:rank], (2, 1, 3, 2)[:rank], (1, 3, 1, 2)[:rank], 2)
        yield Map(1, 3, 3, (8, 5, 4, 4)[:rank], (3,) * rank, (1,) * rank, (1,) * rank, 3)
        yield Map(1, 1, 1, (1,) * rank, (1,) * rank, (1,) * rank, (1,) * rank, 1)
    for size in range(3, 12):
        yield Map(1, 2, 3, (size,), (3,), (1,), (1,), 1)
        yield Map(1, 2, 3, (size, 3), (3, 3), (1, 1), (1, 1), 1)
    yield Map(1, 2, 3, (33, 30), (3, 3), (1, 1), (1, 1), 1)
    yield Map(2, 3, 3, (31,), (3,), (1,), (1,), 3)


def applied(name: str) -> Iterator[tuple[Map, list[Array], list[Array]]]:
    """The maps that an algorithm can do, with operands and results."""
    for one in maps():
        operands = one.arrays()
        try:
            yield one, list(operands), one.run(name, *operands)
        except correlation.NotApplicable:
            assert name == "winograd"
            assert not (set(one.kernel) == {3} and set(one.stride) == set(one.dilation) == {1})


def check_agreement(name: str) -> int:
    checked = 0
    for one, operands, found in applied(name):
        for y, right in zip(found, one.run("direct", *operands), strict=True):
            np.testing.assert_allclose(y, right, rtol=0, atol=1e-9 * max(abs(right).max(), 1), err_msg=str(one))
        checked += 1
    return checked


def small_tiles_of_4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(winograd, "LARGE", 1)
    monkeypatch.setattr(algorithms, "LARGE", 1)


@pytest.mark.parametrize("name", NEW)
def test_agrees_with_the_definition(name: str) -> None:
    assert check_agreement(name) >= (30 if name == "winograd" else 115)


def test_tiles_of_4_agree_with_the_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    small_tiles_of_4(monkeypatch)
    assert check_agreement("winograd") >= 30


def single_errors(name: str) -> dict[int, float]:
    """By rank, the largest error in single precision, of the largest value."""
    worst: dict[int, float] = {}
    for one, operands, _ in applied(name):
        rounded = [array.astype(np.float32) for array in operands]
        found = one.run(name, *rounded)
        wanted = one.run("direct", *(array.astype(np.float64) for array in rounded))
        for y, right in zip(found, wanted, strict=True):
            assert y.dtype == np.float32
            rank = len(one.sizes)
            worst[rank] = max(worst.get(rank, 0), abs(y - right).max() / abs(right).max())
    return worst


@pytest.mark.parametrize("name", NEW)
def test_in_single_precision(name: str) -> None:
    assert max(single_errors(name).values()) < SINGLE[name]


def test_tiles_of_4_in_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    small_tiles_of_4(monkeypatch)
    for rank, error in single_errors("winograd").items():
        assert error < SINGLE_OF_4[rank]


@pytest.mark.parametrize("name", NEW)
def test_adjoints_are_adjoint(name: str) -> None:
    """``<correlate(x, w), dy>`` is ``<x, input_adjoint(dy, w)>`` and ``<w, weight_adjoint(x, dy)>``."""
    for one, (x, w, dy), (y, dx, dw) in applied(name):
        total = pytest.approx((y * dy).sum(), rel=1e-9, abs=1e-9)
        assert (x * dx).sum() == total, one
        assert (w * dw).sum() == total, one


@pytest.mark.parametrize("name", NEW)
def test_operands_are_left_alone(name: str) -> None:
    one = Map(2, 2, 4, (6, 5), (3, 3), (1, 1), (1, 1), 2)
    operands = one.arrays()
    for array in operands:
        array.setflags(write=False)
    for first, again in zip(one.run(name, *operands), one.run(name, *operands), strict=True):
        np.testing.assert_array_equal(first, again)
        assert first.flags.writeable


# What they perform.


def uses() -> Iterator[tuple[Any, tuple[int, ...], tuple[int, ...]]]:
    """Convolutions and transposed ones: the op, its operand, its result."""
    cases = [case for case in windowed_cases(21, 60) if case[0] in ("conv", "conv_transpose")]
    for name, rank, k, s, groups in product(("conv", "conv_transpose"), (1, 2, 3, 4), (1, 3), (1, 2), (1, 2, 4)):
        args = {"out_channels": 4, "kernel_size": k, "groups": groups, "stride": s, "padding": k // 2}
        cases.append((name, args, ((4, *(6, 5, 3, 4)[:rank]),)))
    for word, s in product(("same_upper", "same_lower", "full", "valid"), (1, 2, 3)):
        args = {"out_channels": 2, "kernel_size": 3, "padding": word, "stride": s}
        cases.append(("conv", args, ((2, 8, 7),)))
    for name in ("conv", "conv_transpose"):
        cases.append((name, {"out_channels": 2, "kernel_size": 3, "padding": 1}, ((2, 30, 29),)))
    for name, args, shapes in cases:
        op = made(name, args)
        if not refused(op, shapes):
            yield op, shapes[0], op.infer(*shapes).shapes[0]


def check_prediction(name: str, batch: int = 2) -> int:
    """Predicted and counted are the same, and so is whether the algorithm applies."""
    checked = 0
    for op, shape, result in uses():
        rng = np.random.default_rng(checked)
        x = rng.standard_normal((batch, *shape))
        draw = kernels.initial(op.name)
        assert draw
        parameters = draw(rng, x.shape, **op.given, dtype=float)
        told = algorithms.predict(algorithms.correlation(op, shape, result, batch))[name]
        tally.reset()
        try:
            kernels.find(op.name)(x, **op.given, **parameters, algorithm=name)
        except correlation.NotApplicable:
            assert told.reason, (op, shape)
            assert told[:3] == (0, 0, 0)
            continue
        assert (tally.multiplications, tally.additions) == told[:2], (op, shape)
        assert not told.reason
        checked += 1
    return checked


@pytest.mark.parametrize("name", NAMES)
def test_predicted_is_counted(name: str) -> None:
    assert check_prediction(name) >= (15 if name == "winograd" else 100)


def test_predicted_is_counted_in_tiles_of_4(monkeypatch: pytest.MonkeyPatch) -> None:
    small_tiles_of_4(monkeypatch)
    assert check_prediction("winograd") >= 15


def test_predicted_is_counted_where_the_matrix_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    assert toeplitz.LARGEST == algorithms.MATRIX
    for module, name in ((toeplitz, "LARGEST"), (algorithms, "MATRIX")):
        monkeypatch.setattr(module, name, 500)
    everything = sum(1 for _ in uses())
    assert 0 < check_prediction("toeplitz") < everything - 20


def test_predicted_limits_are_those_of_the_kernels() -> None:
    assert correlation.find("im2col").WORKSPACE == algorithms.COLUMNS  # type: ignore[attr-defined]
    assert winograd.LARGE == algorithms.LARGE
    assert set(correlation.names()) == set(algorithms.ALGORITHMS)


class Number:
    """A number that counts the multiplications and additions it takes part in; plain ones meet it too."""

    multiplications = 0
    additions = 0

    def __init__(self, value: float) -> None:
        self.value = value

    def __mul__(self, other: Any) -> Number:
        Number.multiplications += 1
        return Number(self.value * getattr(other, "value", other))

    def __add__(self, other: Any) -> Number:
        Number.additions += 1
        return Number(self.value + getattr(other, "value", other))

    def __sub__(self, other: Any) -> Number:
        Number.additions += 1
        return Number(self.value - getattr(other, "value", other))

    def __neg__(self) -> Number:
        return Number(-self.value)

    __rmul__ = __mul__
    __radd__ = __add__


@pytest.mark.parametrize("large", [1, 28])
@pytest.mark.parametrize("name", ["toeplitz", "winograd"])
def test_the_numbers_count_the_same(monkeypatch: pytest.MonkeyPatch, name: str, large: int) -> None:
    """The algorithm itself runs on counting numbers; its tiles are full, for a plain zero would not count."""
    monkeypatch.setattr(winograd, "LARGE", large)
    for rank, groups in product((1, 2), (1, 2)):
        one = Map(2, 2, 4, (6, 10)[:rank], (3,) * rank, (1,) * rank, (1,) * rank, groups)
        x, w, dy = one.arrays()
        wanted = one.run("direct", x, w, dy)
        x, w, dy = (np.frompyfunc(Number, 1, 1)(array) for array in (x, w, dy))
        core, moved = correlation.find(name), (one.stride, one.dilation, groups)
        runs: list[Callable[[], Array]] = [
            lambda: core.correlate(x, w, *moved),  # noqa: B023  # run at once
            lambda: core.input_adjoint(dy, w, one.sizes, *moved),  # noqa: B023
            lambda: core.weight_adjoint(x, dy, one.kernel, *moved),  # noqa: B023
        ]
        for run, right in zip(runs, wanted, strict=True):
            tally.reset()
            Number.multiplications = Number.additions = 0
            y = run()
            assert (tally.multiplications, tally.additions) == (Number.multiplications, Number.additions)
            plain = np.frompyfunc(lambda number: getattr(number, "value", number), 1, 1)(y).astype(float)
            np.testing.assert_allclose(plain, right, atol=1e-10)


def test_the_count_of_a_transform_is_that_of_cooley_and_tukey() -> None:
    """Radix 2, each butterfly 4 multiplications and 6 additions of real numbers; half of all that for real values."""

    def transform(values: list[complex]) -> tuple[list[complex], int]:
        if len(values) == 1:
            return values, 0
        (even, first), (odd, second) = transform(values[::2]), transform(values[1::2])
        turned = [np.exp(-2j * np.pi * k / len(values)) * v for k, v in enumerate(odd)]
        pairs = list(zip(even, turned, strict=True))
        return [a + b for a, b in pairs] + [a - b for a, b in pairs], first + second + len(odd)

    for n in (1, 2, 8, 32):
        x = np.random.default_rng(n).standard_normal(n)
        spectrum, butterflies = transform(list(x.astype(complex)))
        tally.reset()
        np.testing.assert_allclose(fft._spectrum(x, (n,)), spectrum[: n // 2 + 1], atol=1e-12)
        assert (2 * tally.multiplications, 2 * tally.additions) == (4 * butterflies, 6 * butterflies)
    tally.reset()
    fft._spectrum(np.ones((3, 5, 6)), (8, 8))
    assert tally.multiplications == 3 * (8 * 2 * 12 + 8 * 2 * 12)


def test_the_counts_of_lavin_and_gray() -> None:
    """Section 4.1: F(2x2, 3x3) takes 16 multiplications, 32 additions for the operand, 24 for the result."""
    op = made("conv", {"out_channels": 1, "kernel_size": 3, "bias": False})
    told = algorithms.predict(algorithms.correlation(op, (1, 4, 4), (1, 2, 2)))["winograd"]
    kernel = algorithms._transform(algorithms.TRANSFORMS[2]["kernel"], 2, 1)
    assert told[:2] == (16 + kernel[0], 32 + 24 + kernel[1])


@pytest.mark.parametrize("name", NAMES)
def test_workspace_is_what_is_held(name: str) -> None:
    """Beside the result; the transforms of NumPy, and those of Winograd, hold copies on top while they are made."""
    most = {"fft": 4.0, "winograd": 3.0}.get(name, 1.12)
    for one in (
        Map(1, 16, 24, (62, 62), (3, 3), (1, 1), (1, 1), 1),
        Map(1, 8, 4, (21, 21), (3, 3), (1, 1), (1, 1), 1),
        Map(2, 16, 16, (81, 81), (5, 5), (2, 2), (1, 1), 2),
    ):
        x, w, dy = (array.astype(np.float32) for array in one.arrays())
        places, still = dy.shape[2:], (one.stride, one.dilation)
        told = algorithms.predict(
            algorithms.Correlation(
                one.samples, one.channels, one.outputs, one.groups, one.sizes, places, one.kernel, *still, False, 4
            )
        )[name]
        if told.reason:
            continue
        core = correlation.find(name)
        tracemalloc.start()
        y = core.correlate(x, w, *still, one.groups)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert 1 <= (peak - y.nbytes) / told.workspace <= most, one


# Matrices.


def test_a_matrix_by_hand() -> None:
    """Dumoulin & Visin 2016, section 4.1: a 3x3 kernel on a 4x4 input."""
    w = np.arange(1, 10).reshape(1, 1, 3, 3)
    full = toeplitz.matrix(w, (4, 4), (1, 1), (1, 1), 1)
    assert full.shape == (4, 16)
    assert full[0].tolist() == [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0]
    assert full[3].tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9]


def test_the_matrix_of_a_layer_is_the_layer() -> None:
    checked = 0
    for op, shape, result in uses():
        if np.prod(shape) * np.prod(result) > 100_000:
            continue
        if algorithms.predict(algorithms.correlation(op, shape, result))["toeplitz"].reason:
            continue  # too large with its padding
        rng = np.random.default_rng(0)
        x = rng.standard_normal((1, *shape))
        draw = kernels.initial(op.name)
        assert draw
        weight = draw(rng, x.shape, **op.given, dtype=float)["weight"]
        y, _ = kernels.find(op.name)(x, weight=weight, **{**op.given, "bias": False})
        full = toeplitz.layer_matrix(op.name, shape, weight, op.given)
        np.testing.assert_allclose(full @ x.reshape(-1), y.reshape(-1), atol=1e-12, err_msg=f"{op} {shape}")
        checked += 1
    assert checked > 60


def test_a_matrix_as_text() -> None:
    w = np.array([[[1.0, 0.5], [-2.0, 3.0]]])
    full = toeplitz.layer_matrix("conv", (2, 3), w, {"padding": 0})
    assert matrix_text("conv_1", full, (1, 2), (2, 3)) == (
        "conv_1: 2x3 to 1x2, a matrix of 2 x 6, Toeplitz\n"
        "  1 1/2   .    -2   3   .\n"
        "   \\   \\         \\   \\\n"
        "  .   1 1/2     .  -2   3"
    )  # fmt: skip
    full = toeplitz.layer_matrix("conv_transpose", (1, 2), w, {"stride": 2})
    assert matrix_text("up", full, (2, 4), (1, 2)) == (
        "up: 1x2 to 2x4, a matrix of 8 x 2\n"
        "  1   .\n"
        "1/2   .\n"
        "  .   1\n"
        "  . 1/2\n"
        "\n"
        " -2   .\n"
        "  3   .\n"
        "  .  -2\n"
        "  .   3"
    )  # fmt: skip


def test_constant_diagonals_are_marked_and_others_are_not() -> None:
    w = np.arange(1.0, 5.0)
    full = toeplitz.layer_matrix("conv", (1, 3, 3), w.reshape(1, 1, 2, 2), {})
    assert matrix_text("y", full, (1, 2, 2), (1, 3, 3)).splitlines() == [
        "y: 1x3x3 to 1x2x2, a matrix of 4 x 9, doubly blocked Toeplitz",
        "1 2 .   3 4 .   . . .",
        " \\ \\     \\ \\",
        ". 1 2   . 3 4   . . .",
        "",
        ". . .   1 2 .   3 4 .",
        "         \\ \\     \\ \\",
        ". . .   . 1 2   . 3 4",
    ]
    # One entry altered: the matrix is no longer called so, and only that diagonal loses its mark.
    told = matrix_text("y", altered(full, (0, 1), 7.0), (1, 2, 2), (1, 3, 3)).splitlines()
    assert told[0] == "y: 1x3x3 to 1x2x2, a matrix of 4 x 9"
    assert told[2] == " \\       \\ \\"
    signal = w[:3].reshape(1, 1, 3)
    for options, name in (
        ({"padding": 1}, "Toeplitz"),
        ({"padding": 1, "padding_mode": "circular"}, "Toeplitz"),
        ({"padding": 1, "padding_mode": "reflect"}, ""),
        ({"stride": 2}, ""),
    ):
        full = toeplitz.layer_matrix("conv", (1, 5), signal, options)
        assert called(full, (1, len(full)), (1, 5)) == name
    blocks = toeplitz.layer_matrix("conv", (1, 3, 3), w.reshape(1, 1, 2, 2), {"stride": (2, 1), "padding": (1, 0)})
    assert called(blocks, (1, 2, 2), (1, 3, 3)) == "", "its blocks are Toeplitz, and do not stand along diagonals"
    whole = toeplitz.layer_matrix("conv_transpose", (1, 2, 2, 2), np.ones((1, 1, 2, 2, 2)), {})
    assert called(whole, (1, 3, 3, 3), (1, 2, 2, 2)) == "Toeplitz on each axis"


def test_a_large_matrix_is_refused() -> None:
    check_matrix("conv_1", (1, 8, 8), (1, 8, 8))
    with pytest.raises(Misuse, match="the matrix of conv_1 has 1,024 rows and 3,072 columns, and at most 64"):
        check_matrix("conv_1", (1, 32, 32), (3, 32, 32))


# Planted errors.


def altered(matrix: Array, place: tuple[int, int], value: float) -> Array:
    changed = matrix.copy()
    changed[place] = value
    return changed


@pytest.mark.parametrize("part", ["operand", "kernel", "result"])
@pytest.mark.parametrize("m", [2, 4])
def test_a_wrong_constant_is_caught(monkeypatch: pytest.MonkeyPatch, m: int, part: str) -> None:
    right = winograd.TRANSFORMS[m]
    matrix = getattr(right, part)
    for place in ((0, 0), (1, 1), (-1, -1)):
        wrong = right._replace(**{part: altered(matrix.astype(float), place, matrix[place] + 1e-3)})
        monkeypatch.setitem(winograd.TRANSFORMS, m, wrong)
        with pytest.raises(AssertionError):
            check_agreement("winograd")


FAULTS: dict[str, tuple[Any, str, str, Callable[[Any], Any]]] = {
    "a missing conjugate": (
        fft, "_contract", "fft", lambda right: lambda terms, left, kernel: right(terms, left, kernel.conj()),
    ),
    "axes too short: the result wraps around": (
        fft, "_lengths", "fft", lambda right: lambda sizes: right(tuple(n // 2 + 1 for n in sizes)),
    ),
    "a diagonal off by one": (
        toeplitz, "matrix", "toeplitz", lambda right: lambda *given: np.roll(right(*given), 1, axis=1),
    ),
    "a diagonal off by one, backward": (
        toeplitz, "_diagonals", "toeplitz",
        lambda right: lambda full, *rest: right(np.roll(full, 1, axis=1) if full.any() else full, *rest),
    ),
    "a step down too few": (
        toeplitz, "_diagonals", "toeplitz",
        lambda right: lambda full, rows, columns, kernel, stride, *rest: right(
            full, rows, columns, kernel, tuple(max(s - 1, 1) for s in stride), *rest
        ),
    ),
    "tiles that do not overlap": (
        winograd, "_tiles", "winograd", lambda right: lambda x, places, m: right(x, places, m)[::-1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_error_is_caught(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    module, function, name, change = FAULTS[fault]
    monkeypatch.setattr(module, function, change(getattr(module, function)))
    with pytest.raises((AssertionError, ValueError)):
        check_agreement(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_prediction_is_caught(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    right = algorithms.ALGORITHMS[name]
    for field in ("multiplications", "additions"):

        def wrong(c: Any, field: str = field) -> Any:
            work = right(c)
            return work if work.reason else work._replace(**{field: getattr(work, field) + 1})

        monkeypatch.setitem(algorithms.ALGORITHMS, name, wrong)
        with pytest.raises(AssertionError):
            check_prediction(name)


# The table.

SMALL = """\
name: small
input: [2, 8, 8]
layers:
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
  - conv: {out_channels: 4, kernel_size: 3, padding: 1}
  - relu
  - conv_transpose: {out_channels: 2, kernel_size: 2, stride: 2}
"""


def written(format_: str, text: str = SMALL) -> str:
    file = io.StringIO()
    write_algorithms(format_, [convcalc.load(text).analyze()], file)
    return file.getvalue()


TABLE = """\
small: 2x8x8 -> 2x16x16

multiplications   layers   direct   im2col  toeplitz       fft  winograd
----------------  ------  -------  -------  --------  --------  --------
conv_1                 1   4.6 k    4.6 k    51.2 k    33.3 k     2.4 k*
conv_2                 2   9.2 k    9.2 k   102.4 k    58.4 k     4.8 k*
conv_transpose_1       1   2.0 k*   2.0 k*  131.1 k    33.3 k          -
total                  4  25.1 k   25.1 k   387.1 k   183.3 k    14.0 k*

additions         layers   direct   im2col  toeplitz       fft  winograd
----------------  ------  -------  -------  --------  --------  --------
conv_1                 1   4.6 k    4.4 k    50.9 k    46.5 k     3.8 k*
conv_2                 2   9.2 k    9.0 k   102.1 k    81.8 k     7.1 k*
conv_transpose_1       1   2.0 k*   2.0 k*  130.6 k    47.0 k          -
total                  4  25.1 k   24.3 k   385.8 k   257.1 k    20.1 k*

workspace         layers   direct   im2col   toeplitz       fft  winograd
----------------  ------  -------  -------  ---------  --------  --------
conv_1                 1  1.5 kB*  4.6 kB   204.8 kB    5.8 kB    6.7 kB
conv_2                 2  2.0 kB*  9.2 kB   409.6 kB   10.4 kB    9.2 kB
conv_transpose_1       1   512 B*  2.0 kB   524.3 kB   10.4 kB          -
largest                4  2.0 kB*  9.2 kB   524.3 kB   10.4 kB    9.2 kB

* marks the smallest; forward pass; of layers that are alike the first is named
winograd does not apply to a kernel other than 3, and is im2col in the totals: 1 layer
"""


def test_the_table() -> None:
    assert written("table") == TABLE


def test_the_table_in_markdown() -> None:
    """The same cells, and the same notes."""
    lines = [line.replace("\\", "") for line in written("markdown").splitlines() if line and "---" not in line]
    assert lines[0] == "### small: 2x8x8 -> 2x16x16"
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    shown = [line for line in TABLE.split("\n\n* ")[0].splitlines()[1:] if line and "---" not in line]
    assert cells == [re.split(r" {2,}", line.replace("* ", "*  ")) for line in shown]
    assert [line[2:] for line in lines if line.startswith("- ")] == TABLE.splitlines()[-2:]


def test_a_table_fits_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("resnet50", "vgg16", "unet", "dcgan_generator"):
        for line in written("table", name).split("\n\n* ")[0].splitlines():
            assert len(line) <= 80, line


def test_never_applied_has_no_total() -> None:
    totals = [line.split() for line in written("table", "resnet50").splitlines() if line.startswith("total")]
    assert [line.count("-") for line in totals] == [1, 1]


def test_records_add_up() -> None:
    (net,) = json.loads(written("json"))["nets"]
    assert net["name"] == "small"
    work = [layer["algorithms"] for layer in net["layers"]]
    assert len(work) == 4
    macs = convcalc.load(SMALL).analyze().totals.macs
    assert sum(own["direct"]["multiplications"] for own in work) == macs
    assert work[3]["winograd"] == {
        "multiplications": None, "additions": None, "workspace": None, "reason": "a kernel other than 3",
    }  # fmt: skip
    assert work[3]["fft"]["reason"] is None
    rows = list(csv.DictReader(io.StringIO(written("csv"))))
    assert list(rows[0]) == [
        "net", "layer", "op", "algorithm", "multiplications", "additions", "workspace", "reason",
    ]  # fmt: skip
    told = [
        {key: "" if value is None else str(value) for key, value in own[name].items()} for own in work for name in own
    ]
    assert [{key: row[key] for key in told[0]} for row in rows] == told


def test_a_net_without_convolutions() -> None:
    net = "input: [3]\nlayers: [relu]\n"
    assert "no convolutions" in written("table", net)
    assert json.loads(written("json", net))["nets"][0]["layers"] == []


def test_the_option(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    out = io.StringIO()
    monkeypatch.setattr(sys, "argv", ["convcalc", "shape", str(tmp_path / "small.yaml"), "--algorithms"])
    monkeypatch.setattr(sys, "stdout", out)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    assert out.getvalue() == TABLE
