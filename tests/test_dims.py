"""The size formulas against counting by definition: no formula is retyped here."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.dims import Demand, ceil_div, extent, prod, unwindow, window, window_caffe, window_ceil

SIZES = [
    (n, k, s, p, d) for n in range(1, 15) for k in range(1, 6) for s in range(1, 6) for p in range(5) for d in (1, 2, 3)
]


def taps_of(start: int, kernel: int, dilation: int) -> list[int]:
    """The positions of a window that starts here."""
    return [start + dilation * tap for tap in range(kernel)]


def fitting(n: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> int:
    """Windows whose every tap lies in the padded input, counted one by one."""
    count, start = 0, -before
    while taps_of(start, kernel, dilation)[-1] < n + after:
        count += 1
        start += stride
    return count


def rounded_up(n: int, kernel: int, stride: int, dilation: int, before: int, after: int, *, clipped: bool) -> int:
    """Windows counted as long as the one before leaves positions behind it; ``clipped``: and it starts in front of
    the padding behind the input."""
    count, start = 0, -before
    while taps_of(start - stride, kernel, dilation)[-1] + 1 < n + after and (start < n or not clipped):
        count += 1
        start += stride
    return count


def test_extent_spans_the_taps() -> None:
    for kernel, dilation in product(range(1, 12), range(1, 12)):
        taps = taps_of(5, kernel, dilation)
        assert extent(kernel, dilation) == len(range(taps[0], taps[-1] + 1))


def test_window_counts_windows() -> None:
    counts = 0
    for n, k, s, p, d in SIZES:
        for after in {p, 0, p + 1}:
            count = fitting(n, k, s, d, p, after)
            found = window(n, extent(k, d), s, p + after)
            assert max(found, 0) == count, (n, k, s, p, after, d)
            counts += count > 0
    assert counts > 12_000


@pytest.mark.parametrize("clipped", [True, False])
def test_rounding_up_counts_windows(clipped: bool) -> None:
    """A pool is valid exactly where a window counts, and then there are as many as counted."""
    counts = 0
    for n, k, s, p, d in SIZES:
        for after in {p, 0, p + 1}:
            span = extent(k, d)
            count = rounded_up(n, k, s, d, p, after, clipped=clipped)
            found = window_ceil(n, span, s, p, after) if clipped else window_caffe(n, span, s, p + after)
            assert max(found, 0) == count, (n, k, s, p, after, d)
            counts += count > 0
    assert counts > 12_000


def test_unwindow_is_the_space_that_the_kernels_cover() -> None:
    for n, k, s, p, d in SIZES:
        covered = {position for i in range(n) for position in taps_of(i * s, k, d)}
        for more in range(3):
            kept = range(min(covered) + p, max(covered) + 1 + more)
            assert max(unwindow(n, extent(k, d), s, p, more), 0) == len(kept)


def test_unwindow_undoes_window() -> None:
    """As many windows fit in what a transposed convolution makes of ``n`` as ``n``, below one stride more."""
    for n, k, s, p, d in SIZES:
        span = extent(k, d)
        for more in range(s):
            assert window(unwindow(n, span, s, 2 * p, more), span, s, 2 * p) == n


def test_same_size_takes_one_window_a_stride() -> None:
    """TensorFlow's SAME: windows start at 0, stride, 2 * stride ... inside the input."""
    for n, s in product(range(1, 60), range(1, 12)):
        assert ceil_div(n, s) == len(range(0, n, s))


@given(st.integers(-(2**62), 2**62), st.integers(1, 2**31))
def test_ceil_div_is_the_ceiling(n: int, d: int) -> None:
    result = ceil_div(n, d)
    assert (result - 1) * d < n <= result * d


@given(
    st.integers(1, 2**40),
    st.integers(1, 64),
    st.integers(1, 64),
    st.integers(0, 64),
    st.integers(0, 64),
    st.integers(1, 16),
)
def test_windows_of_large_inputs(n: int, kernel: int, stride: int, before: int, after: int, dilation: int) -> None:
    """What makes a count right, where counting takes too long: the last window fits, one more would not."""
    span = extent(kernel, dilation)
    count = window(n, span, stride, before + after)
    if count >= 1:
        assert taps_of((count - 1) * stride - before, kernel, dilation)[-1] < n + after
    assert taps_of(count * stride - before, kernel, dilation)[-1] >= n + after
    clipped = window_ceil(n, span, stride, before, after)
    whole = window_caffe(n, span, stride, before + after)
    assert clipped == min(whole, ceil_div(n + before, stride))
    assert count <= whole <= count + 1


