"""Explanations: what is written out, read again by the expression grammar, gives what the analysis says."""

from __future__ import annotations

import operator
import re
from io import StringIO
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from convcalc import expressions, kernels, load
from convcalc.cli import app
from convcalc.diagnostics import Misuse
from convcalc.dims import ceil_div, extent, window, window_caffe
from convcalc.explain.layer import Explanation, explain
from convcalc.explain.net import explanations
from convcalc.explain.page import write
from convcalc.explain.spelled import Bracket, Name, Spelled, Sum, named, spelling
from convcalc.explain.terms import sums
from convcalc.explain.writing import LATEX, formula, numbers
from convcalc.expressions import evaluate
from convcalc.graph import Graph
from convcalc.ops.conv import Conv
from convcalc.spec.shipped import files

if TYPE_CHECKING:
    from convcalc.analysis import Analysis


def names_in(of: Sum) -> dict[str, int]:
    found: dict[str, int] = {}
    waiting: list[Any] = [of]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Name):
            found[part.text] = part.value
        elif isinstance(part, Sum):
            waiting += [atom for product, _ in part.terms for atom, _ in product]
        elif isinstance(part, Bracket):
            waiting.append(part.inside)
        else:
            waiting += [part.above, part.below]
    return found


def every_explanation() -> list[tuple[Analysis, Explanation]]:
    found = []
    for path in files().values():
        analysis = load(path).analyze()
        found += [(analysis, told) for told in explanations(analysis)]
    return found


def test_formulas_and_numbers_of_every_shipped_layer_evaluate_to_the_analysis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expressions, "MAX_LENGTH", 10**6)
    seen: set[str] = set()
    for analysis, told in every_explanation():
        row = analysis[told.name]
        seen.add(row.op)
        assert told.outputs == row.shapes
        values = {step.what: int(step.value) for step in told.steps}
        for step in told.steps:
            spelt = spelling(step.value)
            for text in (numbers(spelt), formula(spelt)):
                assert evaluate(text, names_in(spelt)) == step.value, (told.name, step.what, text)
        assert values.get("MACs", 0) == row.macs
        stored = {name: values[name] for name in told.op.parameters(*told.operands)}
        assert values.get("parameters", sum(stored.values())) == sum(stored.values())
        assert stored == {name: prod(shape) for name, shape in told.op.parameters(*told.operands).items()}
        for what, known in (("receptive field", row.receptive_field), ("its stride", row.stride)):
            size = values.get(what)
            assert size is None or (size,) * len(known) == known, (told.name, what)
    assert seen >= {"conv", "conv_transpose", "max_pool", "avg_pool", "linear", "concat", "upsample", "crop"}


def test_a_formula_is_as_short_as_by_hand() -> None:
    n, k, s, p = (named(name, value) for name, value in (("n", 9), ("k", 3), ("s", 2), ("p", 1)))
    assert formula(spelling(window(n, extent(k, 1), s, p + p))) == "floor((n + 2*p - k)/s) + 1"
    assert formula(spelling(window(n, extent(k, 1), 1, 0))) == "n - k + 1"
    assert formula(spelling(ceil_div(n, s))) == "ceil(n/s)"
    assert formula(spelling(window_caffe(n, k, s, 0))) == "ceil((n - k)/s) + 1"
    assert formula(spelling(prod([k, k, n - 1, s]))) == "k^2*(n - 1)*s"
    assert formula(spelling(n - n)) == "0"
    assert formula(spelling(-p + n)) == "n - p"
    assert formula(spelling(n * 0 + 4)) == "4"


def test_every_operator_keeps_the_number_and_tells_it() -> None:
    a, b = named("a", 17), named("b", 5)
    for x, y in ((a, b), (a, 5), (17, b), (b, a), (a, -3)):
        for operate in (operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod):
            found = operate(x, y)
            assert found == operate(int(x), int(y))
            spelt = spelling(found)
            assert evaluate(formula(spelt), names_in(spelt)) == found
            assert evaluate(numbers(spelt), {}) == found


def test_a_wrong_number_would_be_seen() -> None:
    wrong = Spelled(8, spelling(named("a", 3) + named("b", 4)))
    assert evaluate(numbers(spelling(wrong)), {}) != wrong


def test_latex_is_balanced_and_escapes_names() -> None:
    told = explain("c", Conv(out_channels=4, kernel_size=3, groups=2, stride=2), ((6, 9, 9),), ())
    for step in told.steps:
        text = formula(spelling(step.value), LATEX, told.exact)
        assert text.count("{") == text.count("}")
        assert not re.search(r"[a-z]_[a-z]", text)
    (weight,) = (step for step in told.steps if step.what == "weight")
    assert "\\frac{C}{\\text{groups}}" in formula(spelling(weight.value), LATEX, told.exact)


