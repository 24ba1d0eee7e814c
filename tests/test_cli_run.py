"""``convcalc run`` as its users meet it: what goes in, what is compared, what is refused, and with which exit code."""

from __future__ import annotations

import inspect
import io
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

import convcalc
from convcalc import kernels, ops, witness
from convcalc.checks import capacity
from convcalc.cli import main
from convcalc.tensors import flat

if TYPE_CHECKING:
    from collections.abc import Callable

NETS = {
    "net": """\
vars: {H: 8, width: 4}
input: [3, H, H]
layers:
  - conv: {out_channels: width, kernel_size: 3, padding: 1}
  - batch_norm
  - relu
  - global_avg_pool
  - flatten
  - linear: {out_features: 3}
""",
    "sample": """\
vars: {H: 4}
input: {image: [1, H, H]}
layers:
  - conv: {out_channels: 1, kernel_size: 2, bias: false}
    expect: {params: 4, macs: 36}
weights:
  conv_1.weight: [[1, -2], [-3, 4]]
sample:
  - input: [[1, 2, 4, 3], [5, 6, 8, 7], [9, 10, 12, 11], [13, 14, 16, 2]]
    output: [[6, 8, 2], [6, 8, 2], [6, 8, -50]]
  - input: [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    output: [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
""",
    "norm": "input: [6]\nlayers:\n  - linear: {out_features: 4}\n  - batch_norm\n",
    "heads": """\
input: {left: [2, 5], right: [2, 5]}
layers:
  - add:
    from: [left, right]
    name: both
  - conv: {out_channels: 3, kernel_size: 3}
    name: top
  - conv: {out_channels: 1, kernel_size: 1}
    from: both
    name: side
outputs: [top, side]
""",
    "drop": "input: [64]\nlayers: [dropout]\n",
    "indices": "input: [2, 4, 4]\nlayers:\n  - max_pool: {kernel_size: 2}\noutputs: [max_pool_1, max_pool_1.indices]\n",
    "explodes": "input: [1, 4]\nlayers: [relu, softplus, {mul: [[], []]}, {mul: [[], []]}, relu]\n",
}


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def losses(self) -> list[float]:
        """The loss before each step."""
        return [float(value) for value in re.findall(r"^step \d+ +loss (\S+)$", self.out, re.M)]


Cli = "Callable[..., Ran]"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    for name, text in NETS.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONVCALC_DEBUG", raising=False)

    def run(line: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "argv", ["convcalc", "run", *line.split()])
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        with pytest.raises(SystemExit) as stopped:
            main()
        assert "a defect in convcalc" not in err.getvalue()
        code = stopped.value.code
        return Ran(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())

    return run


def saved(path: str = "out.npz") -> dict[str, Any]:
    with np.load(path) as file:
        return dict(file)


def observed(name: str, inputs: dict[str, Any] | None = None, **options: Any) -> witness.Run:
    graph = convcalc.load(f"{name}.yaml")
    return witness.Run(graph, inputs or witness.random_inputs(graph), **options)


# What is compared.


def test_every_layer_is_verified_and_so_are_the_gradients(run: Cli) -> None:
    ran = run("net.yaml --gradcheck --receptive-field --steps 3")
    assert (ran.code, ran.err) == (0, "")
    verified = [line for line in ran.out.splitlines() if line.startswith("verified: ")]
    assert verified[:5] == [
        "verified: 6 of 6 layers: shape, parameters, MACs and bytes observed as predicted",
        "verified: 135 parameters have a gradient, as predicted",
        "verified: 2 of 2 layers: MACs of both gradients observed as predicted",
        "verified: 6 of 6 layers: gradient as by differences",
        "verified: 8 receptive fields on an axis of 'input' as predicted",
    ]
    assert verified[5].startswith("verified: the loss fell from ")


