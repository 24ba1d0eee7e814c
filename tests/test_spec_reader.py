"""Plain values to a Spec: what comes out, all mistakes in one run, and Python data by the same rules."""

from __future__ import annotations

import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from calls import calls
from hypothesis import given
from hypothesis import strategies as st

from convcalc.diagnostics import Problem, SpecError
from convcalc.source import Source, Span
from convcalc.spec import Spec, read_spec, spec_from
from convcalc.spec.bounds import Bound, bound

RESNET = """\
format: 1
name: ResNet-50
source: He et al. 2015, table 1
vars: {H: 224, W: 2*H, width: 64, deep: true}
input: [3, H, W]

blocks:
  Bottleneck:
    args: {mid: required, stride: 1, project: stride != 1, mode: same, size: [3, 3], p: 0.5, bias: false}
    layers:
      - add:
          - - conv: {out_channels: mid, kernel_size: 1, bias: false}
            - batch_norm
            - relu
          - - conv: {out_channels: 4*mid, kernel_size: 1}
              when: project
            - batch_norm:
                eps: 1e-5
              when: project
      - relu
  Gate:
    args: [mid]
    inputs: [skip, x]
    layers: [relu]

layers:
  - conv: {out_channels: width, kernel_size: 7}
    name: stem
    expect: {shape: [width, (H+1)//2, (W+1)//2], params: 147*width}
  - batch_norm
  - relu
  - Bottleneck: {mid: width, project: 1}
  - Bottleneck: {mid: width}
    repeat: 2
  - concat:
    from: [relu_1, stem]
  - mul:
      - - conv: {out_channels: 8, kernel_size: 1}
        - add:
            - []
            - - relu
      - []
    from: split_1.0
  - relu:
    share: stem
    when: H > 7
  - conv: {out_channels: 8, kernel_size: 1}
    when: true

outputs: [relu_3, stage/2/conv_1.indices]
expect: {params: 25_557_032, macs: 18*H*W, output: [1000], receptive_field: [427, 427], outputs: {relu_3: [8, H, W]}}
budget: {params: "<= 26M", receptive_field: ">= 427", activations: < 1.5 KiB}
variants:
  net_width128: {vars: {width: 128}, expect: {params: 98_004_072}}
  net-small:
weights: {conv_1.weight: [[1, -1/2], [0.5, 2]]}
sample:
  - {input: [[1, 2]], output: 3, grad: {conv_1.weight: [1]}, at: {relu_1: [1, 2]}}
  - input: {x: [1], y: [2]}
""".replace("  net-small:\n", "  net-small: {}\n")


def spec(text: str, path: str = "<test>") -> Spec:
    return read_spec(Source(path, text))


def codes(text: str, path: str = "<test>") -> list[tuple[str, int, int]]:
    with pytest.raises(SpecError) as caught:
        spec(text, path)
    return [(d.code, d.span.line, d.span.column) for d in caught.value.diagnostics if d.span]


def described(spec: Spec) -> dict[str, Any]:
    """Everything a spec holds but its places, for comparison."""

    def layer(layer: Any) -> Any:
        fields = {name: getattr(layer, name) for name in layer.__slots__}
        if layer.branches is not None:
            fields["branches"] = [[layer_(inner) for inner in branch] for branch in layer.branches]
        return fields

    layer_ = layer
    held = {name: getattr(spec, name) for name in spec.__slots__ if name not in ("marks", "source")}
    held["layers"] = [layer(entry) for entry in spec.layers]
    held["blocks"] = {
        name: [*block[:-1], [layer(entry) for entry in block.layers]] for name, block in spec.blocks.items()
    }
    return held


# What comes out


def test_the_head() -> None:
    net = spec(RESNET)
    assert (net.name, net.citation) == ("ResNet-50", "He et al. 2015, table 1")
    assert net.vars == {"H": 224, "W": "2*H", "width": 64, "deep": 1} and type(net.vars["deep"]) is int
    assert net.outputs == ["relu_3", "stage/2/conv_1.indices"]
    assert net.expect == {
        "params": 25_557_032, "macs": "18*H*W", "output": [1000], "receptive_field": [427, 427],
        "outputs": {"relu_3": [8, "H", "W"]},
    }  # fmt: skip
    assert net.budget == {
        "params": Bound("<=", 26_000_000, "<= 26M"),
        "receptive_field": Bound(">=", 427, ">= 427"),
        "activations": Bound("<", 1536, "< 1.5 KiB"),
    }


