"""What kernels take and return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Gradients: TypeAlias = dict[int | str, Array]
Vjp: TypeAlias = Callable[[Array], Gradients]
Forward: TypeAlias = Callable[..., tuple[Any, Callable[..., Gradients]]]
Generator: TypeAlias = np.random.Generator
Sizes: TypeAlias = tuple[int, ...]
