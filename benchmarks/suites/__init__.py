"""The suites, each in a file of its own."""

from __future__ import annotations

from benchmarks.suite import Suite
from benchmarks.suites.cold_start import ColdStart
from benchmarks.suites.epoch import EpochSuite
from benchmarks.suites.layers import Layers
from benchmarks.suites.memory import Memory
from benchmarks.suites.predict import Predict
from benchmarks.suites.scaling import Scaling
from benchmarks.suites.step import Step

SUITES: dict[str, Suite] = {
    suite.name: suite
    for suite in (Step(), EpochSuite(), ColdStart(), Predict(), Memory(), Scaling(), Layers())
}