def test_blocks() -> None:
    blocks = spec(RESNET).blocks
    assert blocks["Bottleneck"].inputs == ["input"]
    assert blocks["Bottleneck"].args == {
        "mid": "required", "stride": 1, "project": "stride != 1", "mode": "same",
        "size": [3, 3], "p": 0.5, "bias": False,
    }  # fmt: skip
    assert blocks["Gate"].args == {"mid": "required"} and blocks["Gate"].inputs == ["skip", "x"]
    add, relu = blocks["Bottleneck"].layers
    assert (add.kind, add.name, add.path) == ("add", "add_1", ("blocks", "Bottleneck", "layers", 0))
    assert add.branches is not None
    assert [[layer.name for layer in branch] for branch in add.branches] == [
        ["conv_1", "batch_norm_1", "relu_1"], ["conv_2", "batch_norm_2"],
    ]  # fmt: skip
    second = add.branches[1][1]
    assert (second.args, second.when) == ({"eps": 1e-5}, "project")
    assert second.path == ("blocks", "Bottleneck", "layers", 0, "add", 1, 1)
    assert relu.name == "relu_2"


def test_layers() -> None:
    layers = spec(RESNET).layers
    # Named layers count: naming one renames no other.
    assert [layer.name for layer in layers] == [
        "stem", "batch_norm_1", "relu_1", "Bottleneck_1", "Bottleneck_2", "concat_1", "mul_1", "relu_3", "conv_3",
    ]  # fmt: skip
    assert [layer.named for layer in layers] == [True] + [False] * 8
    assert [layer.is_block for layer in layers] == [False, False, False, True, True, False, False, False, False]
    stem, norm, _, _, repeated, concat, mul, relu, last = layers
    assert stem.args == {"out_channels": "width", "kernel_size": 7}
    assert stem.expect == {"shape": ["width", "(H+1)//2", "(W+1)//2"], "params": "147*width"}
    assert (norm.args, norm.branches, norm.sources, norm.repeat, norm.when, norm.share) == (
        {},
        None,
        None,
        None,
        None,
        None,
    )
    assert repeated.repeat == 2
    assert concat.sources == ["relu_1", "stem"] and concat.branches is None
    assert mul.sources == ["split_1.0"] and mul.branches is not None and mul.branches[1] == []
    add = mul.branches[0][1]
    assert add.branches is not None and add.branches[0] == [] and add.branches[1][0].name == "relu_2"
    assert (relu.share, relu.when) == ("stem", "H > 7")
    assert last.when == 1 and type(last.when) is int


def test_inputs() -> None:
    rest = "\nlayers: [relu]\n"
    one = spec("input: [3, H, 2*W]" + rest).inputs
    assert list(one) == ["input"] and one["input"].shape == [3, "H", "2*W"] and one["input"].dtype == "float32"
    assert one["input"].path == ("input",)
    typed = spec("input: {dtype: int8, shape: [3, 8]}" + rest).inputs
    assert list(typed) == ["input"] and typed["input"][:2] == ([3, 8], "int8")
    several = spec("input: {left: [3, 8], right-1: {shape: [4], dtype: bool}}" + rest).inputs
    assert {name: entry[:2] for name, entry in several.items()} == {
        "left": ([3, 8], "float32"),
        "right-1": ([4], "bool"),
    }
    assert several["left"].path == ("input", "left")


def test_examples_stay_as_written() -> None:
    net = spec(RESNET)
    assert net.weights == {"conv_1.weight": [[1, "-1/2"], [0.5, 2]]}
    first, second = net.samples
    assert first[1:] == ([[1, 2]], 3, {"conv_1.weight": [1]}, {"relu_1": [1, 2]})
    assert second[1:] == ({"x": [1], "y": [2]}, None, None, {})
    assert spec("input: [1, 2]\nlayers: [relu]\nsample: {input: [[1, 2]]}").samples[0].path == ("sample",)


