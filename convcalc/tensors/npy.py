"""NumPy's .npy format, read without ever trusting it: the header first, then as many bytes as it speaks of."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from io import BytesIO
from math import prod
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np

from convcalc.diagnostics import Unreadable
from convcalc.tensors.stored import Stored, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convcalc.kernels._types import Array, Sizes

LONGEST_HEADER = 10_000
CHUNK = 1 << 20


class Header(NamedTuple):
    """What an array's header says, and how many bytes it takes itself."""

    shape: Sizes
    dtype: np.dtype[np.generic]
    fortran: bool
    length: int

    @property
    def bytes(self) -> int:
        """The size of the numbers."""
        return prod(self.shape) * self.dtype.itemsize

    @property
    def problem(self) -> str:
        """Why this is no array of numbers; empty if it is."""
        if self.dtype.hasobject:
            return "an array of Python objects, which only a pickle can hold"
        return "" if self.dtype.kind in "biuf" else f"{self.dtype}, which are not real numbers"


def read_header(file: IO[bytes]) -> Header:
    """The header that a file starts with; raises ValueError with what is wrong in a word or two."""
    start = file.read(8)
    if len(start) < 8 or not start.startswith(b"\x93NUMPY"):
        raise ValueError("it is no array")
    version, width = start[6:], 2 if start[6] == 1 else 4
    if version not in (b"\x01\x00", b"\x02\x00"):
        raise ValueError(f"version {start[6]}.{start[7]} of the format is not known")
    size = file.read(width)
    length = int.from_bytes(size, "little")
    if length > LONGEST_HEADER:
        raise ValueError(f"its header claims {length:,} bytes")
    text = file.read(length)
    parse = np.lib.format.read_array_header_1_0 if width == 2 else np.lib.format.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote, which are read all the same
            shape, fortran, dtype = parse(BytesIO(size + text), max_header_size=LONGEST_HEADER)
    except Exception:  # whatever a hostile literal makes of Python's parser
        raise ValueError("its header is damaged") from None
    if any(extent < 0 for extent in shape):
        raise ValueError("its header is damaged")
    return Header(tuple(map(int, shape)), dtype, bool(fortran), 8 + width + length)


def read_body(file: IO[bytes], header: Header) -> Array:
    """The numbers that follow the header; raises ValueError where there are fewer or more."""
    count = prod(header.shape)
    flat: Array = np.empty(count, header.dtype)
    room = memoryview(flat.view(np.uint8).data)
    while len(room):
        part = file.read(min(len(room), CHUNK))
        if not part:
            raise ValueError(f"it ends {len(room):,} bytes too early")
        room[: len(part)] = part
        room = room[len(part) :]
    if file.read(1):
        raise ValueError("more follows than its header says")
    return flat.reshape(header.shape[::-1]).T if header.fortran else flat.reshape(header.shape)


@contextmanager
def npy(path: str) -> Iterator[Stored]:
    """The array of a .npy file; raises Unreadable."""
    with opened(path) as file:
        try:
            header = read_header(file)
            size = os.fstat(file.fileno()).st_size
            # Asked before room is made for the numbers: the header may claim more than there is.
            if not header.problem and size != header.length + header.bytes:
                raise ValueError(f"{size:,} bytes, and its header speaks of {header.length + header.bytes:,}")
        except ValueError as error:
            raise Unreadable(f"{path}: not a whole .npy file: {error}") from None

        def read() -> Array:
            try:
                return read_body(file, header)
            except ValueError as error:
                raise Unreadable(f"{path}: not a whole .npy file: {error}") from None

        yield Stored(header.shape, str(header.dtype), read, header.problem)
