"""The reference tells everything that a spec may say of an op."""

from __future__ import annotations

import pytest

from convcalc import ops
from convcalc.explain.reference import reference, section


@pytest.mark.parametrize("name", ops.names())
def test_a_section_tells_all_attributes_and_the_source(name: str) -> None:
    op = ops.find(name)
    told = section(op)
    assert f"\n## {name}\n" in told
    assert "\n- Source: " in told
    assert "\n- Cost: " in told
    rows = {line.split("`")[1]: line for line in told.splitlines() if line.startswith("| `")}
    assert rows.keys() == op.attributes.keys()
    for key, attribute in op.attributes.items():
        assert ("| required |" in rows[key]) == attribute.required
        assert all(f"`{other}`" in rows[key] for other in attribute.also)
    assert all(f"`{other}`" in told for other in op.also)


def test_the_reference_has_every_op_once() -> None:
    headings = [line[3:] for line in reference().splitlines() if line.startswith("## ")]
    assert headings == ops.names()


def test_an_op_without_attributes() -> None:
    assert section(ops.find("relu")) == (
        "\n## relu\n\n`max(x, 0)`.\n\n"
        "- Takes 1 operand with 0 to 4 spatial axes.\n- Cost: For each value: compares 1.\n- Backward keeps: output.\n"
        "- Source: torch.nn.ReLU.\n- Compares: `C_out*H_out*W_out`"
    )


def test_formulas_hold_what_is_left_at_its_default_too() -> None:
    told = section(ops.find("conv"))
    assert "- Height, width: `floor((H + 2*padding - dilation*(kernel_size - 1) - 1)/stride) + 1`" in told
    assert "- MACs: `C_out*H_out*W_out*C/groups*kernel_size^2`" in told


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("avg_pool", "- Height: `floor((H + 2*padding - dilation*(kernel_size - 1) - 1)/kernel_size) + 1`"),
        ("concat", "- Channels: `C_1 + C_2 + C_3`"),
        ("flatten", "- Features: `C*H*W`"),
        ("batch_norm", "- Weight: `C`"),
        ("softmax", "- Compares: `C_out*H_out*W_out - H*W`"),
    ],
)
def test_formulas_are_those_of_the_defaults(name: str, line: str) -> None:
    assert line in section(ops.find(name)).splitlines()


def test_what_an_op_must_be_told_stands_before_its_formulas() -> None:
    before = section(ops.find("avg_pool")).partition("- Height: ")[0].splitlines()
    assert before[-1] == "- Formulas of: `avg_pool(kernel_size=3)`"
