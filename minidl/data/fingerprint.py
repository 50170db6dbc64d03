"""What tells data sets apart, without keeping them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from minidl.data.dataset import Dataset
from minidl.kernels.sparse import is_csr

_MOST_BYTES = 1 << 24
"""Of features that are looked at: a few hundredths of a second, also where there are gigabytes."""


def fingerprint(dataset: Dataset) -> str:
    """A SHA-256 of shapes and dtypes, of samples spread evenly over the data set, and of all targets."""
    digest = hashlib.sha256()

    def add(array: Any) -> None:
        digest.update(f"{array.dtype} {array.shape};".encode())
        digest.update(np.ascontiguousarray(array).tobytes())

    features: Any = dataset.features
    digest.update(f"{features.dtype} {features.shape};".encode())
    size = (features.nnz * 12 if is_csr(features) else features.nbytes) // len(dataset)
    count = min(len(dataset), max(_MOST_BYTES // max(size, 1), 1))
    part: Any = dataset[np.linspace(0, len(dataset) - 1, count).astype(np.intp)].features
    for array in (part.data, part.indices, part.indptr) if is_csr(part) else (part,):
        add(array)
    add(dataset.targets)
    if dataset.weights is not None:
        add(dataset.weights)
    return digest.hexdigest()
