"""What this machine does at best in NumPy, measured: a matrix product, and a copy through the memory."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from glob import glob
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convcalc.devices import Device

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE = 1536
"""Of the square matrices: their product takes long enough to be timed, and they fit into a large cache."""

REPEATS = 7
DTYPES = ("float64", "float32")
LEAST = 64 << 20
"""Bytes that are copied at least."""


def measure(room: int | None = None) -> Device:
    """The machine at hand: FLOP/s of a matrix product, bytes/s of a copy (read and written), medians of several times.

    What is copied is twice as large as the last cache. Where ``room`` bytes are too few for that, the copy stays in the
    cache in part: then no cache is told, and the source says so.
    """
    cache = _cache()
    wanted = max(2 * cache, LEAST)
    fits = room is None or 2 * wanted <= room // 2
    copied = wanted if fits else LEAST
    products = {dtype: _product(dtype) for dtype in DTYPES}
    copy = _copy(copied)
    spread = max(rate.spread for rate in (*products.values(), copy))
    what = f"NumPy {np.__version__}, {os.cpu_count()} CPUs: products of {SIDE}x{SIDE}, copies of {copied >> 20} MiB"
    told = "" if fits else f" which the cache of {cache >> 20} MiB holds in part"
    return Device(
        platform.processor() or platform.machine() or "this machine",
        f"measured, medians of {REPEATS}, the fastest up to {spread:.1f} times as fast; {what}{told}",
        {dtype: rate.median for dtype, rate in products.items()},
        copy.median,
        cache if fits else 0,
    )


class Rate(NamedTuple):
    """Work in a second: the median, and how many times that the fastest was, more than a little on a busy machine."""

    median: float
    spread: float


def _product(dtype: str) -> Rate:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((SIDE, SIDE)).astype(dtype) for _ in range(2))
    out = np.empty_like(a)
    return _rate(2 * SIDE**3, lambda: np.matmul(a, b, out=out))


def _copy(size: int) -> Rate:
    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    return _rate(2 * size, lambda: np.copyto(target, source))


def _rate(work: int, run: Callable[[], object]) -> Rate:
    """Of runs after one that warms up."""
    run()
    times = []
    for _ in range(REPEATS):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return Rate(work / median(times), median(times) / min(times))


def _cache() -> int:
    """Bytes of the largest cache of the first CPU, 0 where the system does not say."""
    sizes = [0]
    for path in glob("/sys/devices/system/cpu/cpu0/cache/index*/size"):
        with suppress(OSError, ValueError), open(path) as file:
            told = file.read().strip()
            sizes.append(int(told.rstrip("KM")) << {"K": 10, "M": 20}.get(told[-1:], 0))
    return max(sizes)
