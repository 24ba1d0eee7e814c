"""Arrays into an .npz file, whole or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

import numpy as np

from convcalc.diagnostics import Misuse
from convcalc.replacing import replacing

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Mapping

    from convcalc.kernels._types import Array
    from convcalc.witness import Weights


def save(path: str, arrays: Mapping[str, Array]) -> None:
    """Write arrays by name to an .npz file, the same bytes for the same arrays.

    Written beside and renamed, so that a failure leaves what was there before. Raises Misuse for another ending and
    for what only a pickle could hold, OSError with ``filename`` where there is no room or no permission.
    """
    from zipfile import ZipFile, ZipInfo

    refuse_other_ending(path)
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise Misuse(f"{path}: '{name}' holds Python objects, which only a pickle could save")
    with replacing(path) as file, ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(cast("zipfile.ZipExtFile", entry), np.asanyarray(array), allow_pickle=False)


def refuse_other_ending(path: str) -> None:
    """Raise Misuse for a file that is not called ``.npz``; a device such as ``/dev/null`` may have any name."""
    if os.path.splitext(path)[1] != ".npz" and (os.path.isfile(path) or not os.path.exists(path)):
        raise Misuse(f"{path}: arrays are saved as .npz: give it that ending")


def flat(weights: Weights) -> dict[str, Array]:
    """Arrays by layer and name as one map: ``conv_1.weight``."""
    return {f"{layer}.{name}": array for layer, entry in weights.items() for name, array in entry.items()}
