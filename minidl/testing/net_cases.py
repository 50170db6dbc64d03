"""What the clauses of whole nets run on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from minidl.checks import check_array
from minidl.errors import StructureError
from minidl.losses.loss import ANY
from minidl.net import Net
from minidl.testing.cases import LayerCase
from minidl.testing.loss_cases import MakeTargets
from minidl.types import Array


@dataclass(frozen=True)
class NetCase(LayerCase):
    """A net's factory, and how its inputs and targets are drawn."""

    num_classes: int = 3
    make_targets: MakeTargets | None = None

    def net(self, dtype: npt.DTypeLike = np.float64) -> Net:
        """A fresh net, its parameters moved a little from where they start."""
        net = self.layer(dtype)
        if not isinstance(net, Net) or net.head is None:
            raise StructureError.expected("check_net", "a factory that returns a net with a loss", repr(net))
        return net

    def targets(self, draw: int = 0, *, batch: int | None = None) -> Array:
        """Targets number `draw`: labels, or what `make_targets` makes."""
        rng = np.random.default_rng([self.seed, 5, draw])
        size = self.batch if batch is None else batch
        if self.make_targets is None:
            return rng.integers(0, self.num_classes, size)
        made = self.make_targets(rng, size, self.num_classes)
        return np.array(check_array("make_targets", "an array", made, kinds=ANY))

    def smaller(self) -> Iterator[NetCase]:
        """Simpler cases, the simplest first."""
        for batch in (1, 2):
            yield replace(self, batch=batch, whole=True)
            yield replace(self, batch=batch)
