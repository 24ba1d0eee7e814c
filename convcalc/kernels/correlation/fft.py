"""Products of spectra: a correlation is a product with the conjugate. Source: Mathieu et al. 2013, section 2.2.

Axes are padded to a power of two that holds the operand, so nothing wraps around. A stride keeps every so many
values of the result, a dilation spreads the kernel with zeros between its taps. The spectra of the kernels are made
for one channel at a time: all of them would take many times the memory of the weights.

What a transform performs is a definition, not a measurement: Cooley & Tukey's radix-2 algorithm, ``n / 2 * log2 n``
butterflies, each one complex multiplication (4 real ones, 2 additions) and two complex additions (4): 5 n log2 n in
all. A transform of real values is half of that.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from convcalc.kernels._tally import tally
from convcalc.kernels._windows import reach, tap
from convcalc.kernels.correlation import place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import EllipsisType

    from convcalc.kernels._types import Array, Sizes


def correlate(x: Array, w: Array, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """``Y[o]`` is the sum over ``c`` of ``X[c]`` by the conjugate of ``W[o, c]``."""
    starts = place(x.shape[2:], w.shape[2:], stride, dilation)
    lengths = _lengths(x.shape[2:])
    seen = _spectrum(x, lengths)
    y = np.empty((len(x), len(w), *map(len, starts)), x.dtype)
    channels, outputs = w.shape[1], len(w) // groups
    for o in range(len(w)):
        group = o // outputs * channels
        kernels = _spectrum(_spread(w[o], dilation), lengths)
        total = _contract("nc...,c...->n...", seen[:, group : group + channels], kernels.conj())
        y[:, o] = _values(total, lengths)[_every(starts)]
    return y


def input_adjoint(dy: Array, w: Array, sizes: Sizes, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """``dX[c]`` is the sum over ``o`` of ``dY[o]`` by ``W[o, c]``, the values of ``dy`` apart by the stride."""
    place(sizes, w.shape[2:], stride, dilation)
    lengths = _lengths(sizes)
    seen = _spectrum(_spread(dy, stride), lengths)
    channels, outputs = w.shape[1], len(w) // groups
    dx = np.empty((len(dy), channels * groups, *sizes), dy.dtype)
    for c in range(channels * groups):
        group = c // channels * outputs
        kernels = _spectrum(_spread(w[group : group + outputs, c % channels], dilation), lengths)
        total = _contract("no...,o...->n...", seen[:, group : group + outputs], kernels)
        dx[:, c] = _values(total, lengths)[_every([range(n) for n in sizes])]
    return dx


def weight_adjoint(x: Array, dy: Array, kernel: Sizes, stride: Sizes, dilation: Sizes, groups: int) -> Array:
    """``dW[o, c]`` is the sum over the samples of ``X[c]`` by the conjugate of ``dY[o]``."""
    place(x.shape[2:], kernel, stride, dilation)
    lengths = _lengths(x.shape[2:])
    seen = _spectrum(x, lengths)
    channels, outputs = x.shape[1] // groups, dy.shape[1] // groups
    dw = np.empty((dy.shape[1], channels, *kernel), x.dtype)
    lags = [range(0, reach(k, d) + 1, d) for k, d in zip(kernel, dilation, strict=True)]
    for o in range(len(dw)):
        group = o // outputs * channels
        given = _spectrum(_spread(dy[:, o], stride), lengths)
        total = _contract("nc...,n...->c...", seen[:, group : group + channels], given.conj())
        dw[o] = _values(total, lengths)[_every(lags)]
    return dw


def _lengths(sizes: Sizes) -> Sizes:
    """Powers of two, at least the sizes."""
    return tuple(1 << (n - 1).bit_length() for n in sizes)


def _spread(x: Array, apart: Sizes) -> Array:
    """The values of the last axes ``apart`` from each other, zeros between."""
    rank = len(apart)
    lines = [range(0, n * step, step) for n, step in zip(x.shape[-rank:], apart, strict=True)]
    spread = np.zeros((*x.shape[:-rank], *(line[-1] + 1 for line in lines)), x.dtype)
    spread[_every(lines)] = x
    return spread


def _every(lines: Sequence[range]) -> tuple[EllipsisType | slice, ...]:
    """An index that takes these positions of the last axes."""
    return (..., *(tap(line, 0) for line in lines))


def _spectrum(x: Array, lengths: Sizes) -> Array:
    """The transforms over the last axes, half of the last of them: the rest is its conjugate."""
    found: Array = np.fft.rfftn(x, lengths, axes=range(-len(lengths), 0))
    _count(found, lengths)
    return found


def _values(spectrum: Array, lengths: Sizes) -> Array:
    """The inverse of ``_spectrum``."""
    _count(spectrum, lengths)
    found: Array = np.fft.irfftn(spectrum, lengths, axes=range(-len(lengths), 0))
    return found


def _count(spectrum: Array, lengths: Sizes) -> None:
    """What these transforms perform: on each axis, one of its length for every line of real values."""
    transforms = prod(spectrum.shape[: -len(lengths)])
    for n in lengths:
        lines = transforms * prod(lengths) // n
        butterflies = lines * (n // 2) * (n.bit_length() - 1)
        # Half of 4, and half of 6, for the values are real.
        tally.multiplications += 2 * butterflies
        tally.additions += 3 * butterflies


def _contract(terms: str, left: Array, right: Array) -> Array:
    """The sum of products of complex numbers, each 4 real multiplications and 2 additions; so is a sum's addition."""
    result: Array = np.einsum(terms, left, right)
    tally.multiplications += 4 * left.size
    tally.additions += 2 * left.size + 2 * (left.size - result.size)
    return result
