"""Multiply-accumulates, counted where they are performed.

By definition (design, section 4): a convolution performs one for each output and tap, taps on padding included, a
transposed one for each input and tap, whatever an algorithm saves. What an algorithm really performs is counted
beside it, by the algorithm.
"""

from __future__ import annotations


class Tally:
    """Counts since the last ``reset``; one for the process, so kernels that count run on one thread."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start again at nothing."""
        self.macs = 0
        """Of forward passes."""
        self.weight_macs = 0
        """Of gradients of weights."""
        self.input_macs = 0
        """Of gradients of operands."""
        self.multiplications = 0
        """Really performed, in either direction."""
        self.additions = 0

    def product(self, rows: int, inner: int, columns: int, times: int = 1) -> None:
        """A matrix product ``[rows, inner]`` by ``[inner, columns]`` was performed."""
        self.multiplications += rows * inner * columns * times
        self.additions += rows * (inner - 1) * columns * times


tally = Tally()
