""".npz archives: what they hold is listed from the headers, and only what is asked for is decompressed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from convcalc.diagnostics import Unreadable
from convcalc.tensors.npy import read_body, read_header
from convcalc.tensors.stored import SAFE, Contents, Stored, opened

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator

    from convcalc.kernels._types import Array

MOST_ENTRIES = 100_000
LARGE = 1 << 28
MOST_GROWTH = 200
"""A large array that decompresses to more than so many times its size in the file is no array of a net."""


@contextmanager
def npz(path: str) -> Iterator[Contents]:
    """The arrays of an archive by name, in its order; raises Unreadable."""
    import zipfile

    with opened(path) as file:
        try:
            archive = zipfile.ZipFile(file)
        except Exception as error:  # a damaged directory raises whatever its numbers lead to
            raise Unreadable(f"{path}: not a whole .npz file: {_told(error)}") from None
        with archive:
            yield Contents(_listed(path, archive), True)


def _listed(path: str, archive: zipfile.ZipFile) -> dict[str, Stored]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MOST_ENTRIES:
        raise Unreadable(f"{path}: {len(entries):,} entries, more than any net has")
    if any(entry.filename.endswith("data.pkl") for entry in entries):
        raise Unreadable(f"{path}: written by torch.save, so a pickle, which can run code when it is read: {SAFE}")
    arrays: dict[str, Stored] = {}
    for entry in entries:
        name = entry.filename.removesuffix(".npy")
        if name in arrays:
            raise Unreadable(f"{path}: holds '{name}' twice")
        arrays[name] = _stored(path, archive, entry, name)
    return arrays


def _stored(path: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> Stored:
    def read() -> Array:
        try:
            with archive.open(entry) as file:
                return read_body(file, read_header(file))
        except Exception as error:  # the decompressor and the checksum have many ways to complain
            raise Unreadable(f"{path}: '{name}' is damaged: {_told(error)}") from None

    from zipfile import ZIP_DEFLATED, ZIP_STORED

    try:
        if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise ValueError("it is compressed in another way than NumPy does")
        with archive.open(entry) as file:
            header = read_header(file)
        if header.problem:
            return Stored(header.shape, str(header.dtype), read, header.problem)
        if header.length + header.bytes != entry.file_size:
            raise ValueError(f"{entry.file_size:,} bytes, and its header speaks of {header.length + header.bytes:,}")
        if entry.file_size > max(LARGE, MOST_GROWTH * entry.compress_size):
            raise ValueError(f"{entry.compress_size:,} bytes claim to hold {entry.file_size:,}")
    except Exception as error:
        raise Unreadable(f"{path}: '{name}' is damaged: {_told(error)}") from None
    return Stored(header.shape, str(header.dtype), read)


def _told(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text[:1].lower() + text[1:]