def planted(monkeypatch: pytest.MonkeyPatch, op: str, change: Callable[[Any, Any], tuple[Any, Any]]) -> None:
    """Another kernel for an op: what the right one gives, changed."""
    right = kernels.find

    def find(name: str) -> Any:
        if name != op:
            return right(name)

        def kernel(*operands: Any, **options: Any) -> Any:
            return change(*right(name)(*operands, **options))

        kernel.__signature__ = inspect.signature(right(name))  # type: ignore[attr-defined]
        return kernel

    monkeypatch.setattr(kernels, "find", find)


def test_a_result_of_another_shape_differs(run: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(monkeypatch, "relu", lambda y, vjp: (y[:, :, 1:], vjp))
    ran = run("net.yaml --forward-only")
    assert ran.code == 1
    assert "differs:  relu_1 (relu): shape: predicted 4x8x8, observed 4x7x8\n" in ran.out
    assert "verified: 5 of 6 layers" in ran.out


def test_a_gradient_that_is_wrong_differs(run: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(monkeypatch, "relu", lambda y, vjp: (y, lambda dy: {0: 1.001 * vjp(dy)[0]}))
    ran = run("net.yaml --gradcheck")
    assert ran.code == 1
    assert "differs:  relu_1 (relu): gradient: by its backward pass " in ran.out
    assert "verified: 5 of 6 layers: gradient" in ran.out


@pytest.mark.parametrize("net", ["net", "norm"])
def test_gradients_are_checked_as_they_are_in_training(run: Cli, net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    line = f"{net}.yaml --gradcheck --train --batch 3"
    assert run(line).code == 0
    right = kernels.find

    def find(name: str) -> Any:
        # In training the statistics depend on the batch: a backward pass that forgets it is right in evaluation mode.
        def kernel(*operands: Any, training: bool = False, **options: Any) -> Any:
            _, vjp = right(name)(*operands, **{**options, "buffers": None})
            return right(name)(*operands, training=training, **options)[0], vjp

        kernel.__signature__ = inspect.signature(right(name))  # type: ignore[attr-defined]
        return kernel if name == "batch_norm" else right(name)

    monkeypatch.setattr(kernels, "find", find)
    ran = run(line)
    assert ran.code == 1
    assert "differs:  batch_norm_1 (batch_norm): gradient: " in ran.out
    assert run(line.replace("--train", "")).code == 0


def test_dropout_drops_the_same_values_on_both_sides_of_a_difference(run: Cli) -> None:
    ran = run("drop.yaml --gradcheck --train")
    assert ran.code == 0
    assert "verified: 1 of 1 layers: gradient as by differences\n" in ran.out


def test_a_field_that_is_wrong_differs(run: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(monkeypatch, "relu", lambda y, vjp: (y + np.roll(y, 1, axis=3), vjp))
    ran = run("net.yaml --receptive-field --forward-only")
    assert ran.code == 1
    assert "differs:  relu_1: field on axis 1: predicted 3 to 5, observed 2 to 5\n" in ran.out


def test_a_claim_that_does_not_hold_is_told(run: Cli) -> None:
    Path("wrong.yaml").write_text(NETS["sample"].replace("params: 4", "params: 5"))
    ran = run("wrong.yaml")
    assert ran.code == 1
    assert "wrong.yaml:5:14: expectation: conv_1: params: expected 5, found 4" in ran.out


def test_claims_are_of_one_sample(run: Cli) -> None:
    ran = run("sample.yaml --batch 3 --dtype float64")
    assert ran.code == 0, ran.out
    assert "verified: 2 expectations hold, as the spec says\n" in ran.out


# Samples.


def test_samples_are_run_and_shown(run: Cli) -> None:
    ran = run("sample.yaml")
    assert ran.code == 0
    assert "conv_1:\n  6    8    2\n  6    8    2\n  6    8  -50\n" in ran.out
    assert "verified: 2 of 2 arrays of the spec's samples came out as it says\n" in ran.out


def test_a_sample_that_does_not_come_out_is_told_with_its_place(run: Cli) -> None:
    Path("wrong.yaml").write_text(NETS["sample"].replace("[[1, 0, 0]", "[[1, 2, 0]"))
    ran = run("wrong.yaml")
    assert ran.code == 1
    assert "verified: 1 of 2 arrays of the spec's samples came out as it says\n" in ran.out
    assert "wrong.yaml:12:5: sample: output at [0, 0, 1]: expected 2, computed 0" in ran.out


def test_samples_of_another_size_are_suspended(run: Cli) -> None:
    ran = run("sample.yaml --set H=5")
    assert ran.code == 0, ran.out
    assert "suspended: 3 of the spec's claims, said of other values of the variables\n" in ran.out
    assert "samples came out" not in ran.out


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("conv_1.weight", "conv_2.weight", "unknown-parameter: there is no parameter 'conv_2.weight'"),
        ("[[1, 0, 0], [0, 0, 0], [0, 0, 0]]", "[[1, 0], [0, 0]]", "the array is 2x2"),
        ("    output: [[1, 0", "    at: {conv_9: [1]}\n    output: [[1, 0", "unknown-layer: there is no 'conv_9' here"),
        ("[[1, -2], [-3, 4]]", "[[1, -2, 0], [-3, 4, 0]]", "conv_1.weight is 1x1x2x2, the array is 2x3"),
    ],
)
def test_samples_that_fit_nothing_are_findings(run: Cli, old: str, new: str, told: str) -> None:
    assert old in NETS["sample"]
    Path("wrong.yaml").write_text(NETS["sample"].replace(old, new))
    ran = run("wrong.yaml")
    assert (ran.code, ran.out) == (1, "")
    assert told in ran.err


# What goes in.


def test_a_seed_gives_the_same_run_and_another_seed_another(run: Cli) -> None:
    texts = [run(f"net.yaml --seed {seed}").out for seed in (3, 3, 4)]
    assert texts[0] == texts[1] != texts[2]


def test_weights_make_the_round_trip(run: Cli) -> None:
    known = observed("net", seed=5)
    np.savez("weights.npz", **flat(known.weights))
    ran = run("net.yaml --weights weights.npz --seed 0 --save out.npz")
    assert ran.code == 0, ran.err
    again = observed("net", weights=known.weights, seed=0)
    np.testing.assert_array_equal(saved()["linear_1"], again.outputs["linear_1"])
    assert run("net.yaml --save out.npz").code == 0
    assert not np.array_equal(saved()["linear_1"], again.outputs["linear_1"])


def test_weights_by_order_and_by_a_map_say_what_was_matched(run: Cli) -> None:
    ours = flat(observed("net", seed=5).weights)
    assert run("net.yaml --save plain.npz").code == 0
    np.savez("theirs.npz", **{f"their.{name.replace('_', '')}": array for name, array in ours.items()})
    Path("map.yaml").write_text("".join(f"{name}: their.{name.replace('_', '')}\n" for name in ours))
    for option in ("--weights-by order", "--weights-map map.yaml"):
        ran = run(f"net.yaml --weights theirs.npz {option} --save out.npz")
        assert ran.code == 0, ran.err
        assert re.search(r"^conv_1\.weight +their\.conv1\.weight +4x3x3x3$", ran.out, re.M)
        assert not np.array_equal(saved()["linear_1"], saved("plain.npz")["linear_1"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda ours: ours.pop("conv_1.bias"), "missing-weight: there is no 'conv_1.bias'"),
        (lambda ours: ours.update(other=np.zeros(3)), "unused-weight: 'other' is of no layer of the net"),
        (lambda ours: ours.update({"conv_1.bias": np.zeros(5)}), "'conv_1.bias' is 5, the net needs 4"),
        (lambda ours: ours["conv_1.bias"].fill(np.nan), "not-finite: 'conv_1.bias' is nan at [0]"),
        (lambda ours: ours.update({"conv_1.bias": np.array([None] * 4)}), "'conv_1.bias'"),
    ],
)
def test_weights_that_do_not_fit_are_findings(run: Cli, change: Callable[[Any], None], told: str) -> None:
    ours = flat(observed("net").weights)
    change(ours)
    np.savez("weights.npz", **ours)
    ran = run("net.yaml --weights weights.npz")
    assert (ran.code, ran.out) == (1, "")
    assert told in ran.err


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 3, 8, 8), (5, 3, 8, 8)])
@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_arrays_from_files_go_in(run: Cli, ending: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    if ending == "npy":
        np.save("x.npy", x)
    else:
        np.savez("x.npz", input=x)
    ran = run(f"net.yaml --input x.{ending} --save out.npz")
    assert ran.code == 0, ran.err
    expected = observed("net", {"input": x.reshape(-1, 3, 8, 8)}).outputs["linear_1"]
    np.testing.assert_array_equal(saved()["linear_1"], expected)


def test_several_inputs_are_named(run: Cli) -> None:
    left, right = np.random.default_rng(0).standard_normal((2, 2, 5)).astype(np.float32)
    np.save("a.npy", left)
    np.save("b.npy", right)
    assert run("heads.yaml --input left=a.npy --input right=b.npy --keep both --save out.npz").code == 0
    np.testing.assert_array_equal(saved()["both"], left[None] + right[None])
    ran = run("heads.yaml --input left=a.npy")
    assert (ran.code, ran.err) == (2, "convcalc: there is no array for the input 'right': give one as right=FILE\n")


def test_an_image_goes_in(run: Cli) -> None:
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.full((20, 30, 3), 128, np.uint8)).save("grey.png")
    assert run("net.yaml --input grey.png").code == 1
    ran = run("net.yaml --input grey.png --resize 8x8 --normalize imagenet")
    assert ran.code == 0, ran.err


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.zeros((8, 8)), "the array for 'input' is 8x8, the input is 3x8x8, or Nx3x8x8"),
        (np.zeros((3, 9, 9)), "use --set H=9"),
        (np.full((3, 8, 8), np.nan), "the array for 'input' is nan at [0, 0, 0, 0]"),
        (np.full((3, 8, 8), -np.inf), "the array for 'input' is -inf at [0, 0, 0, 0]"),
        (np.full((3, 8, 8), 1e300), "which does not fit in float32"),
        (np.zeros((0, 3, 8, 8)), "has 0 samples"),
    ],
)
def test_arrays_that_do_not_fit_are_findings(run: Cli, array: Any, told: str) -> None:
    np.save("x.npy", array)
    ran = run("net.yaml --input x.npy")
    assert (ran.code, ran.out) == (1, "")
    assert told in ran.err