def test_powers_and_lists_are_named_as_a_rule_and_a_user_write_them() -> None:
    shuffled = run("op", "pixel_shuffle", "16x3x3", "--upscale-factor", "2")[1]
    assert "channels         C/upscale_factor^2 = 16/2^2 = 4\n" in shuffled
    gathered = run("op", "pixel_unshuffle", "4x6", "--downscale-factor", "3")[1]
    assert "channels         C*downscale_factor = 4*3 = 12\n" in gathered
    assert "channels         sections_1 = 2\n" in run("op", "split", "6x4x4", "--sections", "2,4")[1]
    assert "size_H = 4\n" in run("op", "crop", "3x9x8", "--size", "4,5")[1]


def test_lines_are_broken_for_a_narrow_terminal_and_not_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [explain("c", Conv(out_channels=64, kernel_size=7, stride=2, padding=3), ((3, 224, 224),), ())]
    monkeypatch.setenv("COLUMNS", "70")
    piped, terminal = StringIO(), StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    for file in (piped, terminal):
        write("text", told, file)
    assert "  bias           out_channels = 64\n" in terminal.getvalue()
    assert max(map(len, terminal.getvalue().splitlines()[1:])) <= 70
    assert max(map(len, piped.getvalue().splitlines()[1:])) > 70


def test_markdown_keeps_backslashes_from_being_read_and_groups_digits() -> None:
    told = run("op", "conv", "64x6x6", "--out-channels", "64", "--kernel-size", "3", "-f", "markdown")[1]
    assert "- height, width: $`H - \\text{kernel\\_size} + 1 = 6 - 3 + 1 = 4`$\n" in told
    assert " = 36{,}864`$\n" in told
    terms = run("op", "conv", "1x2x2", "--out-channels", "1", "--kernel-size", "2", "--terms", "-f", "markdown")[1]
    for page in (told, terms):
        formulas = [line for line in page.splitlines() if line.startswith("- ")]
        assert formulas
        assert all(re.fullmatch(r"- ([^$]+: )?\$`[^`$]+`\$", line) for line in formulas)
    assert "&= 36{,}864 " in run("op", "conv", "64x6x6", "--out-channels", "64", "--kernel-size", "3", "-f", "latex")[1]


