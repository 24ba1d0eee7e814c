"""Lints fire on what is wrong, and on nothing that a good network does."""

from __future__ import annotations

import importlib
from itertools import product
from pathlib import Path

import pytest
from calls import calls

from convcalc import load
from convcalc.checks.lints import Linter, lints, names
from convcalc.checks.lints.padding_alone import _leaves
from convcalc.checks.project import check_project
from convcalc.checks.specs import Task, check_spec, check_task
from convcalc.ops._op import Taps
from convcalc.source import Source
from convcalc.spec.shipped import files

SHIPPED = sorted(files())
CONV = "conv: {out_channels: 8, kernel_size: 3, padding: 1}"


def codes(text: str, folder: Path) -> list[str]:
    path = folder / "net.yaml"
    path.write_text(text)
    return [finding.code for finding in check_spec(str(path)).findings]


def layers(*entries: str, given: str = "[8, 16, 16]", head: str = "") -> str:
    return f"{head}input: {given}\nlayers:\n" + "".join(f"  - {entry}\n" for entry in entries)


def test_every_module_is_a_lint() -> None:
    folder = Path(importlib.import_module("convcalc.checks.lints").__file__ or "").parent
    assert len(names()) == len([p for p in folder.glob("*.py") if not p.name.startswith("_")]) > 12
    for code, lint in lints().items():
        assert hasattr(lint, "look") != hasattr(lint, "read"), code
        assert lint.__doc__


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_specs_pass_without_an_ignore(name: str) -> None:
    path = files()[name]
    assert "convcalc: ignore" not in Path(path).read_text()
    assert check_project([path]).findings == ()


def test_shipped_variants_pass_by_name() -> None:
    outcome = check_project(["vgg16_bn", "resnet50", "densenet121"])
    assert (outcome.exit_code, outcome.nets) == (0, 3)


GOOD = {
    "a bias that a residual needs": (CONV, "batch_norm", "add: [[" + CONV + "], []]"),
    "a bias that is an output too": (CONV, "batch_norm"),
    "a bias whose result two read": (CONV + "\n    name: both", "batch_norm", "add:\n    from: [both, batch_norm_1]"),
    "a bias before a norm over groups": (CONV, "group_norm: {num_groups: 2}", "relu"),
    "a dense bias by column": ("{linear: {out_features: 16}}", "batch_norm"),
    "relu, then another activation": (CONV, "relu", "sigmoid"),
    "relu around a residual": (CONV, "relu", "add: [[" + CONV + ", relu], []]", "relu"),
    "a dense bottleneck": ("flatten", "linear: {out_features: 4}", "linear: {out_features: 64}"),
    "a dense layer on tokens": ("linear: {out_features: 32}",),
    "a dense layer on channels-last": (CONV, "permute: {dims: [0, 2, 3, 1]}", "linear: {out_features: 32}"),
    "pixels between windows": (CONV, "conv: {out_channels: 8, kernel_size: 1, stride: 2}"),
    "a wide dilation": ("conv: {out_channels: 8, kernel_size: 3, dilation: 24, padding: 24}",),
    "a full convolution": ("conv: {out_channels: 8, kernel_size: 3, padding: full}",),
    "TensorFlow's padding": ("conv: {out_channels: 8, kernel_size: 3, stride: 2, padding: same_upper}",),
    "a strided transposed convolution": ("conv_transpose: {out_channels: 8, kernel_size: 2, stride: 2}",),
    "a square": ("mul:\n    from: [input, input]",),
    "gray to colours": ("concat:\n    from: [input, input, input]",),
    "dropout of nothing": (CONV, "dropout: {p: 0}"),
    "a head that flattens a vector": ("flatten", "flatten", "linear: {out_features: 4}"),
    "softmax of two": (CONV, "softmax"),
}  # fmt: skip


@pytest.mark.parametrize("case", GOOD)
def test_what_is_good_is_left_alone(case: str, tmp_path: Path) -> None:
    outputs = "outputs: [conv_1, batch_norm_1]\n" if "output too" in case else ""
    text = layers(*GOOD[case], head=outputs)
    if case == "a bias that a residual needs":
        text = layers("{" + CONV[:-1] + ", bias: false}}", *GOOD[case][1:])
    assert codes(text, tmp_path) == []


def test_a_bias_that_is_shared_is_left_alone(tmp_path: Path) -> None:
    assert codes(layers(CONV, "batch_norm", CONV + "\n    share: conv_1"), tmp_path) == []


def test_what_one_variant_does_not_need_is_no_mistake_of_the_file(tmp_path: Path) -> None:
    family = layers(CONV, "batch_norm:\n    when: norm", head="vars: {norm: 0}\n")
    variant = "variants: {net_bn: {vars: {norm: 1}}}\n"
    assert codes(family + variant, tmp_path) == []
    assert codes(family.replace("norm: 0", "norm: 1"), tmp_path) == ["bias-before-norm"]
    both = family.replace("norm: 0", "norm: 1") + variant.replace("norm: 1", "norm: 2")
    assert codes(both, tmp_path) == ["bias-before-norm"]


