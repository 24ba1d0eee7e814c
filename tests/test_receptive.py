"""Receptive fields: composed taps against sets of positions carried through the same layers."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from convcalc.analysis.receptive import MAX_PHASES, POINT, Field, compose
from convcalc.graph import Graph
from convcalc.ops._op import Taps


def seen_by(chain: list[Taps], output: int) -> set[int]:
    """The input positions that an output depends on, by following every tap of every layer backwards."""
    positions = {output}
    for taps in reversed(chain):
        before = set()
        for position in positions:
            turn, phase = divmod(position, taps.period)
            start, step, count = taps.windows[phase]
            before |= {turn * taps.advance + start + step * j for j in range(count)}
        positions = before
    return positions


def random_taps(draw: random.Random) -> Taps:
    if draw.random() < 0.65:
        window = draw.randint(-3, 1), draw.randint(1, 3), draw.randint(1, 5)
        return Taps(1, draw.randint(1, 3), (window,))
    period = draw.randint(2, 3)
    windows = tuple((draw.randint(-2, 1), draw.randint(1, 2), draw.randint(0, 3)) for _ in range(period))
    return Taps(period, draw.randint(1, 3), windows)


@pytest.mark.parametrize("seed", range(300))
def test_composed_fields_are_the_hulls_of_what_is_seen(seed: int) -> None:
    draw = random.Random(seed)
    chain = [random_taps(draw) for _ in range(draw.randint(1, 5))]
    field = POINT
    for taps in chain:
        field = compose(field, taps)
    assert field.exact
    for output in range(2 * field.period):
        seen = seen_by(chain, output)
        turn, phase = divmod(output, field.period)
        span = field.spans[phase]
        if not seen:
            assert span is None
        else:
            assert span is not None
            assert (span[0] + turn * field.advance, span[1] + turn * field.advance) == (min(seen), max(seen))


@pytest.mark.parametrize("periods", [(7, 64), (400,), (5, 400, 3), (400, 2, 300)])
def test_too_many_phases_become_a_bound_that_holds_every_one(periods: tuple[int, ...]) -> None:
    chain = [Taps(period, 3, tuple((r % 5, 1, 1 + r % 3) for r in range(period))) for period in periods]
    field = POINT
    for taps in chain:
        field = compose(field, taps)
    assert not field.exact
    assert field.period <= MAX_PHASES
    for output in range(1000):
        seen = seen_by(chain, output)
        turn, phase = divmod(output, field.period)
        span = field.spans[phase]
        assert span is not None
        assert turn * field.advance + span[0] <= min(seen)
        assert max(seen) <= turn * field.advance + span[1]
    stride = Fraction(1)
    for period in periods:
        stride *= Fraction(3, period)
    assert field.stride == stride


def test_a_field_has_size_stride_and_start() -> None:
    field = Field(2, 1, ((-1, 1), (0, 4)))
    assert (field.size, field.stride, field.start) == (5, Fraction(1, 2), -1)


def test_a_join_sees_what_either_branch_sees() -> None:
    net = Graph()
    x = net.input((4, 32, 32))
    wide = net.add("conv", x, out_channels=4, kernel_size=7, padding=3)
    narrow = net.add("conv", x, out_channels=4, kernel_size=3, padding=1)
    net.add("add", narrow, wide)
    row = net.analyze().rows[-1]
    assert row.receptive_field == (7, 7)
    assert [field.start for field in row.fields] == [-3, -3]
    assert not row.sees_all


def test_a_gate_that_sees_everything_leaves_the_local_field() -> None:
    net = Graph()
    x = net.add("conv", net.input((4, 32, 32)), out_channels=4, kernel_size=3, padding=1)
    gate = net.add("sigmoid", net.add("conv", net.add("global_avg_pool", x), out_channels=4, kernel_size=1))
    y = net.add("mul", x, gate)
    net.add("conv", y, out_channels=4, kernel_size=3, padding=1)
    row = net.analyze().rows[-1]
    assert row.sees_all
    assert row.receptive_field == (5, 5)


def test_the_field_in_front_of_a_head_is_the_last_map_s() -> None:
    net = Graph()
    x = net.add("conv", net.input((4, 32, 32)), out_channels=4, kernel_size=(3, 5), stride=(2, 1))
    net.add("linear", net.add("flatten", x), out_features=10)
    totals = net.analyze().totals
    assert totals.sees_all
    assert totals.receptive_field == (3, 5)


def test_paths_of_different_strides_are_no_exact_field() -> None:
    net = Graph()
    x = net.input((4, 32))
    slow = net.add("upsample", net.add("max_pool", x, kernel_size=4), scale_factor=4)
    fast = net.add("max_pool", x, kernel_size=2, stride=1, padding=0)
    net.add("add", slow, net.add("pad", fast, padding=[[0, 1]]))
    assert all(field.exact for field in net.analyze().totals.fields)
    other = net.add("max_pool", x, kernel_size=2)
    net.add("add", net.add("upsample", slow, scale_factor=1), net.add("upsample", other, scale_factor=2))
    assert all(field.exact for field in net.analyze().totals.fields)
    tight = net.add("crop", x, size=8)
    net.add("add", net.add("max_pool", x, kernel_size=4), tight)
    assert not any(field.exact for field in net.analyze().totals.fields)
