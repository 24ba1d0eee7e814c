"""From two sizes to the attributes that lead from one to the other."""

from __future__ import annotations

import pytest

from convcalc.diagnostics import Misuse
from convcalc.dims import unwindow, window
from convcalc.symbolic.backwards import Setting, settings


def test_28_to_7() -> None:
    """references: k <= 11, s <= 8, p <= 5 and below the effective kernel, d <= 4: 87, of which 17 drop nothing."""
    found = settings("conv", 28, 7)
    assert (len(found), sum(not setting.left_over for setting in found)) == (87, 17)
    assert [bool(setting.left_over) for setting in found] == [False] * 17 + [True] * 70
    assert len(set(found)) == len(found)
    for k, s, p, d, _, left_over in found:
        assert window(28, d * (k - 1) + 1, s, 2 * p) == 7
        assert (28 + 2 * p - d * (k - 1) - 1) % s == left_over


@pytest.mark.parametrize(
    ("i", "o", "k", "s", "p", "more"),
    # Dumoulin & Visin 2016, the transposed cases
    [(2, 4, 3, 1, 0, 0), (6, 5, 4, 1, 2, 0), (5, 5, 3, 1, 1, 0), (7, 5, 3, 1, 2, 0), (2, 5, 3, 2, 0, 0),
     (3, 5, 3, 2, 1, 0), (3, 6, 3, 2, 1, 1)],
)  # fmt: skip
def test_transposed_cases(i: int, o: int, k: int, s: int, p: int, more: int) -> None:
    found = settings("conv_transpose", i, o)
    assert Setting(k, s, p, 1, more, 0) in found
    for kernel, stride, padding, dilation, output_padding, _ in found:
        assert unwindow(i, dilation * (kernel - 1) + 1, stride, 2 * padding, output_padding) == o
        assert output_padding < max(stride, dilation)


def test_the_simplest_come_first() -> None:
    assert settings("conv", 28, 28)[0].given() == {"kernel_size": 1}
    assert [each.given() for each in settings("conv", 28, 28)[:3]] == [
        {"kernel_size": 1}, {"kernel_size": 3, "padding": 1}, {"kernel_size": 5, "padding": 2},
    ]  # fmt: skip
    assert {"kernel_size": 2, "stride": 2} in [each.given() for each in settings("max_pool", 28, 14)]
    assert settings("conv", 7, 300) == []


def test_ops_without_windows_are_refused() -> None:
    with pytest.raises(Misuse, match="relu has no window"):
        settings("relu", 28, 7)
    with pytest.raises(Misuse, match="did you mean 'conv'"):
        settings("conf", 28, 7)
