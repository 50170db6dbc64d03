"""The suites, which are data: what is measured, by whom, and how it is shown."""

from __future__ import annotations

from benchmarks.suites.images import IMAGES
from benchmarks.suites.passes import LAYERS, PREDICT
from benchmarks.suites.programs import COLD_START, MEMORY
from benchmarks.suites.training import EPOCH, SCALING, STEP

SUITES = {suite.name: suite for suite in (STEP, EPOCH, COLD_START, PREDICT, MEMORY, SCALING, LAYERS, IMAGES)}