def test_the_batch_and_the_array_must_agree(run: Cli) -> None:
    np.save("x.npy", np.zeros((3, 3, 8, 8)))
    assert run("net.yaml --input x.npy --batch 3").code == 0
    ran = run("net.yaml --input x.npy --batch 2")
    assert ran.code == 1
    assert "the array for 'input' has 3 samples, the batch is 2" in ran.err
    assert "use --batch 3" in ran.err


def test_a_shape_as_input_makes_another_net(run: Cli) -> None:
    ran = run("net.yaml --input 1x6x10 --batch 2")
    assert ran.code == 0
    assert ran.out.startswith("net: 1x6x10 -> 3, batch 2\n")


def test_the_dtype_is_that_of_the_run(run: Cli) -> None:
    sizes = {}
    for dtype in ("float32", "float64"):
        ran = run(f"net.yaml --dtype {dtype} --save out.npz")
        assert ran.code == 0
        assert saved()["linear_1"].dtype == dtype
        sizes[dtype] = re.findall(r"^relu_1 .* (\S+)  =$", ran.out, re.M)
    assert sizes == {"float32": ["1,024"], "float64": ["2,048"]}


# What comes out.


def test_what_is_kept_is_saved_beside_the_outputs(run: Cli) -> None:
    assert run("net.yaml --keep conv_1,relu_1 --save out.npz --batch 2").code == 0
    arrays = saved()
    assert {name: array.shape for name, array in arrays.items()} == {
        "linear_1": (2, 3), "conv_1": (2, 4, 8, 8), "relu_1": (2, 4, 8, 8)
    }  # fmt: skip
    assert arrays["conv_1"].min() < 0 == arrays["relu_1"].min()
    assert run("net.yaml --save out.npz").code == 0
    assert list(saved()) == ["linear_1"]


