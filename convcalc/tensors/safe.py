""".safetensors files, by the library that checks their headers."""

from __future__ import annotations

import json
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from convcalc.diagnostics import Misuse, Unreadable
from convcalc.tensors.stored import Contents, Stored, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.kernels._types import Array

DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "BOOL": "bool",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8",
}  # fmt: skip


@contextmanager
def safetensors(path: str) -> Iterator[Contents]:
    """The arrays of a file by name, in the order of their places; raises Unreadable, Misuse without the library.

    The library writes tensors sorted by dtype and name: then their order says nothing of the net's.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise Misuse(f"{path}: needs the package safetensors: pip install 'convcalc[weights]'") from None
    with opened(path):
        try:
            file: Any = safe_open(path, framework="np")
        except (SafetensorError, OSError) as error:
            raise Unreadable(f"{path}: not a whole .safetensors file: {error}") from None
    with file:
        # Early versions tell the names sorted alone, which is mostly how the file has them.
        names = file.offset_keys() if hasattr(file, "offset_keys") else sorted(file.keys())
        arrays = {name: _stored(path, file, name) for name in names}
        yield Contents(arrays, not _is_sorted(arrays))


def _stored(path: str, file: Any, name: str) -> Stored:
    part = file.get_slice(name)
    kind = str(part.get_dtype())
    dtype = DTYPES.get(kind, kind)

    def read() -> Array:
        array: Array = _bfloat16(path, name) if kind == "BF16" else file.get_tensor(name)
        return array

    return Stored(tuple(part.get_shape()), dtype, read, "" if kind in DTYPES else f"{kind}, which is not read here")


def _bfloat16(path: str, name: str) -> Array:
    """NumPy has no bfloat16: it is the upper half of a float32. The library has checked the header by now."""
    with opened(path) as file:
        length = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(length))[name]
        start, stop = entry["data_offsets"]
        file.seek(8 + length + start)
        halves = np.frombuffer(file.read(stop - start), "<u2")
    return (halves.astype(np.uint32) << 16).view(np.float32).reshape(entry["shape"])


def _is_sorted(arrays: dict[str, Stored]) -> bool:
    runs = [[name for name, _ in run] for _, run in groupby(arrays.items(), lambda item: item[1].dtype)]
    return all(run == sorted(run) for run in runs)
