"""Hyperparameter search, on every core and on a cluster: a space of configurations, and a `Sweep` over it.

Needs the extra ``sweep``; ``import minidl`` does not load it.
"""

from minidl.sweep.adaptive import Adaptive
from minidl.sweep.halving import Halving
from minidl.sweep.results import Results
from minidl.sweep.row import Row
from minidl.sweep.space import Grid, Random, Space
from minidl.sweep.sweep import Sweep

__all__ = ["Adaptive", "Grid", "Halving", "Random", "Results", "Row", "Space", "Sweep"]
