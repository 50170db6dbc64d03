"""The journal's first line: which sweep it is."""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from collections.abc import Sequence
from typing import Any

from minidl.data import Dataset
from minidl.files import to_json
from minidl.initializers import Array
from minidl.sweep.halving import Halving
from minidl.sweep.portable import name_of
from minidl.sweep.space import Configuration
from minidl.sweep.trial import Setup


def describe(
    setup: Setup, configurations: Sequence[Configuration], budget: int, halving: Halving | None
) -> dict[str, Any]:
    """Everything that the rows depend on, in terms of JSON."""
    from minidl import __version__  # here: minidl may be half-way through its own import

    data = setup.data
    parts = {"train": _fingerprint(data.train), "validation": _fingerprint(data.validation)}
    return {
        "minidl": __version__,
        "model": name_of(setup.build),
        "trials": len(configurations),
        "configurations": hashlib.sha256(to_json(configurations).encode()).hexdigest(),
        "data": {"name": data.name, **parts},
        setup.unit: budget,
        "objective": name_of(setup.objective),
        "seed": setup.seed,
        "halving": dataclasses.asdict(halving) if halving else None,
    }


def _fingerprint(data: Dataset | None) -> dict[str, Any] | None:
    """What tells data sets apart: the arrays' shape, dtype and checksum."""
    if data is None:
        return None
    arrays = {"features": data.features, "targets": data.targets}
    return {name: [list(array.shape), str(array.dtype), _checksum(array)] for name, array in arrays.items()}


def _checksum(array: Array) -> int:
    total = 0
    for row in range(0, len(array), 1024):  # a copy of a part, of any layout
        total = zlib.crc32(array[row : row + 1024].tobytes(), total)
    return total