def test_variants() -> None:
    variants = spec(RESNET, "nets/net.yaml").variants
    assert variants["net_width128"][2:] == ({"width": 128}, {"params": 98_004_072})
    assert variants["net-small"][2:] == ({}, {})


def test_a_variants_name_starts_with_the_name_of_the_file() -> None:
    assert {code for code, _, _ in codes(RESNET, "nets/resnet.yaml")} == {"variant-name"}
    for nowhere in ("<stdin>", "/dev/fd/63"):
        assert spec(RESNET, nowhere).variants


def test_places_are_kept() -> None:
    marks = spec(RESNET).marks
    assert marks.value(("layers", 0, "expect", "shape", 1)) == Span(29, 29, 8)
    assert marks.key(("layers", 0, "name")) == Span(28, 5, 4)


def test_a_name_is_free_again_in_another_block() -> None:
    layers = "layers: [{relu: , name: x}]"
    net = spec(f"input: [1, 2]\nblocks: {{A: {{{layers}}}, B: {{{layers}}}}}\n{layers}")
    assert net.blocks["A"].layers[0].name == net.blocks["B"].layers[0].name == net.layers[0].name == "x"


def test_a_layer_may_keep_its_automatic_name() -> None:
    layers = spec("input: [1, 2]\nlayers: [{relu: , name: relu_1}, relu]").layers
    assert [layer.name for layer in layers] == ["relu_1", "relu_2"]


# Mistakes; errors/*.yaml has one of each kind


def test_all_mistakes_are_found_in_one_run() -> None:
    text = """\
format: 2
name: 3
vars: {H: 1.5, same: 2, W: 2*}
input: [0, H, W/2]
blocks:
  unit: {args: {a: }, layers: [3]}
layers:
  - relu: 5
  - conv: {out_channels: 8}
    nmae: x
    repeat: 0.5
  - {}
outputs: []
expect: {params: 1.5}
budget: {params: 26}
variants: {wide: {vars: {width: 1}, expects: 1}}
weights: {conv_1.weight: [[1], [1, 2]]}
sample: {output: [x]}
ouput: 1
"""
    assert codes(text) == [
        ("format", 1, 9), ("not-text", 2, 7), ("not-an-integer", 3, 11), ("reserved-name", 3, 16),
        ("expression", 3, 28),
        ("not-positive", 4, 9), ("expression", 4, 15), ("bad-name", 6, 3), ("missing-value", 6, 20),
        ("not-a-layer", 6, 32),
        ("not-a-map", 8, 11), ("unknown-key", 10, 5), ("not-an-integer", 11, 13), ("missing-op", 12, 5),
        ("empty-list", 13, 10),
        ("not-an-integer", 14, 18), ("bound", 15, 18), ("unknown-name", 16, 26), ("unknown-key", 16, 37),
        ("ragged-array", 17, 32), ("missing-input", 18, 1), ("not-a-number", 18, 19), ("unknown-key", 19, 1),
    ]  # fmt: skip


def test_one_mistake_is_reported_once() -> None:
    # Each is read wrongly in a way that the rest of the reader would complain of again.
    for line in (
        "vars: {H: *x}",
        "vars: {H: 99999999999999999999}",
        "vars: {<<: {a: 1}}",
        "input: [max(1, 2), 3]",
        "vars: {H:3}",
    ):
        text = "layers: [relu]\n" + ("" if line.startswith("input") else "input: [1, 2]\n") + line
        assert len(codes(text)) == 1, line


def test_a_mistaken_variable_is_declared_all_the_same() -> None:
    assert codes("vars: {H: 1.5}\ninput: [1, H]\nlayers: [relu]\nvariants: {v: {vars: {H: 2}}}") == [
        ("not-an-integer", 1, 11)
    ]


def test_a_duplicate_name_names_both_places() -> None:
    with pytest.raises(SpecError) as caught:
        spec("input: [1, 2]\nlayers:\n  - relu:\n    name: conv_1\n  - add:\n      - - conv\n      - []\n")
    (finding,) = caught.value.diagnostics
    assert finding.span == Span(4, 11, 6)
    assert [(note.message, note.span) for note in finding.notes] == [("this 'conv' is called so", Span(6, 11, 4))]


