"""From the shell to trained digits, imports included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.fresh import SCRIPTS, FreshSuite
from benchmarks.results import Result
from benchmarks.rounds import AnswersDiffer
from benchmarks.suite import Problem, Unit

WANTED = 0.96
"""The test accuracy that everybody must reach."""

_IMPORT, _DIGITS = "import", f"digits to {WANTED:.0%}"
_IMPORTS = {
    "floor": "import numpy",
    "minidl": "import minidl",
    "sklearn": "from sklearn.neural_network import MLPClassifier",
    "torch": "import torch",
    "jax": "import jax",
    "keras": "import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras",
}


class ColdStart(FreshSuite):
    name = "cold-start"
    help = "a whole process: from the shell to trained digits, and to the import alone"
    contestants = ("floor", "minidl", "sklearn", "torch", "jax", "keras")
    unit = Unit("ms", 1e3)
    notes = (
        "import: Python started, the library imported; the floor is import numpy.",
        f"digits: the whole program, data read from an .npz, a net of 100 hidden units trained in batches of "
        f"64 until it has learnt enough for a test accuracy of {WANTED:.0%}, which every run is held to. "
        "Everybody has the optimizer and the few epochs that did it soonest with any of eight seeds.",
    )

    def problems(self, quick: bool) -> Sequence[Problem]:
        return [Problem(_IMPORT), Problem(_DIGITS)]

    def commands(self, problem: Problem, directory: Path) -> Mapping[str, list[str]]:
        if problem.label == _IMPORT:
            return {name: ["-c", code] for name, code in _IMPORTS.items()}
        file = directory / "digits.npz"
        write_digits(file)
        scripts = {
            name: SCRIPTS / "digits" / f"with_{name}.py" for name in self.contestants if name != "floor"
        }
        return {name: [str(script), str(file)] for name, script in scripts.items()}

    def value(self, problem: Problem, seconds: float, output: str) -> float:
        if problem.label == _DIGITS and not float(output) >= WANTED:
            raise AnswersDiffer(f"expected a test accuracy of {WANTED:.1%}, got {float(output):.1%}")
        return seconds

    def remarks(self, results: Sequence[Result]) -> list[str]:
        lines = []
        for threads in sorted({result.threads for result in results}):
            medians = {r.contestant: r.median for r in results if (r.row, r.threads) == (_IMPORT, threads)}
            if {"floor", "minidl"} <= set(medians):
                more = 1e3 * (medians["minidl"] - medians["floor"])
                at = f"{threads} thread{'s' * (threads > 1)}"
                lines.append(f"import minidl at {at}: {more:.0f} ms over import numpy.")
        return lines


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
