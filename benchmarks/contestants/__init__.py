"""Who takes part, each in a file of its own, imported only by the process that runs it."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.contestants.contestant import Contestant


@dataclass(frozen=True)
class Entry:
    """How a contestant is called, where it is, and which module it needs installed."""

    title: str
    module: str
    needs: str = "numpy"

    @property
    def missing(self) -> str:
        """Why it cannot take part; empty where it can."""
        return "" if importlib.util.find_spec(self.needs) else f"the module {self.needs!r} is not installed"

    def load(self) -> type[Contestant]:
        """Its class; imports what it needs."""
        contestant: type[Contestant] = import_module(f"benchmarks.contestants.{self.module}").Runner
        return contestant


CONTESTANTS = {
    "floor": Entry("floor", "floor"),
    "minidl": Entry("minidl", "ours"),
    "classic": Entry("classic NumPy", "classic"),
    "sklearn": Entry("scikit-learn", "scikit_learn", "sklearn"),
    "torch": Entry("PyTorch", "pytorch", "torch"),
}

PEERS = tuple(name for name in CONTESTANTS if name not in ("floor", "minidl"))
"""Those that a user chooses from; the floor and minidl always run."""