def test_an_automatic_name_that_an_input_has() -> None:
    with pytest.raises(SpecError) as caught:
        spec("input: {relu_1: [1, 2]}\nlayers: [relu]\n")
    (finding,) = caught.value.diagnostics
    assert finding.span == Span(2, 10, 4)
    assert [(note.message, note.span) for note in finding.notes] == [
        ("the input 'relu_1' is called so", Span(1, 17, 6))
    ]


@pytest.mark.parametrize(
    "sibling", ["name: 1.5", "from: [1]", "from: a/b", "repeat: true", "when: [1]", "share: a.b", "expect: 3"]
)
def test_siblings_are_checked(sibling: str) -> None:
    assert codes(f"input: [1, 2]\nlayers:\n  - relu:\n    {sibling}\n")[0][1] == 4


def test_a_wrong_argument_of_an_op_is_the_ops_affair() -> None:
    net = spec("input: [1, 2]\nlayers: [{conv: {kernel: 'a b', x: {y: [1]}, z: }}]")
    assert net.layers[0].args == {"kernel": "a b", "x": {"y": [1]}, "z": None}


def test_an_endless_power_is_refused_at_once() -> None:
    start = time.process_time()
    assert codes("vars: {H: 9**9**9, W: 9^9^9}\ninput: [H, W]\nlayers: [relu]") == [
        ("expression", 1, 11),
        ("expression", 1, 23),
    ]
    assert time.process_time() - start < 1


# Bounds


@pytest.mark.parametrize(
    ("text", "relation", "limit"),
    [
        ("<= 26M", "<=", 26_000_000), (">=427", ">=", 427), ("< 4.1G", "<", 4_100_000_000),
        ("> 1_000 k", ">", 1_000_000),
        ("<= 100 MiB", "<=", 100 << 20), ("<= 0.5 KiB", "<=", 512), ("<= 25.557032M", "<=", 25_557_032),
        ("<1.25GB", "<", 1_250_000_000),
        ("<= 2 GiB", "<=", 2 << 30), ("<= 3 kB", "<=", 3000), ("<= 7 MB", "<=", 7_000_000), ("<= 12 B", "<=", 12),
        ("<= 0.1", "<=", Fraction(1, 10)), ("< 0.1 KiB", "<", Fraction(1024, 10)), (" <= 1 ", "<=", 1),
    ],
)  # fmt: skip
def test_a_bound_is_exact(text: str, relation: str, limit: int | Fraction) -> None:
    assert bound(text) == (relation, limit, text)
    assert type(bound(text).limit) is type(limit)


@pytest.mark.parametrize(
    "text", ["", "26M", "about 3", "<= -1", "<= x", "<= 1e3", "== 3", "<= 1.", "<= 3 4", "<= 9_", "<" * 10**6, "=< 3"]
)
def test_what_is_no_bound_is_answered_with_one(text: str) -> None:
    with pytest.raises(Problem) as caught:
        bound(text)
    example = caught.value.fix[caught.value.fix.index('"') :].strip('"')
    assert caught.value.code == "bound" and bound(example).relation == "<="


def test_units_are_exact_in_case() -> None:
    with pytest.raises(Problem) as caught:
        bound("<= 3 mib")
    assert (caught.value.message, caught.value.fix) == ("'mib' is not a unit", "did you mean 'MiB'?")
    with pytest.raises(Problem, match="63 bits"):
        bound("<= 9_999_999_999G")


# Python data


DATA: dict[str, Any] = {
    "name": "tiny",
    "input": (3, "H", 8),
    "vars": {"H": 8},
    "layers": ["relu", {"conv": {"out_channels": 4, "kernel_size": (3, 3)}, "when": True}],
    "sample": {"input": [[1, 2.5], ["-1/2", 3]]},
}


def test_python_data_is_read_by_the_same_rules() -> None:
    text = """\
name: tiny
input: [3, H, 8]
vars: {H: 8}
layers:
  - relu
  - conv: {out_channels: 4, kernel_size: [3, 3]}
    when: true
sample: {input: [[1, 2.5], [-1/2, 3]]}
"""
    from_python = spec_from(DATA)
    assert described(from_python) == described(spec(text))
    assert from_python.source == Source("<python>", "")
    assert from_python.marks.value(("layers", 0)) is None


