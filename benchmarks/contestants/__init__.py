"""Who takes part, each in a file of its own, imported only by the process that runs it."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType


@dataclass(frozen=True)
class Contestant:
    """How it is called, where it is, and which module and program it needs installed."""

    title: str
    module: str
    needs: str = "numpy"
    program: str = ""
    counts_cores: bool = False
    """Whether it takes as many threads as its process has cores, and cannot be told a number."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What its processes have in their environment besides."""

    @property
    def missing(self) -> str:
        """Why it cannot take part; empty where it can."""
        if not importlib.util.find_spec(self.needs):
            return f"the module {self.needs!r} is not installed"
        if self.program and not shutil.which(self.program):
            return f"the program {self.program!r}, which it compiles with, is not installed"
        return ""

    def load(self) -> ModuleType:
        """The module with a class for each suite's task it takes part in; imports what it needs."""
        return import_module(f"benchmarks.contestants.{self.module}")


CONTESTANTS = {
    "floor": Contestant("floor", "floor"),
    "minidl": Contestant("minidl", "ours"),
    "numpy": Contestant("minidl in NumPy", "ours", variables={"MINIDL_KERNELS": "numpy"}),
    "classic": Contestant("classic NumPy", "classic"),
    "sklearn": Contestant("scikit-learn", "scikit_learn", "sklearn"),
    "torch": Contestant("PyTorch", "pytorch", "torch"),
    "jax": Contestant("JAX jit", "jax_jit", "jax", counts_cores=True),
    "keras": Contestant("Keras on JAX", "keras_fit", "keras", counts_cores=True),
    "thinc": Contestant("thinc", "thinc_chain", "thinc"),
    "tinygrad": Contestant("tinygrad", "tiny_grad", "tinygrad", "clang"),
}
