"""What the clauses of whole nets run on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.errors import StructureError
from minidl.layers import Sequential
from minidl.testing.cases import LayerCase
from minidl.types import Array


@dataclass(frozen=True)
class NetCase(LayerCase):
    """A net's factory, and how its inputs and labels are drawn."""

    num_classes: int = 3

    def net(self, dtype: npt.DTypeLike = np.float64) -> Sequential:
        """A fresh net, its parameters moved a little from where they start."""
        net: Any = self.layer(dtype)
        if getattr(net, "head", None) is None:
            raise StructureError.expected("check_net", "a factory that returns a net with a loss", repr(net))
        found: Sequential = net
        return found

    def targets(self, draw: int = 0, *, batch: int | None = None) -> Array:
        """Labels number `draw`."""
        rng = np.random.default_rng([self.seed, 5, draw])
        return rng.integers(0, self.num_classes, self.batch if batch is None else batch)

    def smaller(self) -> Iterator[NetCase]:
        """Simpler cases, the simplest first."""
        for batch in (1, 2):
            yield replace(self, batch=batch, whole=True)
            yield replace(self, batch=batch)
