"""Who takes part, each in a file of its own, imported only by the process that runs it."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType


@dataclass(frozen=True)
class Contestant:
    """How it is called, where it is, and which module it needs installed."""

    title: str
    module: str
    needs: str = "numpy"

    @property
    def missing(self) -> str:
        """Why it cannot take part; empty where it can."""
        return "" if importlib.util.find_spec(self.needs) else f"the module {self.needs!r} is not installed"

    def load(self) -> ModuleType:
        """The module with a class for each suite's task it takes part in; imports what it needs."""
        return import_module(f"benchmarks.contestants.{self.module}")


CONTESTANTS = {
    "floor": Contestant("floor", "floor"),
    "minidl": Contestant("minidl", "ours"),
    "classic": Contestant("classic NumPy", "classic"),
    "sklearn": Contestant("scikit-learn", "scikit_learn", "sklearn"),
    "torch": Contestant("PyTorch", "pytorch", "torch"),
    "jax": Contestant("JAX jit", "jax_jit", "jax"),
    "keras": Contestant("Keras on JAX", "keras_fit", "keras"),
    "thinc": Contestant("thinc", "thinc_chain", "thinc"),
    "tinygrad": Contestant("tinygrad", "tiny_grad", "tinygrad"),
}
