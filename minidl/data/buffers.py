"""A batch, and the memory in which it is gathered."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from minidl.data.dataset import Dataset
from minidl.kernels.sparse import is_csr
from minidl.types import Array

Batch: TypeAlias = "tuple[Any, Array, Array | None]"
"""Features, a CSR matrix where those of the data set are, targets and weights; None where it has none."""


def new_buffers(data: Dataset, rows: int) -> Batch:
    """Arrays for so many samples of `data`; None for sparse features, for SciPy takes no `out`."""
    sparse = is_csr(data.features)
    features = None if sparse else np.empty((rows, *data.sample_shape), data.features.dtype)
    targets = np.empty((rows, *data.targets.shape[1:]), data.targets.dtype)
    return features, targets, None if data.weights is None else np.empty(rows)
