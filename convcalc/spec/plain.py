"""Python data, given in place of a text, made as plain as what a text can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc.expressions import LIMIT

if TYPE_CHECKING:
    from convcalc.spec.findings import Findings
    from convcalc.spec.model import Path

MAX_DEPTH = 64
MAX_VALUES = 250_000


def plain(data: Any, found: Findings) -> Any:
    """A copy in dicts, lists, text, numbers, booleans and None; tuples become lists.

    Whatever a text could not say is added to ``found`` and left out; SpecError where there is no end.
    """
    return _Copy(found).value(data, ())


class _Copy:
    def __init__(self, found: Findings) -> None:
        self.found = found
        self.count = 0

    def value(self, data: Any, path: Path) -> Any:
        self.count += 1
        if self.count > MAX_VALUES:
            self.found.at(None, "too-many-values", f"more than {MAX_VALUES:,} values", "use blocks and repeat")
            self.found.stop()
        if len(path) > MAX_DEPTH:
            self.found.at(None, "too-deep", f"nested deeper than {MAX_DEPTH}", "take the nesting apart")
            self.found.stop()
        if isinstance(data, dict):
            return {key: self.value(entry, (*path, key)) for key, entry in data.items() if self.is_key(key, path)}
        if isinstance(data, (list, tuple)):
            return [self.value(entry, (*path, i)) for i, entry in enumerate(data)]
        if data is None or isinstance(data, (bool, str)):
            return data
        if isinstance(data, int) and -LIMIT < data < LIMIT:
            return int(data)
        if isinstance(data, float) and data - data == 0:
            return float(data)
        if isinstance(data, (int, float)):
            self.found.add(path, "too-large", "the number does not fit in 63 bits or a float", "write a smaller number")
        else:
            fix = "use dicts, lists, text and numbers"
            self.found.add(path, "not-plain", f"a spec cannot hold a {type(data).__name__}", fix)
        self.found.spoil(path)
        return None

    def is_key(self, key: Any, path: Path) -> bool:
        if isinstance(key, str):
            return True
        message = f"a key is text, and this is a {type(key).__name__}"
        self.found.add(path, "key-not-text", message, "write its name")
        return False
