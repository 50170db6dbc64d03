"""The aliases of types that run through minidl."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt  # at run time it would take a tenth of `import minidl`

Array: TypeAlias = "npt.NDArray[Any]"
Rng: TypeAlias = "np.random.Generator | np.random.RandomState | int | None"
"""A source of random numbers, a seed for one, or None for fresh entropy."""

Initializer: TypeAlias = "Callable[[Any, tuple[int, ...], npt.DTypeLike], Array]"
"""``(rng, shape, dtype) -> array``; the first argument is a generator."""