def test_python_data_is_copied() -> None:
    data = {"input": [1, 2], "layers": [{"conv": {"kernel_size": [1, 1]}}]}
    net = spec_from(data)
    data["layers"][0]["conv"]["kernel_size"].append(1)  # type: ignore[index,call-overload]
    assert net.layers[0].args == {"kernel_size": [1, 1]}


def test_findings_in_python_data_name_the_path() -> None:
    with pytest.raises(SpecError) as caught:
        spec_from({"input": [1, 1.5], "layers": [{"relu": None, "name": "a b"}]}, "made up")
    assert [(d.code, d.span, d.notes[0].message) for d in caught.value.diagnostics] == [
        ("not-an-integer", None, "at input[1]"), ("bad-name", None, "at layers[0].name"),
    ]  # fmt: skip
    assert str(caught.value).startswith("made up: a size is an integer")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({1: 2}, "key-not-text"), ({"name": object()}, "not-plain"), ({"vars": {"H": 1 << 63}}, "too-large"),
        ({"vars": {"H": float("nan")}}, "too-large"), ([1], "not-a-map"), (None, "not-a-map"),
        ({"name": b"x"}, "not-plain"),
    ],
)  # fmt: skip
def test_what_a_text_could_not_say_is_refused(data: Any, code: str) -> None:
    if isinstance(data, dict):
        data = {"input": [1, 2], "layers": ["relu"], **data}
    with pytest.raises(SpecError) as caught:
        spec_from(data)
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_data_without_an_end_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["a"] = loop
    bomb: list[Any] = ["x"]
    for _ in range(30):
        bomb = [bomb, bomb]
    for data, code in ((loop, "too-deep"), ({"layers": bomb}, "too-many-values")):
        with pytest.raises(SpecError) as caught:
            spec_from(data)
        assert caught.value.diagnostics[0].code == code


words = st.sampled_from(
    ["input", "layers", "vars", "conv", "add", "relu", "name", "from", "repeat", "when", "share", "expect",
    "blocks", "Unit", "args",
     "inputs", "outputs", "budget", "variants", "weights", "sample", "shape", "dtype", "at", "grad", "format",
     "required", "H", "<= 3M",
     "H+1", "2*", "a b", "", "é", "x.y", "-relu", "a:b"]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | words | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=5),
    max_leaves=25,
)
sections = st.fixed_dictionaries(
    {"input": st.just([3, 8]) | values, "layers": st.just(["relu"]) | st.lists(values, max_size=4)},
    optional=dict.fromkeys(
        ("format", "name", "source", "vars", "blocks", "outputs", "expect", "budget", "variants", "weights", "sample"),
        values,
    ),
)


@given(values | sections)
def test_nothing_but_a_spec_error_is_ever_raised(data: Any) -> None:
    try:
        net = spec_from(data)
    except SpecError as error:
        assert error.diagnostics
        for finding in error.diagnostics:
            assert finding.message and finding.span is None
    else:
        assert net.layers and net.inputs


# Speed and lightness


def thousand_layers() -> str:
    lines = ["input: [3, H, W]", "vars: {H: 224, W: 224}", "layers:"]
    for i in range(250):
        lines += [
            "  - conv: {out_channels: 64, kernel_size: 3, stride: 1, padding: 1, bias: false}",
            "  - batch_norm",
            "  - relu",
            f"  - conv: {{out_channels: 4*H, kernel_size: [3, 3]}}\n    name: layer{i}\n    when: H > {i}",
        ]
    return "\n".join(lines)


def test_a_thousand_layers_take_little_work() -> None:
    text = thousand_layers()
    assert len(spec(text).layers) == 1000
    assert calls(lambda: spec(text)) < 50 * 1000


def test_python_data_needs_no_yaml() -> None:
    code = (
        "import sys; from convcalc.spec import spec_from; spec_from({'input': [1, 2], 'layers': ['relu']});"
        "heavy = {'yaml', 'numpy', 'dataclasses', 'enum', 'fractions', 'pathlib', 'difflib'};"
        "print(*sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=Path(__file__).parent.parent
    )
    assert (done.stdout, done.stderr) == ("enum\n", "")  # which re imports
