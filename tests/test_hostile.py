"""Specs that mean harm, and very large honest ones: one short answer each, soon, in little memory.

A spec is untrusted input. Each case runs in a process of its own, whose processor time and memory are measured
when it has ended; what gets out of hand is stopped by the system.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from convcalc.graph import Graph

NET = "input: [3, 32, 32]\nlayers:\n"
HUGE = 10**18


class Ran(NamedTuple):
    code: int
    out: str
    err: str
    seconds: float
    """Of the processor, so that a busy machine changes little."""
    megabytes: float


MEASURED = """
import resource, subprocess, sys
seconds = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
code = subprocess.call(sys.argv[3:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
kilobytes = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
with open(sys.argv[2], "w") as file:
    print(code, used.ru_utime + used.ru_stime, kilobytes / 1024, file=file)
"""
"""Starts a command under limits and writes down what it used: a small process, because a child starts out with
the memory of the one that it comes from."""


def run(path: Path, text: str, command: str = "shape", *, seconds: int = 30) -> Ran:
    """The command on a spec of this text, stopped after so many seconds or at 1 GB."""
    spec, used = path / "hostile.yaml", path / "used"
    spec.write_text(text)
    convcalc = [sys.executable, "-m", "convcalc", command, str(spec)]
    arguments = [sys.executable, "-c", MEASURED, str(seconds), str(used), *convcalc]
    ran = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    code, took, megabytes = used.read_text().split()
    return Ran(int(code), ran.stdout, ran.stderr, float(took), float(megabytes))


def doubling(depth: int, last: str) -> str:
    """Blocks each of which calls the next one twice."""
    calls = "".join(f"  B{i}:\n    layers:\n      - B{i + 1}\n      - B{i + 1}\n" for i in range(depth))
    return f"input: [3, 32, 32]\nblocks:\n{calls}  B{depth}:\n    layers:\n{last}layers:\n  - B0\n"


CALLS = "".join(
    f"  B{i}:\n    args: {{a: 1}}\n    layers:\n      - B{i + 1}: {{a: 2*a}}\n      - B{i + 1}: {{a: 2*a + 1}}\n"
    for i in range(60)
)
CHAIN = "".join(f"  B{i}:\n    layers:\n      - B{i + 1}\n" for i in range(1000))

REFUSED = {
    "a million repeats": (NET + "  - relu:\n    repeat: 1000000\n", "too-many-layers"),
    "uncountable repeats": (NET + "  - relu:\n    repeat: 10^9*10^9\n", "too-many-layers"),
    "2^60 layers": (doubling(60, "      - relu\n"), "too-many-layers"),
    "2^60 layers of other arguments": (
        f"input: [3, 32, 32]\nblocks:\n{CALLS}  B60:\n    args: {{a: 1}}\n    layers:\n"
        "      - conv: {out_channels: a, kernel_size: 1}\nlayers:\n  - B0\n",
        "too-many-layers",
    ),
    "a block that calls itself": (
        "input: [3, 32, 32]\nblocks:\n  A:\n    layers:\n      - B\n  B:\n    layers:\n      - A\nlayers:\n  - A\n",
        "recursive-block",
    ),
    "a long chain of blocks": (
        f"input: [3, 32, 32]\nblocks:\n{CHAIN}  B1000:\n    layers:\n      - relu\nlayers:\n  - B0\n",
        "recursive-block",
    ),
    "a tower of powers": (NET + "  - conv: {out_channels: 9**9**9, kernel_size: 3}\n", "expression"),
    "a large power": (NET + "  - conv: {out_channels: 9^9*9^9*9^9, kernel_size: 3}\n", "too-large"),
    "a huge kernel": (NET + f"  - conv: {{out_channels: 8, kernel_size: {HUGE}}}\n", "kernel-too-large"),
    "a huge dilation": (NET + f"  - conv: {{out_channels: 8, kernel_size: 3, dilation: {HUGE}}}\n", "kernel-too-large"),
    "a huge transposed stride": (
        NET + f"  - conv_transpose: {{out_channels: 8, kernel_size: 3, stride: {HUGE}}}\n",
        "too-large",
    ),
    "a large transposed stride": (
        NET + "  - conv_transpose: {out_channels: 8, kernel_size: 10^9, stride: 10^8, dilation: 10^9+7}\n",
        "too-large",
    ),
    "bins without number": (NET + f"  - adaptive_avg_pool: {{output_size: {HUGE}}}\n", "too-large"),
    "many bins": (NET + "  - adaptive_max_pool: {output_size: 10^7+19}\n", "too-large"),
    "a huge scale": (NET + "  - upsample: {scale_factor: 10^9}\n    repeat: 400\n", "too-large"),
    "a huge size": (NET + "  - upsample: {size: 10^9+7}\n", "too-large"),
    "doubled 100,000 times": (NET + "  - upsample: {scale_factor: 2}\n    repeat: 100000\n", "too-large"),
    "a thousand scales": (
        NET
        + "".join(f"  - upsample: {{scale_factor: {60_000 + i}}}\n    from: input\n" for i in range(1000))
        + "  - add:\n    from: ["
        + ", ".join(f"upsample_{i + 1}" for i in range(1000))
        + "]\n",
        "too-large",
    ),
    "a billion parts": (NET + "  - split: {chunks: 10^9, dim: 2}\n", "too-large"),
    "a prime number of channels": (
        "input: [9223372036854775783, 8]\nlayers:\n  - conv: {out_channels: 7, kernel_size: 1, groups: 7}\n",
        "indivisible-groups",
    ),
    "a prime number of parts": (
        "input: [9223372036854775783, 8]\nlayers:\n  - split: {chunks: 7}\n",
        "indivisible-chunks",
    ),
    "a long name": (
        NET + f"  - relu:\n    name: {'a' * 10_000}\n  - add:\n    from: [{'a' * 9999}b, input]\n",
        "unknown-layer",
    ),
    "a long op": (NET + f"  - {'a' * 10_000}\n", "unknown-op"),
    "a long claim": (NET + f"  - relu\nexpect: {{output: [{'1, ' * 100_000}1]}}\n", "expectation"),
    "a long sample": (NET + f"  - relu\nsample: {{input: [{'1, ' * 100_000}1]}}\n", "sample"),
    "many variables": (
        "vars:\n  v0: 1\n" + "".join(f"  v{i + 1}: v{i}+0\n" for i in range(20_000)) + NET + "  - relu\n",
        "too-many-variables",
    ),
    "many unknown variables": (
        "vars: {" + ", ".join(f"v{i}: w{i}" for i in range(900)) + "}\n" + NET + "  - relu\n",
        "unknown-name",
    ),
    "values without number": (NET + "  - pad: {padding: [" + "1, " * 600_000 + "1]}\n", "too-many-values"),
    "a wrong residual, 40,000 times": (
        NET + "  - add:\n    - - conv: {out_channels: 3, kernel_size: 3}\n    - []\n    repeat: 40000\n",
        "shapes-disagree",
    ),
    "a long branch that ends too large": (
        NET
        + "  - add:\n    - - conv: {out_channels: 3, kernel_size: 2}\n    - - relu\n"
        + "      - conv: {out_channels: 3, kernel_size: 3, padding: 1}\n" * 6000,
        "shapes-disagree",
    ),
    "wrong residuals": (
        NET
        + "".join(
            f"  - conv: {{out_channels: 3, kernel_size: 3}}\n    from: input\n  - add:\n    from: [conv_{i}, input]\n"
            for i in range(1, 2000)
        )
        + "outputs: [add_1]\n",
        "shapes-disagree",
    ),
    "unknown ops": (NET + "".join(f"  - foo{i}\n" for i in range(20_000)), "unknown-op"),
    "unknown names": (NET + "".join(f"  - relu:\n    from: foo{i}\n" for i in range(10_000)), "unknown-layer"),
}

MANY = {"many unknown variables", "wrong residuals", "unknown ops", "unknown names"}
"""Each of these mistakes is told, up to a hundred."""

SLOWER = {"2^60 layers of other arguments", "values without number", "wrong residuals", "unknown ops", "unknown names"}
"""A second, and the time that Python takes to read a text of megabytes."""


@pytest.mark.parametrize("case", REFUSED)
def test_harm_is_refused_shortly(case: str, tmp_path: Path) -> None:
    text, code = REFUSED[case]
    ran = run(tmp_path, text)
    assert ran.code == 1, ran.err[-500:]
    assert code in {line.split(": ")[1] for line in ran.err.split("\n") if line.startswith(str(tmp_path))}
    assert len(ran.err) < (100_000 if case in MANY else 1500)
    assert ran.seconds < (4 if case in SLOWER else 2)
    assert ran.megabytes < 200


RIGHT = {
    "a huge stride": (NET + f"  - conv: {{out_channels: 8, kernel_size: 3, stride: {HUGE}}}\n", "8x1x1"),
    "a huge padding": (NET + f"  - conv: {{out_channels: 8, kernel_size: 3, padding: {HUGE}}}\n", f"8x{2 * HUGE + 30}"),
    "a huge kernel with padding": (
        NET + f"  - conv: {{out_channels: {HUGE}, kernel_size: {HUGE}, padding: {HUGE}}}\n",
        f"{HUGE}x{HUGE + 33}x{HUGE + 33}",
    ),
    "40 halvings": (
        f"input: [3, {HUGE}, {HUGE}]\nlayers:\n"
        "  - conv: {out_channels: 8, kernel_size: 3, stride: 2, padding: 1}\n    repeat: 40\n",
        f"8x{-(-HUGE // 2**40)}x{-(-HUGE // 2**40)}",
    ),
    "40 doublings": (NET + "  - upsample: {scale_factor: 2}\n    repeat: 40\n", f"3x{2**45}x{2**45}"),
    "an operand 100,000 times": (NET + f"  - concat:\n    from: [{'input, ' * 99_999}input]\n", "300000x32x32"),
}


@pytest.mark.parametrize("case", RIGHT)
def test_large_numbers_are_right(case: str, tmp_path: Path) -> None:
    text, shape = RIGHT[case]
    ran = run(tmp_path, text.replace("\nlayers:", "\nexpect: {receptive_field: 0}\nlayers:"), "check")
    assert ran.code == 1
    assert "receptive_field: expected 0" in ran.out
    ran = run(tmp_path, text)
    assert ran.code == 0, ran.err[-500:]
    assert shape in ran.out
    assert ran.seconds < 2
    assert ran.megabytes < 200


HONEST = {
    "relu, line by line": NET + "  - relu\n" * 100_000,
    "claims": "blocks:\n  Block:\n    layers:\n      - relu:\n        expect: {shape: [3, 32, 32]}\n      - tanh\n"
    + NET
    + "  - Block:\n    repeat: 33000\n",
    "residuals": NET
    + "  - add:\n    - - conv: {out_channels: 3, kernel_size: 3, padding: 1}\n    - []\n    repeat: 40000\n",
}


@pytest.mark.parametrize("case", HONEST)
def test_a_hundred_thousand_layers(case: str, tmp_path: Path) -> None:
    ran = run(tmp_path, HONEST[case])
    assert ran.code == 0, ran.err[-500:]
    assert ran.seconds < 12
    assert ran.megabytes < 300


def test_many_variants_of_a_large_net(tmp_path: Path) -> None:
    variants = "".join(f"  hostile_{i}: {{vars: {{H: {i + 1}}}}}\n" for i in range(5000))
    text = f"vars: {{H: 8}}\ninput: [3, H, H]\nlayers:\n  - relu:\n    repeat: 10000\nvariants:\n{variants}"
    ran = run(tmp_path, text, "check")
    assert ran.code == 1
    assert "too-many-layers: the variants make more than 200,000 layers in all" in ran.out
    assert ran.seconds < 20


def test_a_huge_batch_is_no_trouble() -> None:
    net = Graph("net")
    net.output(net.add("conv", net.input((3, 32, 32)), out_channels=1, kernel_size=32))
    assert net.analyze(batch=HUGE).totals.macs == 3 * 32 * 32 * HUGE


def test_what_gets_out_of_hand_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The measurement itself: a second of work and 200 MB are not overlooked."""
    waste = """
import sys, time
if "convcalc" in sys.orig_argv and "-c" not in sys.orig_argv:
    block, start = b"x" * (300 << 20), time.process_time()
    while time.process_time() - start < 1:
        pass
"""
    (tmp_path / "sitecustomize.py").write_text(waste)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    ran = run(tmp_path, NET + "  - relu\n")
    assert ran.seconds > 1
    assert ran.megabytes > 200