def test_what_one_copy_needs_is_no_mistake_of_the_block(tmp_path: Path) -> None:
    block = (
        "input: [8, 16, 16]\nblocks:\n  Unit:\n    args: {norm: required}\n    layers:\n"
        f"      - {CONV}\n      - batch_norm:\n        when: norm\nlayers:\n  - Unit: {{norm: 1}}\n"
    )
    assert codes(block, tmp_path) == ["bias-before-norm"]
    assert codes(block + "  - Unit: {norm: 0}\n", tmp_path) == []


def test_what_is_so_in_several_nets_is_told_once_of_the_one_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    text = layers("conv: {out_channels: 8, kernel_size: 1, stride: 2}", given="[3, H, 8]", head="vars: {H: 8}\n")
    path.write_text(text + "variants: {net_b: {vars: {H: 16}}, net_c: {vars: {H: 32}}}\n")
    found = {}
    for named in ("", "net_c"):
        (finding,) = check_task(Task(Source(str(path), path.read_text()), named)).findings
        found[named] = finding.message.rpartition("sees ")[2], finding.variants
    assert found == {
        "": ("3 of 8 positions of 'input' that lie between others", ()),
        "net_c": ("15 of 32 positions of 'input' that lie between others", ()),
    }


def test_a_finding_of_some_variants_names_them(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    text = layers("relu:\n    when: deep", "relu:\n    when: deep", head="vars: {deep: 0}\n")
    path.write_text(text + "variants: {net_deep: {vars: {deep: 1}}}\n")
    (finding,) = check_spec(str(path)).findings
    assert (finding.code, finding.variants, finding.severity) == ("activation-twice", ("net_deep",), "warning")


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        (("flatten", "linear: {out_features: 8}", "dropout", "linear: {out_features: 4}"), "dense-after-dense"),
        ((CONV, "relu", "dropout", "relu"), "activation-twice"),
        ((CONV, "instance_norm", "relu"), "bias-before-norm"),
        (("batch_norm", "instance_norm"), "norm-twice"),
        ((CONV, "softmax", "log_softmax"), "activation-twice"),
        ((CONV, "global_avg_pool", "linear: {out_features: 4}"), "dense-on-map"),
        (("conv: {out_channels: 8, kernel_size: 3, padding: [[4, 1], [0, 0]]}",), "padding-alone"),
        (("upsample: {scale_factor: 1}",), "no-effect"),
        (("pad: {padding: 0}",), "no-effect"),
        ((CONV + "\n    repeat: 0", "relu"), "dead-branch"),
        ((CONV + "\n    when: 1 - 1", "relu"), "dead-branch"),
    ],
)
def test_what_is_wrong_is_found_in_other_forms(entries: tuple[str, ...], code: str, tmp_path: Path) -> None:
    assert codes(layers(*entries), tmp_path) == [code]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ("[1, 3, 16, 16]", True),
        ("[N, 1, 16, 16]", True),
        ("{x: {shape: [8, 3, 16, 16]}}", True),
        ("[3, 16, 32, 32]", False),
        ("[1, 2, 16, 16]", False),
        ("[1, 3, 16]", False),
    ],
)
def test_a_batch_axis(given: str, wrong: bool, tmp_path: Path) -> None:
    head = "vars: {N: 4}\n" if "N" in given else ""
    assert codes(layers(CONV, "relu", CONV, given=given, head=head), tmp_path) == ["batch-axis"] * wrong
    assert codes(layers("relu", given=given, head=head), tmp_path) == []


def test_lints_wait_until_all_else_can_be_read(tmp_path: Path) -> None:
    text = layers("relu", "relu", "conv: {out_channels: 8, kernel_size: 99}", head="vars: {unused: 1}\n")
    assert codes(text, tmp_path) == ["kernel-too-large"]
    assert codes(layers("relu", "relu") + "budget: {params: '> 3'}\n", tmp_path) == ["activation-twice", "budget"]


def test_the_first_and_the_last_window_are_looked_at_tap_by_tap() -> None:
    for start, step, width, advance, n, count in product(
        range(-9, 3), (1, 2, 3, -2), (1, 2, 3), (1, 2), (1, 4), (1, 3)
    ):
        windows = [[o * advance + start + step * j for j in range(width)] for o in (0, count - 1)]
        expected = not all(any(0 <= position < n for position in window) for window in windows)
        assert _leaves(Taps(1, advance, ((start, step, width),)), n, count) == expected


def test_many_layers_take_no_more_work_each(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"

    def work(count: int) -> int:
        dense = "  - linear: {out_features: 8}\n    repeat: " + str(count) + "\n"
        chain = f"  - dropout:\n    repeat: {count}\n"
        path.write_text(f"input: [8, 8, 8]\nlayers:\n  - conv: {{out_channels: 8, kernel_size: 1}}\n{chain}{dense}")
        analysis = load(str(path)).analyze()
        linter = Linter(analysis.graph.spec)  # type: ignore[arg-type]
        return calls(lambda: linter.look(analysis))

    assert work(4000) < 4.4 * work(1000)
