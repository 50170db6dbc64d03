"""The suites, each in a file of its own."""

from __future__ import annotations

from benchmarks.suite import Suite
from benchmarks.suites.scaling import Scaling
from benchmarks.suites.step import Step

SUITES: dict[str, Suite] = {suite.name: suite for suite in (Step(), Scaling())}
