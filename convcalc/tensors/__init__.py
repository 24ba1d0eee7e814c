"""Arrays from files and into files: weights, inputs, results, and the arrays of worked examples.

Nothing is unpickled, nothing is decompressed before its declared size is known to be wanted, and nothing is
handed out before all of it was read and checked.
"""

from convcalc.tensors.finite import first_not_finite
from convcalc.tensors.inputs import read_inputs
from convcalc.tensors.matching import Match
from convcalc.tensors.saving import flat, refuse_other_ending, save
from convcalc.tensors.weights import Loaded, read_arrays, read_weights

__all__ = [
    "Loaded", "Match", "first_not_finite", "flat", "read_arrays", "read_inputs", "read_weights", "refuse_other_ending",
    "save",
]  # fmt: skip
