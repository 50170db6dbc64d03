"""How the process takes its memory from the system."""

from __future__ import annotations

import functools

import numpy as np

_BLOCK_BYTES = (1 << 22) - 1
"""For one more, NumPy would ask the system for huge pages."""


@functools.cache
def keep_freed_memory() -> None:
    """Let the process keep some megabytes of what it frees, for what it allocates next.

    What is freed above a threshold glibc hands back to the system, which clears it for the next one:
    inference, which gives arrays of its caller's own, would spend half of its time so. A large block that
    is freed raises the threshold to twice its size (see mallopt(3), M_TRIM_THRESHOLD and
    M_MMAP_THRESHOLD), so here one is taken and freed.
    """
    np.empty(_BLOCK_BYTES, np.uint8)