def test_nothing_is_written_where_there_is_no_place(run: Cli) -> None:
    ran = run("net.yaml --save nowhere/out.npz")
    assert ran.code == 2
    assert "no such file or directory" in ran.err
    ran = run("net.yaml --save out.txt")
    told = "convcalc: out.txt: arrays are saved as .npz: give it that ending\n"
    assert (ran.code, ran.out, ran.err) == (2, "", told), "before anything is run"
    assert not Path("out.txt").exists()


def test_forward_only_leaves_the_backward_pass_out(run: Cli) -> None:
    ran = run("net.yaml --forward-only --profile")
    assert ran.code == 0
    assert "gradient" not in ran.out
    assert "loss" not in ran.out
    assert re.search(r"^layer +by +forward ms +backward ms +share +GFLOP/s +multiplied$", ran.out, re.M)
    assert "parameters have a gradient" in run("net.yaml").out


def test_blocks_open(run: Cli) -> None:
    folded, opened = run("densenet121 --set H=32,W=32 --forward-only"), run(
        "densenet121 --set H=32,W=32 --forward-only --depth 3"
    )  # fmt: skip
    assert folded.code == opened.code == 0
    assert len(folded.out.splitlines()) < len(opened.out.splitlines())


# Training.


def test_training_takes_the_statistics_of_the_batch(run: Cli) -> None:
    results = {}
    for option in ("", "--train"):
        assert run(f"norm.yaml --batch 4 {option} --keep linear_1 --save out.npz").code == 0
        results[option] = saved()
    plain, trained = results[""], results["--train"]
    np.testing.assert_array_equal(plain["linear_1"], trained["linear_1"])
    assert not np.allclose(plain["batch_norm_1"], trained["batch_norm_1"])
    spread = trained["linear_1"].std(axis=0)
    slope = observed("norm").weights["batch_norm_1"]["weight"]
    np.testing.assert_allclose(trained["batch_norm_1"].std(axis=0), abs(slope) * spread / (spread**2 + 1e-5) ** 0.5,
                               rtol=1e-4)  # fmt: skip


