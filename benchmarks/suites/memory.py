"""The peak of a process that trains on a set of the size of CIFAR-10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.fresh import SCRIPTS, FreshSuite
from benchmarks.results import Result
from benchmarks.rounds import AnswersDiffer
from benchmarks.suite import Problem, Unit

_DATA = 49_000 * 3_072
_LEARNT = 0.9


class Memory(FreshSuite):
    name = "memory"
    help = "the peak resident size while training on 49,000 × 3,072 pixels of uint8"
    contestants = ("floor", "minidl", "sklearn", "torch", "keras")
    unit = Unit("MB", 1e-6, less="smaller", more="larger")
    base = "floor"
    notes = (
        "A fresh process makes the data, as uint8, trains a net of 50 hidden units for an epoch in batches "
        "of 200, and tells its largest resident size; it must classify "
        f"{_LEARNT:.0%} of the samples held out.",
        "floor: NumPy and the data, nobody who trains. scikit-learn is given float32, for it makes float64 "
        "of uint8; PyTorch and Keras make floats of each batch, as minidl does.",
    )

    def problems(self, quick: bool) -> Sequence[Problem]:
        return [Problem("49,000 × 3,072")]

    def commands(self, problem: Problem, directory: Path) -> Mapping[str, list[str]]:
        names = {name: "numpy" if name == "floor" else name for name in self.contestants}
        return {name: [str(SCRIPTS / "images" / f"with_{file}.py")] for name, file in names.items()}

    def value(self, problem: Problem, seconds: float, output: str) -> float:
        accuracy, peak = map(float, output.split())
        if accuracy < _LEARNT:  # the floor's is NaN
            raise AnswersDiffer(f"expected an accuracy of {_LEARNT:.0%}, got {accuracy:.1%}")
        return peak

    def remarks(self, results: Sequence[Result]) -> list[str]:
        peaks = {result.threads: result.median for result in results if result.contestant == "minidl"}
        return [
            f"minidl at {threads} thread{'s' * (threads > 1)}: "
            f"the data's {_DATA / 1e6:.1f} MB and {(peak - _DATA) / 1e6:.0f} MB more."
            for threads, peak in sorted(peaks.items())
        ]
