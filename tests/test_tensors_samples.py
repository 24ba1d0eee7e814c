"""Worked examples: numbers as they are written, beside numbers as they come out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convcalc.diagnostics import Problem
from convcalc.tensors.samples import Difference, array_of, by_name, compare, inputs_of, weights_of


@pytest.mark.parametrize("shape", [(2, 2), (1, 2, 2), (1, 1, 2, 2)])
@pytest.mark.parametrize("written", [[[1, "-1/2"], [0.25, "+3 / 4"]], [[[1, "-1/2"], [0.25, "0.75/1"[:0] + "3/4"]]]])
def test_leading_axes_of_1_may_be_left_out_or_written(shape: tuple[int, ...], written: Any) -> None:
    array = array_of(written, shape)
    assert array.shape == shape
    assert array.reshape(-1).tolist() == [1, -0.5, 0.25, 0.75]
    assert array.dtype == np.float64


def test_a_number_alone() -> None:
    assert array_of("1/3", (1, 1)).tolist() == [[1 / 3]]
    assert array_of([5], (1, 1, 1), "int64").tolist() == [[[5]]]


def test_large_integers_stay_exact_where_the_dtype_can_hold_them() -> None:
    assert array_of([2**62 + 1, 0], (2,), "int64").tolist() == [2**62 + 1, 0]


def problem(call: Any, *given: Any) -> tuple[str, str]:
    with pytest.raises(Problem) as caught:
        call(*given)
    return caught.value.message, caught.value.fix


def test_another_shape() -> None:
    assert problem(array_of, [[1, 2, 3]], (1, 2, 2)) == ("the array is 1x3, and 1x2x2 is meant", "write 1x2x2 numbers")
    assert problem(array_of, [[1], [2]], (1, 2)) == ("the array is 2x1, and 1x2 is meant", "write 1x2 numbers")
    assert problem(compare, [1, 2], np.zeros((1, 3))) == ("the array is 2, and 1x3 came out", "")


def test_an_array_by_name_or_the_only_one() -> None:
    assert by_name([1], ["x"]) == {"x": [1]}
    assert by_name({"a": [1]}, ["x", "y"]) == {"a": [1]}
    assert by_name(None, ["x", "y"]) == {}
    assert problem(by_name, [1], ["x", "y"]) == ("the array could be of 2 tensors", "name one of x, y")


def test_inputs_get_a_batch_of_one() -> None:
    shapes = {"x": (1, 2), "k": (2,)}
    dtypes = {"x": "float64", "k": "int64"}
    arrays = inputs_of({"k": [1, 2], "x": [0.5, 1]}, shapes, dtypes)
    assert {name: (array.shape, array.dtype.name) for name, array in arrays.items()} == {
        "x": ((1, 1, 2), "float64"), "k": ((1, 2), "int64"),
    }  # fmt: skip
    told = "the sample and the net differ in the input 'k'"
    assert problem(inputs_of, {"x": [1, 2]}, shapes, dtypes) == (told, "give x, k")


WANTED = {
    "conv_1.weight": (1, 1, 2, 2), "conv_1.bias": (1,), "conv_2.weight": (1, 1, 1, 1),
    "batch_norm_1.weight": (1,), "batch_norm_1.bias": (1,),
    "batch_norm_1.running_mean": (1,), "batch_norm_1.running_var": (1,),
}  # fmt: skip


def test_weights_of_the_layers_that_are_spoken_of() -> None:
    given = {
        "conv_1.bias": 3,
        "conv_1.weight": [[1, 0], [0, "-1/2"]],
        "batch_norm_1.weight": 2,
        "batch_norm_1.bias": [1],
    }
    weights = weights_of(given, WANTED)
    assert weights.keys() == {"conv_1", "batch_norm_1"}
    assert weights["conv_1"]["weight"].tolist() == [[[[1, 0], [0, -0.5]]]]
    assert weights["conv_1"]["bias"].tolist() == [3]
    assert {name: array.tolist() for name, array in weights["batch_norm_1"].items()} == {
        "weight": [2], "bias": [1], "running_mean": [0], "running_var": [1],
    }  # fmt: skip


def test_weights_that_are_not_there_or_missing() -> None:
    told = "there is 'conv_1.weight' and no 'conv_1.bias'"
    assert problem(weights_of, {"conv_1.weight": [[1, 2], [3, 4]]}, WANTED)[0] == told
    assert problem(weights_of, {"conv_1.wight": [1]}, WANTED) == (
        "there is no parameter 'conv_1.wight'", "did you mean 'conv_1.weight'?",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ([1, -2, 0], [1, -2, 0]),
        (["1/3", "-1/2"], [1 / 3, -0.5]),
        (["1/3", 1], [(0.1 + 0.2) / 0.9, 1 / 3 + 1 / 3 + 1 / 3]),
        ([0.333333, 1000.0], [1 / 3, 1000.0009]),
        ([1e-9], [1.0000005e-9]),
        ([0.0], [1e-7]),
        ([10**15 + 1], [10**15 + 1.0]),
    ],
)
def test_as_written(expected: Any, found: Any) -> None:
    assert compare(expected, np.array([found])) is None


@pytest.mark.parametrize(
    ("expected", "found", "place"),
    [
        ([1, -2, 0], [1, -2, 1e-9], 2),
        (["1/3", "-1/2"], [0.33333333, -0.5], 0),
        ([0.5, 0.25], [0.5, 0.250001], 1),
        ([1e-9], [2e-9], 0),
        ([0.0], [1e-5], 0),
        ([1, 2], [1, np.nan], 1),
        ([1.0, 2.0], [np.inf, 2.0], 0),
        ([10**15 + 1], [10**15 + 3e3], 0),
    ],
)
def test_otherwise_than_written(expected: Any, found: Any, place: int) -> None:
    array = np.array([found])
    difference = compare(expected, array)
    assert difference is not None
    assert difference.at == (0, place)
    assert difference.expected == expected[place]
    np.testing.assert_equal(difference.found, found[place])


def test_the_place_is_that_of_the_result() -> None:
    assert compare([[1, 2], [3, 4]], np.array([[[[1, 2], [3.5, 4]]]])) == Difference((0, 0, 1, 0), 3, 3.5)
    assert compare([[True * 1, 2]], np.array([[1, 3]])) == Difference((0, 1), 2, 3)