def test_statistics_of_one_value_are_refused(run: Cli) -> None:
    ran = run("norm.yaml --train")
    assert (ran.code, ran.out) == (2, "")
    told = "batch_norm_1 (batch_norm) has one value a channel in a batch of 1"
    assert ran.err == f"convcalc: {told}, and statistics of a batch need more: use --batch 2\n"
    assert run("norm.yaml").code == 0
    assert run("norm.yaml --train --batch 2").code == 0
    assert run("net.yaml --train").code == 0
    np.save("x.npy", np.ones((1, 6)))
    assert run("norm.yaml --train --input x.npy").code == 2


def test_dropout_drops_in_training_and_the_seed_says_what(run: Cli) -> None:
    texts = {}
    for options in ("", "--train", "--train --dtype float32", "--train --seed 1"):
        assert run(f"drop.yaml --save out.npz {options}").code == 0
        texts[options] = saved()["dropout_1"]
    assert not (texts[""] == 0).any()
    assert 10 < (texts["--train"] == 0).sum() < 54
    np.testing.assert_array_equal(texts["--train"], texts["--train --dtype float32"])
    assert ((texts["--train"] == 0) != (texts["--train --seed 1"] == 0)).any()


def test_the_loss_falls_step_by_step(run: Cli) -> None:
    ran = run("net.yaml --batch 4 --steps 5 --lr 0.05 --dtype float64")
    assert ran.code == 0
    assert len(ran.losses) == 6
    assert ran.losses == sorted(ran.losses, reverse=True)
    (first,) = re.findall(r"^loss +(\S+) ", ran.out, re.M)
    assert float(first) == ran.losses[0]
    assert f"verified: the loss fell from {first} to {ran.losses[-1]:g}\n" in ran.out


def test_a_loss_that_does_not_fall_differs(run: Cli) -> None:
    ran = run("net.yaml --batch 4 --steps 2 --lr 1e30")
    assert ran.code == 1
    assert "differs:  the loss did not fall: " in ran.out
    assert ran.err == ""


