"""An array in a file that is not read yet, and how a file is opened."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from convcalc.diagnostics import Unreadable, times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from convcalc.kernels._types import Array, Sizes


class Stored(NamedTuple):
    """What a file says of one of its arrays; ``read`` fetches it, ``problem`` says why it cannot be used."""

    shape: Sizes
    dtype: str
    read: Callable[[], Array]
    problem: str = ""


class Contents(NamedTuple):
    """The arrays of a file by name; ``ordered`` says whether their order is the one they were given in."""

    arrays: dict[str, Stored]
    ordered: bool


def said(shape: Sequence[int]) -> str:
    """``64x3x7x7``, or ``a single number``."""
    return times(shape) or "a single number"


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """An ordinary file, open for reading; raises Unreadable, also where reading it fails later."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            raise Unreadable(f"{path}: {'a directory' if stat.S_ISDIR(mode) else 'a device or a pipe'}, not a file")
        file = open(path, "rb")  # noqa: SIM115  # closed below, where other errors are told otherwise
    except OSError as error:
        raise _unreadable(path, error) from None
    except ValueError as error:  # a NUL inside the path
        raise Unreadable(f"{path!a}: {error}") from None
    with file:
        try:
            yield file
        except OSError as error:
            raise _unreadable(path, error) from None


def _unreadable(path: str, error: OSError) -> Unreadable:
    return Unreadable(f"{path}: {(error.strerror or 'cannot be read').lower()}")


_BEGINNINGS = {
    b"\x93NUMPY": "npy",
    b"PK": "npz",
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpeg",
    b"\x80": "pickle",
    b"\x89HDF": "HDF5",
}


def kind_of(path: str) -> str:
    """What the first bytes of a file say that it is: npy, npz, safetensors, png, jpeg, pickle, HDF5, or nothing.

    Raises Unreadable.
    """
    with opened(path) as file:
        start = file.read(9)
    if path.endswith(".safetensors") or start[8:] == b"{":
        return "safetensors"
    return next((kind for beginning, kind in _BEGINNINGS.items() if start.startswith(beginning)), "")


SAFE = "in Python, safetensors.torch.save_file(net.state_dict(), 'net.safetensors') writes one that is safe"


def refusal(path: str, kind: str, wanted: str) -> Unreadable:
    """The exception for a file of another kind than those that are wanted."""
    if kind == "pickle":
        return Unreadable(f"{path}: a pickle, which can run code when it is read: {SAFE}")
    if os.path.getsize(path) == 0:
        return Unreadable(f"{path}: an empty file")
    told = f"{'an' if kind in ('npy', 'npz', 'HDF5') else 'a'} {kind} file, " if kind else ""
    return Unreadable(f"{path}: {told}not {wanted}")