DUMOULIN = [
    # i, k, s, p, d, o
    (4, 3, 1, 0, 1, 2), (5, 4, 1, 2, 1, 6), (5, 3, 1, 1, 1, 5), (5, 3, 1, 2, 1, 7),
    (5, 3, 2, 0, 1, 2), (5, 3, 2, 1, 1, 3), (6, 3, 2, 1, 1, 3), (7, 3, 1, 0, 2, 3),
]  # fmt: skip
DUMOULIN_TRANSPOSED = [
    # i, k, s, p, output padding, o
    (2, 3, 1, 0, 0, 4), (6, 4, 1, 2, 0, 5), (5, 3, 1, 1, 0, 5), (7, 3, 1, 2, 0, 5),
    (2, 3, 2, 0, 0, 5), (3, 3, 2, 1, 0, 5), (3, 3, 2, 1, 1, 6),
]  # fmt: skip


@pytest.mark.parametrize(("i", "k", "s", "p", "d", "o"), DUMOULIN)
def test_dumoulin_and_visin(i: int, k: int, s: int, p: int, d: int, o: int) -> None:
    assert window(i, extent(k, d), s, 2 * p) == o == fitting(i, k, s, d, p, p)


@pytest.mark.parametrize(("i", "k", "s", "p", "more", "o"), DUMOULIN_TRANSPOSED)
def test_dumoulin_and_visin_transposed(i: int, k: int, s: int, p: int, more: int, o: int) -> None:
    assert unwindow(i, k, s, 2 * p, more) == o


def test_lecture_figures() -> None:
    assert (window(300, 4, 1, 4), window(400, 5, 1, 4)) == (301, 400)
    assert window(28, 3, 2, 0) == 13
    assert (window(3, 3, 2, 4), window(5, 3, 2, 2)) == (3, 3)
    assert extent(3, 4) == 9
    assert [window(28, 3, 1, 0), window(26, 2, 2, 0), window(13, 3, 1, 0), window(11, 2, 2, 0)] == [26, 13, 11, 5]
    assert window_ceil(11, 2, 2, 0, 0) == 6


def test_ways_from_28_to_7() -> None:
    """References: 87 solutions, 17 of them drop nothing."""
    found = dropping = 0
    for k, s, p, d in product(range(1, 12), range(1, 9), range(6), range(1, 5)):
        if (k > 1 or d == 1) and p < extent(k, d) and window(28, extent(k, d), s, 2 * p) == 7:
            found += 1
            last = taps_of(6 * s - p, k, d)[-1]
            dropping += last < 27 + p
    assert (found, found - dropping) == (87, 17)


def test_arrays_give_what_ints_give() -> None:
    n = np.arange(1, 40)
    for s, p, d in product((1, 2, 3), (0, 1, 2), (1, 2)):
        span = extent(3, d)
        rules = [
            (lambda m, a=(span, s, 2 * p): window(m, *a)),
            (lambda m, a=(span, s, p, p): window_ceil(m, *a)),
            (lambda m, a=(span, s, 2 * p): window_caffe(m, *a)),
            (lambda m, a=(span, s, 2 * p, 1): unwindow(m, *a)),
            (lambda m, a=s: ceil_div(m, a)),
        ]
        for rule in rules:
            assert rule(n).tolist() == [rule(int(m)) for m in n]


def test_prod() -> None:
    assert prod(()) == 1
    assert prod((2, 3, 7)) == 42
    assert prod(n for n in (5, 0)) == 0


@pytest.mark.parametrize(
    ("relation", "left", "holds"),
    [
        (">=", 3, False),
        (">=", 4, True),
        (">=", 5, True),
        ("<=", 4, True),
        ("<=", 5, False),
        ("==", 4, True),
        ("==", 5, False),
    ],
)
def test_demands(relation: str, left: int, holds: bool) -> None:
    demand = Demand(left, relation, 4, "code", "{left} against {right}")
    assert demand.holds() is holds
    assert demand.sentence() == f"{left} against 4"


def test_a_demand_has_a_known_relation() -> None:
    with pytest.raises(ValueError, match="no relation '<'"):
        Demand(1, "<", 2, "code", "").holds()