def test_every_output_has_a_loss_and_a_weight(run: Cli) -> None:
    ran = run("heads.yaml")
    assert "  cross_entropy of top, mse_loss of side\n" in ran.out
    assert "  mse_loss of top, mse_loss of side\n" in run("heads.yaml --loss mse_loss").out

    def value(options: str) -> float:
        return float(re.findall(r"^loss +(\S+) ", run(f"heads.yaml {options}").out, re.M)[0])

    top, side = value("--output-weights side=0"), value("--output-weights top=0")
    assert value("") == pytest.approx(top + side, rel=1e-4)
    assert value("--output-weights top=2,side=0.5") == pytest.approx(2 * top + side / 2, rel=1e-4)


def test_indices_have_no_loss(run: Cli) -> None:
    ran = run("indices.yaml")
    assert ran.code == 0
    assert "  cross_entropy of max_pool_1\n" in ran.out


# What is not finite.


def test_the_first_layer_that_is_not_finite_is_named(run: Cli) -> None:
    np.save("x.npy", np.full((1, 4), 1e15))
    ran = run("explodes.yaml --input x.npy")
    assert ran.code == 1
    assert "differs:  mul_2 (mul) is the first layer whose result is not finite\n" in ran.out
    assert ran.err == ""
    assert run("explodes.yaml --input x.npy --dtype float64").code == 0


# What is refused, in one line.

