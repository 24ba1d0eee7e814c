"""Small arrays as text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convcalc.report.tensors import match_text, tensor_text
from convcalc.tensors import Match

INF = float("inf")


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (5, "5"),
        ([1, -2, 10], " 1  -2  10"),
        ([[1.0, -2.0], [0.0, 100.0]], "  1   -2\n  0  100"),
        ([[0.5, -0.5], [1.0, 0.0]], " 1/2  -1/2\n   1     0"),
        ([1 / 3, 1 / 9, -2 / 7], " 1/3   1/9  -2/7"),
        ([0.2, 0.5], "0.2  0.5"),
        ([0.5, 0.123456], "0.5000  0.1235"),
        ([0.5, np.pi * 1e7], "5.000e-01  3.142e+07"),
        ([1e-9, 2e-9], "1.000e-09  2.000e-09"),
        ([1.0, np.nan, -INF], "   1   nan  -inf"),
        ([0.5, INF], "1/2  inf"),
        ([0.123456, np.nan], "0.1235     nan"),
        ([np.nan], "nan"),
        ([-0.0, 0.0], "0  0"),
        ([True, False], "1  0"),
        ([[-0.00001, 0.25]], "-0.0000   0.2500"),
        (np.float32([1 / 3, 0.5]), "1/3  1/2"),
        (np.float32([0.2, 0.75]), "0.20  0.75"),
        (np.float16([0.1, 1 / 3]), "0.1000  0.3333"),
        ([1e6, 2e6], "1.000e+06  2.000e+06"),
        (np.array([10**12]), "1000000000000"),
    ],
)
def test_numbers_as_in_a_book(array: Any, text: str) -> None:
    assert tensor_text(np.asarray(array)) == text


def test_channels_and_samples_have_headings() -> None:
    array = np.arange(8.0).reshape(1, 2, 2, 2)
    channels = "channel 0:\n0  1\n2  3\n\nchannel 1:\n4  5\n6  7"
    assert tensor_text(array) == channels
    assert tensor_text(array[0], ("channel",)) == channels
    assert tensor_text(array, ("filter", "channel")) == channels
    assert tensor_text(array.reshape(2, 1, 2, 2)) == channels.replace("channel", "sample")
    told = tensor_text(np.arange(16).reshape(2, 2, 2, 2), ("filter", "channel"))
    assert told.startswith("filter 0, channel 0:\n 0   1\n 2   3\n\nfilter 0, channel 1:")
    assert tensor_text(np.zeros((1, 1, 2, 2, 2, 2))).startswith("depth 0, frame 0:")
    assert tensor_text(np.zeros((2, 1, 1)), ()).startswith("axis 0 0:")
    assert tensor_text(np.zeros((1, 3))) == "0  0  0"


def test_small_ones_are_whole_and_large_ones_elided() -> None:
    assert "..." not in tensor_text(np.zeros((8, 8)))
    assert tensor_text(np.arange(100).reshape(10, 10)).splitlines()[2:5] == [
        " 20   21   22  ...   27   28   29",
        "...  ...  ...  ...  ...  ...  ...",
        " 70   71   72  ...   77   78   79",
    ]
    told = tensor_text(np.zeros((1, 64, 2, 2)))
    assert [line for line in told.splitlines() if ":" in line or "..." in line] == [
        "channel 0:", "channel 1:", "channel 2:", "...", "channel 61:", "channel 62:", "channel 63:",
    ]  # fmt: skip
    assert tensor_text(np.zeros((20, 20, 1, 1))).count("\n...\n") == 7
    assert "..." not in tensor_text(np.zeros((10, 10)), most=100)


def test_a_large_one_is_fast() -> None:
    assert len(tensor_text(np.zeros((64, 64, 56, 56)))) < 10_000


def test_no_values() -> None:
    assert tensor_text(np.zeros((0, 3))) == "(no values: 0x3)"


def test_matches_stand_in_columns() -> None:
    rows = [Match("conv_1.weight", "a", (4, 3)), Match("b", "features.0.bias", ())]
    assert match_text(rows) == "conv_1.weight  a                4x3\nb              features.0.bias  1"
    assert match_text([]) == ""