BILINEAR = [
    ("conv", (1, 3, 3), {"out_channels": 1, "kernel_size": 2, "bias": False}),
    ("conv", (4, 5), {"out_channels": 2, "kernel_size": 3, "groups": 2, "stride": 2, "padding": 2, "dilation": 2}),
    ("conv", (2, 5, 4), {"out_channels": 2, "kernel_size": (3, 2), "stride": (2, 1), "padding": "same_upper"}),
    (
        "conv",
        (1, 4, 3),
        {"out_channels": 2, "kernel_size": (3, 2), "padding": 2, "padding_mode": "reflect", "flip": True},
    ),
    ("conv", (2, 5), {"out_channels": 1, "kernel_size": 3, "padding": 2, "padding_mode": "circular", "dilation": 2}),
    ("conv_transpose", (2, 3, 2), {"out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 1, "groups": 2}),
    ("conv_transpose", (1, 3), {"out_channels": 1, "kernel_size": 3, "stride": 2, "output_padding": 1}),
    ("linear", (5,), {"out_features": 3}),
    ("linear", (2, 3), {"out_features": 2, "bias": False}),
    ("local_conv", (1, 3, 4), {"out_channels": 1, "kernel_size": 2}),
    ("local_conv", (2, 6), {"out_channels": 3, "kernel_size": 3, "stride": 2, "padding": 1, "flip": True}),
    ("tiled_conv", (1, 5, 4), {"out_channels": 1, "kernel_size": 2, "tiles": (2, 3)}),
    ("tiled_conv", (2, 7), {"out_channels": 2, "kernel_size": 2, "tiles": 2, "dilation": 2, "padding": [[2, 0]]}),
    ("filter", (1, 4, 5), {"kernel": "sobel_x", "padding": 1}),
    ("filter", (3, 6), {"kernel": [1, 2, 4], "divisor": 8, "flip": True, "padding": 2, "padding_mode": "reflect"}),
]


@pytest.mark.parametrize(("kind", "shape", "attributes"), BILINEAR)
def test_sums_are_what_the_kernel_computes_forward_and_backward(
    kind: str, shape: tuple[int, ...], attributes: dict[str, Any]
) -> None:
    graph = Graph()
    graph.output(graph.add(kind, graph.input(shape), **attributes))
    analysis = graph.analyze()
    (told,) = explanations(analysis)
    rng = np.random.default_rng(1)
    parameters = {name: rng.standard_normal(shape) for name, shape in analysis.rows[0].parameters.items()}
    x = rng.standard_normal((1, *shape))
    y, vjp = kernels.find(kind)(x, **{**told.op.given, **parameters})
    dy = rng.standard_normal(y.shape)
    gradients = vjp(dy)
    held = {"x": x[0], "y": y[0], "dy": dy[0], "dx": gradients[0][0]}
    if kind == "filter":
        written = np.outer([1, 2, 1], [-1, 0, 1]) if attributes["kernel"] == "sobel_x" else attributes["kernel"]
        held |= {"w": np.array(written) / attributes.get("divisor", 1)}
    else:
        held |= {"w": parameters["weight"], "dw": gradients["weight"]}
    if "bias" in parameters:
        held |= {"b": parameters["bias"], "db": gradients["bias"]}

    def at(factor: tuple[str, tuple[int, ...]]) -> float:
        letter, index = factor
        array = held[letter]
        lacking = array.ndim - len(index)
        if lacking == 2 and kind in ("local_conv", "tiled_conv"):
            # Between the single channels stands the kernel's place.
            return float(array[(0, *index[: len(shape) - 1], 0, *index[len(shape) - 1 :])])
        return float(array[(0,) * lacking + index])

    told_of: set[str] = set()
    for name, values in sums(told):
        told_of.add(name)
        touched = {value.of[1] for value in values}
        assert len(touched) == len(values)
        for value in values:
            assert sum(prod(map(at, factors)) for factors in value.products) == pytest.approx(at(value.of)), value
        # What no term adds to is 0.
        single = len(values[0].of[1]) < held[name].ndim
        places = np.ndindex(tuple(n for n in held[name].shape if n > 1) if single else held[name].shape)
        assert all(at((name, place)) == 0 for place in places if place not in touched)
    assert told_of == {"y", "dx"} | {f"d{name[0]}" for name in parameters}


def test_sums_of_a_large_layer_and_of_another_op_are_refused() -> None:
    analysis = load("lenet5").analyze()
    for layer, message in (("C1", "more than 2,000 terms"), ("S2", "sums are written out for conv")):
        with pytest.raises(Misuse, match=message):
            list(sums(next(iter(explanations(analysis, layer)))))


def run(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, args)
    return result.exit_code, result.stdout, str(result.exception or "")


def test_command_explains_a_layer_a_block_and_all_copies() -> None:
    assert run("explain", "resnet50", "conv1")[1].startswith("conv1: conv(out_channels=64")
    told = run("explain", "unet", "down1")[1]
    assert [line.partition(":")[0] for line in told.splitlines() if line and line[0] != " "] == [
        "down1/conv_1", "down1/relu_1", "down1/conv_2", "down1/relu_2",
    ]  # fmt: skip
    assert "there is no layer 'down9': did you mean 'down4'" in run("explain", "unet", "down9")[2]
    assert "there is no format 'tex'" in run("explain", "unet", "-f", "tex")[2]


def test_op_takes_every_attribute_as_an_option() -> None:
    code, told, _ = run(
        "op", "conv", "3x8x9", "--out-channels", "4", "--kernel-size=3,2", "--no-bias", "--padding", "[[1,0],2]"
    )
    assert code == 0
    assert told.startswith("conv_1: conv(out_channels=4, kernel_size=(3, 2), bias=False, padding=((1, 0), 2)) of 3x8x9")
    assert "makes 4x7x12" in told
    assert "makes 3x5x5" in run("op", "max_pool", "3x9x9", "--kernel-size", "2", "--ceil-mode")[1]
    assert "reshape(shape=(60,)) of 3x4x5 makes 60" in run("op", "reshape", "3x4x5", "--shape", "60")[1]
    assert "of 3x8x8 and 3x8x8 makes 6x8x8" in run("op", "concat", "3x8x8", "3x8x8")[1]
    assert "makes 3x8x8" in run("op", "max_unpool", "3x4x4", "3x4x4", "--kernel-size", "2")[1]
    assert "'--' follows no option" in run("op", "relu", "3x8", "--=3")[2]
    assert run("op", "linear", "3", "--bias", "--no-bias")[2] == "bias is given twice: true, and false"
    assert run("op", "conf", "3x8")[2] == "there is no op 'conf': did you mean 'conv'?"
    assert "not '3y8'" in run("op", "relu", "3y8")[2]
    assert "'kernel-size' follows no option" in run("op", "conv", "3x8", "--bias", "false", "kernel-size")[2]


@pytest.mark.parametrize(
    "said",
    [
        "--out-channels 4 --kernel-size 3 --no-bias 3x9x9",
        "--out-channels 4 --no-bias 3x9x9 --kernel-size 3",
        "--no-bias 3x9x9 --flip=false --out-channels 4 --kernel-size=3",
        "--out-channels 4 --kernel-size 3 --bias false 3x9x9",
    ],
)
def test_op_takes_shapes_behind_attributes_too(said: str) -> None:
    code, told, _ = run("op", "conv", *said.split())
    assert code == 0
    assert " of 3x9x9 makes 4x7x7\n" in told
    assert "bias=False" in told


def test_op_takes_a_shape_behind_a_switch_and_a_word_as_its_value() -> None:
    assert "ceil_mode=True) of 3x9x9" in run("op", "max_pool", "--kernel-size", "2", "--ceil-mode", "3x9x9")[1]
    assert "ceil_mode='caffe') of 3x9x9" in run("op", "max_pool", "--kernel-size=2", "--ceil-mode", "caffe", "3x9x9")[1]
    assert "makes 3" in run("op", "linear", "--out-features", "3", "512")[1]


def test_op_says_how_many_shapes_are_wanted() -> None:
    for said, told in {
        "cross_entropy 10": "cross_entropy takes 2 operands, 1 given: write their shapes, as in 3x8x8 3x8x8",
        "add 3x4": "add takes 2 operands or more, 1 given",
        "conv": "conv takes 1 operand, 0 given: write their shapes, as in 3x8x8",
        "conv --kernel-size 3": "conv takes 1 operand, 0 given: write their shapes, as in 3x8x8",
        "relu 3x4 3x4": "relu takes 1 operand, 2 given",
    }.items():
        assert told in run("op", *said.split())[2]


def test_op_says_which_options_are_missing() -> None:
    told = run("op", "conv", "3x8x8")[2]
    assert told.strip() == "conv needs kernel_size, out_channels: add --kernel-size 1 --out-channels 1"
    assert run("op", "conv", "3x8x8", *told.partition(": add ")[2].split())[0] == 0
    assert "did you mean 'kernel_size'" in run("op", "max_pool", "3x8x8", "--kernal-size", "2")[2], "no option to add"


def test_op_of_sizes_with_names_tells_closed_forms() -> None:
    told = run("op", "conv", "CxHxW", "--out-channels", "64", "--kernel-size", "k", "--padding", "same", "--stride=1")[
        1
    ]
    assert "parameters       64*C*k^2 + 64\n" in told
    assert "MACs             64*C*H*W*k^2\n" in told
    assert "checked against the net at C = 224, H = 224, W = 224, k = 1; " in told
    assert (
        r"\left\lceil \frac{n}{2} \right\rceil"
        in run("op", "avg_pool", "3xn", "--kernel-size", "2", "--ceil-mode", "-f", "latex")[1]
    )
    pooled = run("op", "max_pool", "CxL", "--kernel-size", "k", "--padding", "p", "--ceil-mode")[1]
    assert " and p >= 0 and k >= 2*p\nchecked" in pooled
    assert "checked against the net at C = 224, L = 224, k = 1, p = 0" in pooled
    assert "and p >= 0\nchecked" in run("op", "pad", "3xL", "--padding", "p")[1]
    assert "and a >= 0 and L >= a + 1\n" in run("op", "slice", "3xL", "--dim", "2", "--start", "a")[1]
    assert "and n >= 1 " in run("op", "reshape", "3xL", "--shape", "n,-1")[1]
    assert "give every size a number" in run("op", "linear", "F", "--out-features", "2", "--terms")[2]
    assert "or 3xHxW, not '3xH-1'" in run("op", "relu", "3xH-1")[2]
    assert "has no format 'markdown'" in run("op", "relu", "3xH", "-f", "markdown")[2]


def test_behind_a_permute_the_field_is_told_without_the_arithmetic_of_other_axes() -> None:
    net = Graph()
    x = net.add(
        "permute", net.add("conv", net.input((1, 9, 11)), out_channels=4, kernel_size=3, stride=2), dims=[0, 1, 3, 2]
    )
    net.output(net.add("conv", x, out_channels=4, kernel_size=[3, 1]))
    analysis = net.analyze()
    assert analysis["conv_2"].receptive_field == (3, 7)
    (told,) = explanations(analysis, "conv_2")
    values = {step.what: int(step.value) for step in told.steps}
    assert (values["receptive field, height"], values["receptive field, width"]) == (3, 7)
