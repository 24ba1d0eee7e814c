"""Text to Spec: reading, checking the structure, and the data that comes out; no op is known here."""

from convcalc.spec.bounds import Bound
from convcalc.spec.model import Block, Input, Layer, Marks, Path, Sample, Spec, Variant
from convcalc.spec.reader import read_spec, spec_from
from convcalc.spec.text import read

__all__ = [
    "Block", "Bound", "Input", "Layer", "Marks", "Path", "Sample", "Spec", "Variant",
    "read", "read_spec", "spec_from",
]  # fmt: skip