REFUSED = {
    "net.yaml --dtype float16": "a run is in float32 or float64, not in 'float16'",
    "net.yaml --loss hinge": "a loss is cross_entropy or mse_loss, not 'hinge'",
    "net.yaml --save out.npz --keep conv_9": "there is no layer 'conv_9' to keep: did you mean 'conv_1'?",
    "net.yaml --keep conv_1": "--keep is of no use without --save",
    "net.yaml --weights-map map.yaml": "--weights-map is of no use without --weights",
    "net.yaml --weights-by order": "--weights-by is of no use without --weights",
    "net.yaml --resize 8x8": "--resize is of no use without --input with an image",
    "net.yaml --normalize imagenet": "--normalize is of no use without --input with an image",
    "net.yaml --steps 2 --forward-only": "--steps needs the backward pass that --forward-only leaves out",
    "net.yaml --steps 2 --lr nan": "a learning rate is a positive number, not nan",
    "net.yaml --steps 2 --lr -1": "a learning rate is a positive number, not -1",
    "net.yaml --output-weights top=1": "there is no output 'top': one of linear_1",
    "heads.yaml --output-weights tip=1": "there is no output 'tip': did you mean 'top'?",
    "heads.yaml --output-weights top": "--output-weights takes name=number, not 'top'",
    "heads.yaml --output-weights top=x": "--output-weights takes name=number, not 'top=x'",
    "net.yaml --weights none.npz": "none.npz: no such file or directory",
    "net.yaml --input none.npy": "none.npy: no such file or directory",
    "net.yaml --weights net.yaml --weights-by size": "weights are matched by name or by order, not by 'size'",
    "net.yaml --set depth=3": "the spec has no variable 'depth': did you mean 'width'?",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_makes_no_sense_is_refused_in_one_line(run: Cli, line: str) -> None:
    ran = run(line)
    assert (ran.code, ran.err) == (2, f"convcalc: {REFUSED[line]}\n")
    assert not Path("out.npz").exists()


def test_an_unknown_algorithm_is_refused(run: Cli) -> None:
    ran = run("net.yaml --algorithm direkt")
    assert (ran.code, ran.err) == (2, "convcalc: there is no algorithm 'direkt': did you mean 'direct'?\n")
    assert run("net.yaml --algorithm direct").code == 0


# What is too large.


def test_a_run_that_does_not_fit_is_refused_with_one_that_does(run: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "available", lambda: 10**8)
    ran = run("net.yaml --set H=1024,width=64")
    assert (ran.code, ran.out) == (2, "")
    found = re.fullmatch(r"convcalc: the run needs (\S+) GB, 0\.1 GB are free: --set (H=\d+) fits\n", ran.err)
    assert found
    assert float(found[1]) > 1
    assert run(f"net.yaml --set width=64 --set {found[2]}").code == 0


def test_a_batch_that_does_not_fit_is_refused_with_one_that_does(run: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "available", lambda: 10**8)
    ran = run("net.yaml --set H=64 --batch 1024")
    assert ran.code == 2
    found = re.search(r": --batch (\d+) fits\n$", ran.err)
    assert found
    assert run(f"net.yaml --set H=64 --batch {found[1]}").code == 0
    np.save("x.npy", np.zeros((1024, 3, 64, 64), np.float32))
    assert run("net.yaml --set H=64 --input x.npy").code == 2


def test_less_is_needed_without_the_backward_pass(run: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = convcalc.load("net.yaml").bind({"H": 256})
    both = [capacity.needed(graph.analyze(), forward_only=only) for only in (True, False)]
    monkeypatch.setattr(capacity, "available", lambda: sum(both) // 2)
    assert run("net.yaml --set H=256").code == 2
    assert run("net.yaml --set H=256 --forward-only").code == 0


def test_a_convolution_is_shown_as_its_matrix(run: Cli) -> None:
    ran = run("backward_pass --show-matrix y")
    assert ran.code == 0
    assert "\n1 2 .   3 4 .   . . .\n \\ \\     \\ \\\n. 1 2   . 3 4   . . .\n" in ran.out
    refused = run("lenet5 --show-matrix C1")
    assert refused.code == 2
    assert "4,704 rows" in refused.err
    assert run("lenet5 --show-matrix C9").code == 2


def test_fast_gives_what_the_plain_run_gives(run: Cli) -> None:
    for name, option in (("fast.npz", "--fast"), ("plain.npz", "")):
        ran = run(f"lenet5 --save {name} {option}")
        assert ran.code == 0, ran.err + ran.out
        assert "61,706 parameters have a gradient" in ran.out
    with np.load("fast.npz") as fast, np.load("plain.npz") as plain:
        np.testing.assert_allclose(fast["logits"], plain["logits"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("option", ["--train", "--steps 2", "--profile", "--algorithm direct", "--show-matrix C1"])
def test_fast_refuses_what_looks_into_layers(run: Cli, option: str) -> None:
    ran = run(f"lenet5 --fast {option}")
    assert ran.code == 2
    assert option.split()[0] in ran.err


def test_fast_names_the_layer_that_is_not_finite(run: Cli) -> None:
    rows = convcalc.load("lenet5").analyze().rows
    shapes = {f"{row.name}.{name}": shape for row in rows for name, shape in row.parameters.items()}
    weights = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    weights["F6.bias"][:] = 1.0
    weights["logits.weight"][:] = np.finfo(np.float32).max
    np.savez("huge.npz", **weights)  # type: ignore[arg-type]  # its signature knows no names
    ran = run("lenet5 --fast --weights huge.npz")
    assert ran.code == 1
    assert "logits (linear) is the first layer whose result is not finite" in ran.out


@pytest.mark.parametrize("name", ops.names())
def test_every_op_s_spec_runs_and_agrees(run: Cli, name: str) -> None:
    ran = run(name)
    assert ran.code == 0, ran.out + ran.err


def test_the_gradient_of_the_input_is_for_those_who_ask(run: Cli) -> None:
    """The first layer alone has nothing behind it that learns."""
    alone, asked = run("net.yaml"), run("net.yaml --input-gradient")
    assert "input gradients     of layers alone  12 MACs" in alone.out
    assert "input gradients     3x8x8  6.9 k MACs" in asked.out
    assert run("net.yaml --fast --input-gradient").code == 0
    assert "--forward-only leaves out" in run("net.yaml --input-gradient --forward-only").err


def test_receptive_fields_are_not_those_of_a_batch(run: Cli) -> None:
    ran = run("net.yaml --train --receptive-field")
    assert ran.code == 2
    assert "leave --train out" in ran.err
