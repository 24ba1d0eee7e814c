"""Reading, expanding and analysing alone: ``pytest -m bench -s tests/bench``.

Times depend on the machine and are shown beside their targets; what is held are ratios.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from side_by_side import milliseconds, paired, row, seconds

from convcalc.analysis import analyze
from convcalc.expand import expand
from convcalc.loading import load
from convcalc.source import Source
from convcalc.spec import read_spec

if TYPE_CHECKING:
    from convcalc.graph import Graph

pytestmark = pytest.mark.bench

RUNS = 15
GROWTH = 11
"""How many times longer ten times as many layers may take."""

TEN_LAYERS = """\
  - conv: {{out_channels: {width}, kernel_size: 1, bias: false}}
    name: c{place}
  - batch_norm
  - relu
  - conv: {{out_channels: {width}, kernel_size: 3, padding: 1, bias: false}}
  - batch_norm
  - relu
  - conv: {{out_channels: {width}, kernel_size: 1, bias: false}}
  - batch_norm
  - add:
    from: [c{place}, batch_norm_{last}]
  - relu
"""


def text(layers: int) -> str:
    """A spec of so many layers, ten to a residual, written out: no blocks, nothing repeated."""
    groups = (TEN_LAYERS.format(width=16 + 16 * (n % 7), place=n, last=3 * n) for n in range(1, layers // 10 + 1))
    return "input: [3, 256, 256]\nlayers:\n" + "".join(groups)


def graph(layers: int) -> Graph:
    made = expand(read_spec(Source("bench.yaml", text(layers))))
    assert len(made.nodes) == layers + 1
    assert not made.diagnostics
    return made


def test_analysis_of_resnet50() -> None:
    net = load("resnet50")
    times = [seconds(lambda: analyze(net))() for _ in range(RUNS)]
    row("analysis of resnet50", milliseconds(times), "3 ms")


def test_analysis_grows_with_the_layers() -> None:
    small, large = graph(1_000), graph(10_000)
    found = paired(seconds(lambda: analyze(large)), seconds(lambda: analyze(small)), RUNS)
    row("analysis of 1,000 layers", milliseconds(found.other), "30 ms")
    row("analysis of 10,000 layers", milliseconds(found.one))
    row("    over that of 1,000", f"{found.fastest:8.2f}", f"at most {GROWTH}")
    assert found.fastest <= GROWTH


def test_expansion_grows_with_the_layers() -> None:
    small, large = (read_spec(Source("bench.yaml", text(layers))) for layers in (1_000, 10_000))
    found = paired(seconds(lambda: expand(large)), seconds(lambda: expand(small)), RUNS)
    row("spec to graph, 1,000 layers", milliseconds(found.other))
    row("spec to graph, 10,000 layers", milliseconds(found.one))
    row("    over that of 1,000", f"{found.fastest:8.2f}", f"at most {GROWTH}")
    assert found.fastest <= GROWTH


def test_reading_beside_the_yaml_loader() -> None:
    source = Source("bench.yaml", text(1_000))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = paired(
        seconds(lambda: read_spec(source)),
        seconds(lambda: yaml.load(source.text, Loader=loader)),  # noqa: S506  # one of the two safe loaders
        RUNS,
    )
    row("reading a spec of 1,000 layers", milliseconds(found.one), "40 ms")
    row(f"yaml.{loader.__name__} on the same text, without places", milliseconds(found.other))
    row("    reading over loading", f"{found.ratio:8.2f}")
