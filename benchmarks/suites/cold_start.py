"""From the shell to trained digits, imports included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.fresh import SCRIPTS, FreshSuite
from benchmarks.rounds import AnswersDiffer
from benchmarks.suite import Problem, Unit

WANTED = 0.96
"""The test accuracy that everybody must reach."""

_IMPORT, _DIGITS = "import over NumPy's", f"digits to {WANTED:.0%}"
_IMPORTS = {
    "minidl": "minidl",
    "sklearn": "sklearn.neural_network",
    "torch": "torch",
    "jax": "jax",
    "keras": "keras",
}
_TIMED_IMPORT = """\
import os, time, numpy
os.environ["KERAS_BACKEND"] = "jax"
start = time.perf_counter()
import {}
print(time.perf_counter() - start)"""


class ColdStart(FreshSuite):
    name = "cold-start"
    help = "a whole process, from the shell to trained digits; and the import"
    contestants = ("minidl", "sklearn", "torch", "jax", "keras")
    unit = Unit("ms", 1e3, format=",.1f")
    notes = (
        "import: what the library's takes in a fresh process that has imported NumPy.",
        f"digits: the whole program, data read from an .npz, a net of 100 hidden units trained in batches of "
        f"64 until it has learnt enough for a test accuracy of {WANTED:.0%}, which every run is held to. "
        "Everybody has the optimizer and the few epochs that did it soonest with any of eight seeds.",
    )

    def problems(self, quick: bool) -> Sequence[Problem]:
        return [Problem(_IMPORT), Problem(_DIGITS)]

    def commands(self, problem: Problem, directory: Path) -> Mapping[str, list[str]]:
        if problem.label == _IMPORT:
            return {name: ["-c", _TIMED_IMPORT.format(module)] for name, module in _IMPORTS.items()}
        file = directory / "digits.npz"
        write_digits(file)
        scripts = {
            name: SCRIPTS / "digits" / f"with_{name}.py" for name in self.contestants if name != "floor"
        }
        return {name: [str(script), str(file)] for name, script in scripts.items()}

    def value(self, problem: Problem, seconds: float, output: str) -> float:
        if problem.label == _IMPORT:
            return float(output)
        if not float(output) >= WANTED:
            raise AnswersDiffer(f"expected a test accuracy of {WANTED:.1%}, got {float(output):.1%}")
        return seconds


def write_digits(path: Path) -> None:
    """The digits that minidl bundles, flat and as uint8; the validation part is trained on, too."""
    import minidl

    data = minidl.data.load("digits")
    assert data.validation is not None
    assert data.test is not None
    train = (data.train, data.validation)
    np.savez(
        path,
        x_train=np.concatenate([part.features for part in train]).reshape(-1, 64),
        y_train=np.concatenate([part.targets for part in train]),
        x_test=data.test.features.reshape(-1, 64),
        y_test=data.test.targets,
    )
