"""What a device can do at best: operations and bytes in a second, and its cache.

name: NVIDIA T4
source: NVIDIA T4 datasheet, 2019
flops: {float32: 8.1e12, float16: 65e12}      # FLOP/s by dtype
bandwidth: 320e9                              # bytes/s of the memory
cache: 4_194_304                              # bytes of the last level; none if left out
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Misuse, did_you_mean
from convcalc.spec import read
from convcalc.spec.document import load
from convcalc.spec.findings import Findings
from convcalc.spec.model import Marks
from convcalc.spec.reader import DTYPES
from convcalc.spec.shipped import is_path
from convcalc.spec.structure import kind, known_keys, mapping, text

if TYPE_CHECKING:
    from convcalc.spec.model import Path

KEYS = ("name", "source", "flops", "bandwidth", "cache")
EXAMPLE = "flops: {float32: 8.1e12}"


class Device(NamedTuple):
    """Peak FLOP/s by dtype, bytes/s of the memory, bytes of the cache (0 where none is told), and who says so."""

    name: str
    source: str
    flops: dict[str, float]
    bandwidth: float
    cache: int = 0

    def peak(self, dtype: str) -> float:
        """FLOP/s for a dtype; raises Misuse where nothing is known of it."""
        if dtype not in self.flops:
            raise Misuse(f"nothing is known of {dtype} on {self.name}, but of {', '.join(self.flops)}")
        return self.flops[dtype]

    def written(self) -> str:
        """The file that describes it."""
        flops = ", ".join(f"{dtype}: {_number(peak)}" for dtype, peak in self.flops.items())
        lines = [f"name: {_quoted(self.name)}", f"source: {_quoted(self.source)}", f"flops: {{{flops}}}"]
        lines.append(f"bandwidth: {_number(self.bandwidth)}")
        return "\n".join([*lines, *[f"cache: {self.cache}"][: self.cache > 0]]) + "\n"


def names() -> list[str]:
    """The devices that come with convcalc."""
    return sorted(file[:-5] for file in os.listdir(_folder()) if file.endswith(".yaml"))


def open_device(argument: str) -> Device:
    """The device of a shipped name, or of a file: what has a slash or a YAML ending.

    Raises Misuse for a name that there is not, Unreadable, and SpecError with every mistake in the file.
    """
    if is_path(argument):
        return _read(argument)
    if argument not in names():
        hint = f"for the file here write ./{argument}" if os.path.exists(argument) else did_you_mean(argument, names())
        raise Misuse(f"there is no device '{argument}': {hint}")
    return _read(os.path.join(_folder(), f"{argument}.yaml"))


def _folder() -> str:
    return os.path.dirname(__file__)


def _read(path: str) -> Device:
    source = read(path)
    found = Findings(source, Marks())
    if not source.text.strip():
        found.add((), "empty", "there is no device in this file", f"write lines like `{EXAMPLE}`")
        found.stop()
    data = load(source, found)
    given = mapping(found, data, (), "a device", EXAMPLE)
    if not isinstance(data, dict):
        found.stop()
    known_keys(found, given, (), KEYS, "a device")
    for key, example in (("flops", EXAMPLE), ("bandwidth", "bandwidth: 320e9")):
        if key not in given:
            found.add((), f"missing-{key}", f"the device has no `{key}`", f"add it, as in `{example}`", key=True)
    flops = mapping(found, given.get("flops", {}), ("flops",), "flops", EXAMPLE)
    if not flops and isinstance(given.get("flops"), dict):
        found.add(("flops",), "missing-value", "there is no dtype under `flops`", f"write it as in `{EXAMPLE}`")
    for dtype in flops:
        if dtype not in DTYPES:
            fix = did_you_mean(dtype, DTYPES)
            found.add(("flops", dtype), "unknown-dtype", f"'{dtype}' is not a dtype", fix, key=True)
    stem = os.path.splitext(os.path.basename(path))[0]
    device = Device(
        text(found, given.get("name", stem), ("name",), "the name"),
        text(found, given.get("source", ""), ("source",), "the source"),
        {dtype: _positive(found, peak, ("flops", dtype), "FLOP/s") for dtype, peak in flops.items()},
        _positive(found, given.get("bandwidth", 1), ("bandwidth",), "bytes/s"),
        int(_positive(found, given["cache"], ("cache",), "bytes")) if "cache" in given else 0,
    )
    found.stop()
    return device


def _positive(found: Findings, value: Any, path: Path, unit: str) -> float:
    """The value if it is a number above 0; a finding and 1 if not."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        return value
    message = f"{path[-1]} is a number of {unit} above 0, and this is {kind(value)}"
    example = "4_194_304" if unit == "bytes" else "8e12"
    found.add(path, "not-positive", message, f"write it as in `{path[-1]}: {example}`")
    return 1


def _number(value: float) -> str:
    """Four digits, as in ``8.1e12``."""
    digits, power = f"{value:.3e}".split("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"


def _quoted(words: str) -> str:
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'
